"""Results of tools in a form that reaches the model: texts, numbers, lists and dicts, as JSON has them. Pure."""

import enum
import json
import math
from typing import Any

from livekit.agents import Agent, llm
from pydantic_core import PydanticSerializationError, to_jsonable_python

from configuration import valid_text

LONGEST_RESULT = 20_000
"""Characters of a result that the model gets; some 5,000 tokens, which stay in its context."""
_LARGEST_INT = 2**53
"""The service keeps numbers as doubles; a larger one would lose digits."""


def tellable(returned: Any) -> Any:
    """A tool's result as JSON would have it; what is LiveKit's own is left alone.

    What can't be told at all is told as that: the tool has run, and must not be run again for it.
    """
    match returned:
        case None | Agent() | BaseException() | complex():
            return returned
        case llm.ToolResult():
            return llm.ToolResult(tellable(returned.output), reply_required=returned.reply_required)
        case enum.Enum():
            return tellable(returned.value)
        case _ if is_handoff(returned):
            return tuple(tellable(item) for item in returned)
    try:
        return _short(_portable(to_jsonable_python(returned, bytes_mode="utf8", serialize_unknown=True)))
    except (PydanticSerializationError, ValueError, RecursionError):  # bytes that are no text, or what contains itself
        kind = f"{len(returned)} bytes of data" if isinstance(returned, bytes) else f"a {type(returned).__name__}"
        return f"It is done. Its result, {kind}, can't be put into words."


def is_handoff(returned: Any) -> bool:
    """Whether a tool hands the conversation over: it returns another agent, alone or among other things."""
    among = returned if isinstance(returned, list | tuple | set | frozenset) else ()
    return isinstance(returned, Agent) or any(isinstance(item, Agent) for item in among)


def error_words(error: Exception) -> str:
    """The words in which the model is told that a tool has failed: those of a `ToolError`, or the error's first line."""
    if isinstance(error, llm.ToolError):
        return str(_short(valid_text(error.message)))
    first = valid_text(str(error)).partition("\n")[0].strip()
    return str(_short(f"{type(error).__name__}: {first}" if first else type(error).__name__))


def _portable(plain: Any) -> Any:
    """A tool's result, in which the numbers that JSON or a double can't hold are texts, and texts are what UTF-8 can hold."""
    match plain:
        case str():
            return valid_text(plain)
        case dict():
            return {key: _portable(value) for key, value in plain.items()}
        case list():
            return [_portable(value) for value in plain]
        case int() if abs(plain) > _LARGEST_INT:
            return str(plain)
        case float() if not math.isfinite(plain):
            return str(plain)
        case _:
            return plain


def _short(plain: Any) -> Any:
    """A tool's result; of one that is too long, its beginning as a text with a note."""
    text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    if len(text) <= LONGEST_RESULT:
        return plain
    return f"{text[:LONGEST_RESULT]} [The result was cut: these are its first {LONGEST_RESULT:,} of {len(text):,} characters.]"
