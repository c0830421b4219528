"""Results of tools in a form that reaches the model: LiveKit calls all but texts, numbers, lists and dicts a failure."""

import enum
import functools
import inspect
from typing import Any, cast

from livekit.agents import Agent, llm
from pydantic_core import PydanticSerializationError, to_jsonable_python

_Function = llm.FunctionTool[..., Any] | llm.RawFunctionTool[..., Any]


class ToolAgent(Agent):
    """An agent whose tools may return anything: dataclasses, dates, decimals, enums, models of pydantic, bytes.

    They may also be plain functions, where they don't block.
    """

    @functools.cached_property
    def _told(self) -> dict[int, tuple[object, _Function]]:
        """Each tool and the one that stands in its place, by `id`: LiveKit compares tools by identity when agents change."""
        return {}

    @property
    def tools(self) -> list[llm.Tool | llm.Toolset]:
        return [
            self._telling(tool) if isinstance(tool, llm.FunctionTool | llm.RawFunctionTool) else tool for tool in super().tools
        ]

    def _telling(self, tool: _Function) -> _Function:
        if id(tool) not in self._told:
            telling = _telling(tool)
            self._told[id(tool)] = (tool, telling)
            self._told[id(telling)] = (telling, telling)
        return self._told[id(tool)][1]


def _telling(tool: _Function) -> _Function:
    @functools.wraps(tool)
    async def run(*args: Any, **kwargs: Any) -> Any:
        returned = tool(*args, **kwargs)
        return tellable(await returned if inspect.isawaitable(returned) else returned)

    return type(tool)(run, cast(Any, tool.info))


def tellable(returned: Any) -> Any:
    """A tool's result as texts, numbers, lists and dicts, as JSON would have it; what is LiveKit's own is left alone.

    What can't be told at all is told as that: the tool has run, and must not be run again for it.
    """
    if isinstance(returned, llm.ToolResult):
        return llm.ToolResult(tellable(returned.output), reply_required=returned.reply_required)
    if isinstance(returned, list | tuple | set | frozenset) and any(isinstance(item, Agent) for item in returned):
        return tuple(tellable(item) for item in returned)
    if isinstance(returned, enum.Enum):
        return tellable(returned.value)
    if returned is None or isinstance(returned, Agent | BaseException | str | int | float | complex):
        return returned
    for bytes_mode in ("utf8", "base64"):
        try:
            return to_jsonable_python(returned, bytes_mode=bytes_mode, serialize_unknown=True)
        except (PydanticSerializationError, ValueError):  # bytes that are no text, or what contains itself
            continue
    return f"It is done. Its result, a {type(returned).__name__}, can't be put into words."
