"""The rules for tools of the caller's client: which it offers, what is asked, what its answer means. Pure.

docs/client_tools.md has them for the authors of clients.
"""

import math
from collections.abc import Mapping
from typing import Any

from livekit import rtc
from pydantic_core import from_json, to_json

from agent.errors import ClientToolError, ClientToolProblem

ATTRIBUTE = "earshot.client_tools"
"""The attribute of the caller's participant that lists the tools of their client: RPC methods with commas between them."""
MOST_BYTES = 15 * 1024
"""The longest payload of an RPC of LiveKit's that every client takes (docs/facts.md L160)."""
LONGEST_REASON = 300
"""Characters of a client's own words that the model is told."""

_Code = rtc.RpcError.ErrorCode
_PROBLEMS: dict[int, ClientToolProblem] = {
    _Code.UNSUPPORTED_METHOD: ClientToolProblem.NOT_OFFERED,
    _Code.RECIPIENT_NOT_FOUND: ClientToolProblem.CALLER_LEFT,
    _Code.RECIPIENT_DISCONNECTED: ClientToolProblem.CALLER_LEFT,
    _Code.RESPONSE_TIMEOUT: ClientToolProblem.TIMEOUT,
    _Code.CONNECTION_TIMEOUT: ClientToolProblem.UNREACHABLE,
    _Code.SEND_FAILED: ClientToolProblem.UNREACHABLE,
    _Code.UNSUPPORTED_SERVER: ClientToolProblem.UNREACHABLE,
    _Code.UNSUPPORTED_VERSION: ClientToolProblem.UNREACHABLE,
    _Code.REQUEST_PAYLOAD_TOO_LARGE: ClientToolProblem.TOO_LARGE,
    _Code.RESPONSE_PAYLOAD_TOO_LARGE: ClientToolProblem.TOO_LARGE,
}
"""LiveKit's own codes of RPC errors. Every other code is the client's, with its own words."""
_SENTENCES = {
    ClientToolProblem.NO_CALLER: "There is no caller's client to ask for {method}: nobody is in the call.",
    ClientToolProblem.NOT_OFFERED: "The caller's client doesn't offer {method}. It can't be done in this call.",
    ClientToolProblem.TOO_LARGE: "The answer of the caller's client to {method} is larger than LiveKit's RPC carries (15 KiB).",
    ClientToolProblem.TIMEOUT: "The caller's client didn't answer {method} in time. The caller may not have confirmed it yet.",
    ClientToolProblem.CALLER_LEFT: "The caller left before their client had answered {method}.",
    ClientToolProblem.UNREACHABLE: "The caller's client can't be reached for {method} at the moment.",
}


def offered(attributes: Mapping[str, str]) -> frozenset[str]:
    """The tools that a participant's client offers, by the participant's attributes."""
    return frozenset(filter(None, (method.strip() for method in attributes.get(ATTRIBUTE, "").split(","))))


def client_tool_error(method: str, kind: ClientToolProblem) -> ClientToolError:
    """The error of that kind, in a sentence for the model."""
    return ClientToolError(kind, _SENTENCES[kind].format(method=method))


def request_payload(method: str, arguments: Mapping[str, Any] | None, timeout_s: float) -> str:
    """The payload of an RPC: the arguments as a JSON object.

    Raises:
        ClientToolError: the arguments are too large.
        ValueError: `timeout_s` is no time, or the arguments can't be JSON.
    """
    if not _is_time(timeout_s):
        raise ValueError(f"timeout_s = {timeout_s!r} of {method}: write a number of seconds above 0")
    payload = to_json(dict(arguments or {}))
    if len(payload) > MOST_BYTES:
        sentence = f"The arguments of {method} are {len(payload):,} bytes long; LiveKit's RPC takes {MOST_BYTES:,}. Send less."
        raise ClientToolError(ClientToolProblem.TOO_LARGE, sentence)
    try:
        from_json(payload, allow_inf_nan=False)
    except ValueError as error:
        fix = "a number in them isn't finite; pass None or a text instead of it"
        raise ValueError(f"the arguments of {method} are no JSON: {fix}") from error
    return payload.decode()


def _is_time(given: object) -> bool:
    return isinstance(given, int | float) and 0 < given < math.inf


def answer_of(method: str, payload: str) -> Any:
    """The value that a client answered: JSON, or else the text itself; None for an empty one.

    Raises:
        ClientToolError: it is too large.
    """
    if len(payload.encode(errors="replace")) > MOST_BYTES:
        raise client_tool_error(method, ClientToolProblem.TOO_LARGE)
    try:
        return from_json(payload, allow_inf_nan=False) if payload.strip() else None
    except ValueError:
        return payload


def failure(method: str, error: rtc.RpcError) -> ClientToolError:
    """The error that an RPC's error is to a tool."""
    if (kind := _PROBLEMS.get(error.code)) is not None:
        return client_tool_error(method, kind)
    words = " ".join(error.message.split())[:LONGEST_REASON] if error.code != _Code.APPLICATION_ERROR else ""
    sentence = f"The caller's client didn't do {method}: {words or 'it failed, and gave no reason'}"
    return ClientToolError(ClientToolProblem.REFUSED, sentence if sentence.endswith((".", "!", "?")) else f"{sentence}.")
