"""Tools that only some callers' clients can do: each names the RPC method that it asks the client for. Pure.

Which methods a client offers, and how it is asked: agent/room/client_tools.py.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from livekit.agents import llm

from agent.gemini.tool_options import layers

_ATTRIBUTE = "earshot_client_method"

_Tool = TypeVar("_Tool", bound=Callable[..., Any])


def client_tool(method: str) -> Callable[[_Tool], _Tool]:
    """Decorate a tool that asks the caller's client for an RPC method, under LiveKit's `@function_tool` or above it.

    While the caller's client doesn't offer the method, the tool isn't declared to a model whose tools can change on an open
    connection. Other models are told of it in every call (docs/client_tools.md).

    Raises:
        ValueError: `method` can't be the name of one.
    """
    given: object = method  # the decorator without its parentheses is given the tool
    if not (isinstance(given, str) and given.strip()) or "," in given:
        raise ValueError(f'client_tool({given!r}): write the name of one RPC method, such as "earshot.location"')

    def decorate(tool: _Tool) -> _Tool:
        for each in layers(tool):  # LiveKit makes a new tool of the function for each agent
            setattr(each, _ATTRIBUTE, method.strip())
        return tool

    return decorate


def client_method_of(tool: object) -> str | None:
    """The RPC method of the caller's client that a tool needs; None: it needs none."""
    method: str | None = getattr(tool, _ATTRIBUTE, None)
    return method


def with_client(tools: llm.ToolContext, methods: frozenset[str] | None) -> llm.ToolContext:
    """The tools that can be done with a client that offers these RPC methods. None: it isn't known, and all of them stay."""
    functions = tools.function_tools
    if methods is None:
        return tools
    kept = [tool for tool in functions.values() if (method := client_method_of(tool)) is None or method in methods]
    return tools if len(kept) == len(functions) else llm.ToolContext([*kept, *tools.provider_tools])
