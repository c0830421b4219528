"""LiveKit's key and secret as settings of a program, and which secrets are fit where other machines are. Pure."""

from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from configuration.errors import ValueMistakeError
from configuration.proxies import is_this_machine

DEVELOPMENT_KEY = "devkey"
DEVELOPMENT_SECRET = "earshot-development-secret-not-for-production"  # noqa: S105  livekit.yaml's, known to everybody
SHORTEST_SECRET_BYTES = 32
"""The shortest secret for HS256 (RFC 7518, 3.2); livekit-server warns of shorter ones."""
_KNOWN_TO_ALL = {DEVELOPMENT_SECRET, "secret"}
"""The secrets of livekit.yaml and of `livekit-server --dev`, which are publicly known."""


class LiveKitPair(BaseModel):
    """The settings that sign tokens for LiveKit."""

    livekit_api_key: str | None = None
    """The API key. Without a pair, livekit.yaml's pair is used for a LiveKit on this machine."""
    livekit_api_secret: SecretStr | None = None
    """The API secret, at least 32 bytes for a LiveKit on another machine."""

    @property
    def key(self) -> str:
        """The pair's first half; `with_pair` has made sure that there is one."""
        assert self.livekit_api_key is not None
        return self.livekit_api_key

    @property
    def secret(self) -> str:
        assert self.livekit_api_secret is not None
        return self.livekit_api_secret.get_secret_value()


P = TypeVar("P", bound=LiveKitPair)


def with_pair(settings: P, url: str) -> P:
    """The settings with a whole pair: their own, or livekit.yaml's if they have none and LiveKit is on this machine.

    Args:
        settings: What was read.
        url: LiveKit's URL, which can be parsed.

    Raises:
        ValueMistakeError: LiveKit is elsewhere and there is no pair, or half of one is missing.
    """
    has_none = settings.livekit_api_key is None and settings.livekit_api_secret is None
    if has_none and is_this_machine(urlsplit(url).hostname or ""):
        pair = {"livekit_api_key": DEVELOPMENT_KEY, "livekit_api_secret": SecretStr(DEVELOPMENT_SECRET)}
        return settings.model_copy(update=pair)
    for name in ("livekit_api_key", "livekit_api_secret"):
        if getattr(settings, name) is None:
            raise ValueMistakeError(name.upper(), None, f"set the pair that the server at {url} knows")
    return settings


def check_secret_for(url: str, secret: str) -> None:
    """Check that a secret is fit for the LiveKit at a URL. For one on this machine every secret is.

    Raises:
        ValueMistakeError: everybody knows the secret, or it is short enough to be guessed.
    """
    if not is_this_machine(urlsplit(url).hostname or ""):
        check_secret(secret, f"{url} is not on this machine")


def check_secret(secret: str, why: str) -> None:
    """Check that a secret is fit for a program that other machines reach.

    Args:
        secret: LIVEKIT_API_SECRET.
        why: The setting that makes it matter, as a clause: "wss://livekit.example.com is not on this machine".

    Raises:
        ValueMistakeError: everybody knows the secret, or it is short enough to be guessed.
    """
    fix = f"and {why}; `livekit-server generate-keys` makes a pair"
    if secret in _KNOWN_TO_ALL:
        raise ValueMistakeError("LIVEKIT_API_SECRET", "the development secret", f"everybody knows it, {fix}")
    if len(secret.encode()) < SHORTEST_SECRET_BYTES:
        raise ValueMistakeError("LIVEKIT_API_SECRET", "***", f"it has fewer than {SHORTEST_SECRET_BYTES} bytes, {fix}")
