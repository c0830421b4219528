"""The closes of the service: code and sentence, as recorded (docs/facts.md G8).

The service cuts every reason at 123 bytes, the most that a WebSocket close frame holds.
"""

from dataclasses import dataclass

_MOST_REASON_BYTES = 123


@dataclass(frozen=True)
class Close:
    code: int
    reason: str

    def __post_init__(self) -> None:
        cut = self.reason.encode()[:_MOST_REASON_BYTES].decode(errors="ignore")
        object.__setattr__(self, "reason", cut)


INVALID_ARGUMENT = Close(1007, "Request contains an invalid argument.")
BAD_KEY = Close(1007, "API key not valid. Please pass a valid API key.")
NO_KEY = Close(
    1008,
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of"
    " API consumer identity to call this API.",
)
SESSION_NOT_FOUND = Close(1008, "BidiGenerateContent session not found")
INTERNAL = Close(1011, "Internal error encountered.")
SESSION_LOCKED = INTERNAL
PRECONDITION = Close(1007, "Precondition check failed.")
NO_VOICES = Close(1007, "Cannot extract voices from a non-audio request.")
GO_AWAY_IGNORED = Close(
    1008,
    "Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session"
    " duration limit is reached.",
)
"""The sentence is recorded up to "durat", where the service cuts it."""
IDLE = Close(1008, "The operation was aborted.")
TOKEN_EXPIRED = Close(1011, "auth token has expired")
TOKEN_USED_UP = Close(1011, "Token has been used too many times")
TOKEN_TOO_OLD = Close(1011, "Token has expired")
"""The sentence is recorded, as TOKEN_USED_UP's is. Guessed: that it answers a new session after `newSessionExpireTime`, and
that BAD_KEY answers an unknown token."""
TOKEN_NOT_HERE = Close(1008, "Ephemeral tokens are taken by BidiGenerateContentConstrained only.")
"""Recorded: that the plain method rejects tokens. Guessed: the sentence."""


def unknown_model(model: str, version: str) -> Close:
    return Close(
        1008,
        f"{model} is not found for API version {version}, or is not supported for bidiGenerateContent. Call ModelService."
        "ListModels to see the list of available models and their supported methods.",
    )


def unknown_field(name: str, path: str) -> Close:
    where = f" at '{path}'" if path else ""
    return Close(1007, f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.')


def unknown_voice(voice: str, model: str) -> Close:
    """The close over a voice that the model hasn't got. Reported for 2.0 and 2.5."""
    return Close(1007, f"Requested voice api_name '{voice}' is not available for model {model}")


def modalities(names: list[str], model: str) -> Close:
    return Close(
        1007,
        f"The requested combination of response modalities ({', '.join(names)}) is not supported by the model. {model}",
    )


def unsupported(field: str) -> Close:
    return Close(1007, f"{field} is not supported by this model.")


def unknown_vertex_model(model: str) -> Close:
    return Close(1008, f"Publisher model `{model}` was not found or your project does not have access to it.")
