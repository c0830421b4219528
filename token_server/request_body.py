"""A request's body: read within bounds, as JSON, with a sentence about what is wrong with it."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any, NoReturn

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import ClientDisconnect, Request

from token_server.errors import RefusedError

LARGEST_BODY_BYTES = 16 * 1024
DEEPEST = 16
_LONGEST_FIELD_NAME = 80


async def body(request: Request, within_s: float) -> bytes:
    """The request's body.

    Raises:
        RefusedError: it is too large, comes too slowly, or is a browser's and no JSON.
    """
    received = bytearray()
    length = 0
    try:
        async with asyncio.timeout(within_s):
            async for part in request.stream():
                length += len(part)
                if length <= LARGEST_BODY_BYTES:
                    received += part  # the rest is read and dropped: who is cut off while sending misses the answer
    except ClientDisconnect:
        raise RefusedError(400, "gone", "The connection ended before the request did.") from None
    except TimeoutError:
        if length <= LARGEST_BODY_BYTES:
            raise RefusedError(408, "too_slow", f"The request's body took longer than {within_s} s.") from None
    if length > LARGEST_BODY_BYTES:
        raise RefusedError(413, "too_large", f"The request's body is larger than {LARGEST_BODY_BYTES} bytes.")
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if received and "Origin" in request.headers and kind != "application/json":
        raise RefusedError(415, "bad_content_type", "A web page sends its request as application/json.")
    return bytes(received)


def json_object(text: bytes) -> dict[str, Any]:
    """The JSON object in a request's body; an empty body is an empty object.

    Raises:
        RefusedError: it is something else, or nested too deeply.
    """
    try:
        content: Any = json.loads(text, parse_constant=_no_constant) if text.strip() else {}
    except (ValueError, RecursionError):
        raise RefusedError(400, "bad_json", "The request's body is not JSON.") from None
    if not isinstance(content, dict):
        raise RefusedError(400, "bad_json", "The request's body must be a JSON object.")
    if _is_deep(content):
        raise RefusedError(400, "bad_json", f"The request's body is nested more than {DEEPEST} levels deep.")
    return content


def bad_field(invalid: ValidationError) -> RefusedError:
    """The refusal of a request for its first field that can't be used."""
    error = invalid.errors(include_url=False)[0]
    field_name = ascii(".".join(str(part) for part in error["loc"])[:_LONGEST_FIELD_NAME])[1:-1]
    sentence = _said(error)
    return RefusedError(400, "bad_field", f"{field_name}: {sentence}." if field_name else f"{sentence}.")


def _said(error: ErrorDetails) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "there is no such field"
        case "string_pattern_mismatch":
            return f"it must match {error['ctx']['pattern']}"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "it must be an object"
        case _:
            return error["msg"].removeprefix("Value error, ")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _is_deep(content: Any) -> bool:
    level = [content]
    for _ in range(DEEPEST):
        level = [inner for value in level for inner in _inside(value)]
    return bool(level)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
