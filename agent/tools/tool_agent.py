"""An agent whose tools run as their options say, return anything, and answer the model as soon as they return."""

import functools
import inspect
from collections.abc import Sequence
from typing import Any, Self, cast

from livekit.agents import Agent, RunContext, llm

from agent.gemini import options_of
from agent.tools.mcp_tools import McpTools, tool_names
from agent.tools.tool_run import ToolRun

_Function = llm.FunctionTool[..., Any] | llm.RawFunctionTool[..., Any]

_CONTEXT = "earshot_run_context"
"""The parameter by which LiveKit hands the call to every tool. The model isn't told of it (docs/facts.md L141)."""


class ToolAgent(Agent):
    """Runs its tools as `agent.tools.tool_options` says for each of them.

    A tool may return dataclasses, dates, decimals, enums and models of pydantic. It may be a plain function, where that doesn't
    block, and an async generator, which tells the model of its progress. The tools of toolsets run so as well.
    """

    @functools.cached_property
    def _running(self) -> dict[int, tuple[object, llm.Tool | llm.Toolset]]:
        """Each tool and the one that stands in its place, by `id`: LiveKit compares tools by identity when agents change."""
        return {}

    @property
    def tools(self) -> list[llm.Tool | llm.Toolset]:
        return [self.in_place_of(tool) for tool in super().tools]

    def keep_tools(self, names: Sequence[str] | None) -> None:
        """Leave the agent those of its own functions, before it has a call. None: all of them."""
        if names is not None:
            functions = (llm.FunctionTool, llm.RawFunctionTool)
            self._tools = [tool for tool in self._tools if not isinstance(tool, functions) or tool.info.name in names]

    def add_toolsets(self, toolsets: Sequence[llm.Toolset]) -> None:
        """Give the agent toolsets before it has a call. In a call, `update_tools` does it."""
        self._tools = [*toolsets, *self._tools]

    def in_place_of(self, tool: llm.Tool | llm.Toolset) -> llm.Tool | llm.Toolset:
        """The tool that LiveKit is given in place of another."""
        if not isinstance(tool, llm.FunctionTool | llm.RawFunctionTool | llm.Toolset):
            return tool
        if id(tool) not in self._running:
            running: llm.Tool | llm.Toolset
            running = RunningToolset(tool, self) if isinstance(tool, llm.Toolset) else _running(tool, self)
            self._running[id(tool)] = (tool, running)
            self._running[id(running)] = (running, running)
        return self._running[id(tool)][1]


class RunningToolset(llm.Toolset):
    """A toolset of an agent's in which each tool runs as its options say.

    A toolset may load its tools when an agent starts, so they are asked for each time. LiveKit runs the tools of an
    `AsyncToolset` apart from the agent's (docs/facts.md L151); here they run like all others, and end with the agent.
    """

    def __init__(self, toolset: llm.Toolset, agent: ToolAgent) -> None:
        self._toolset = toolset
        self._agent = agent
        super().__init__(id=toolset.id)

    @property
    def tools(self) -> list[llm.Tool | llm.Toolset]:
        return [self._agent.in_place_of(tool) for tool in self._toolset.tools]

    async def setup(self) -> Self:
        """Have the toolset load its tools, when an agent starts."""
        if isinstance(self._toolset, McpTools):
            self._toolset.leave_out(tool_names(self._agent.tools))
        await self._toolset.setup()
        return self

    async def aclose(self) -> None:
        """Have the toolset release what it holds, when the agent ends."""
        await self._toolset.aclose()


def _running(tool: _Function, agent: Agent) -> _Function:
    @functools.wraps(tool)
    async def run(*args: Any, **kwargs: Any) -> Any:
        context: RunContext[Any] | None = kwargs.pop(_CONTEXT, None)
        reports_itself = any(isinstance(given, RunContext) for given in (*args, *kwargs.values()))
        work = functools.partial(tool, *args, **kwargs)
        return await ToolRun(work, options_of(tool), agent, context, reports_itself=reports_itself).result()

    running = type(tool)(run, cast(Any, tool.info))
    # what LiveKit finds the context's place by
    setattr(running, "__signature__", _with_context(inspect.signature(tool)))  # noqa: B010 - mypy doesn't know it
    running.__annotations__ = {**tool.__annotations__, _CONTEXT: RunContext}
    return running


def _with_context(signature: inspect.Signature) -> inspect.Signature:
    context = inspect.Parameter(_CONTEXT, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=RunContext)
    given = list(signature.parameters.values())
    place = next((at for at, one in enumerate(given) if one.kind is inspect.Parameter.VAR_KEYWORD), len(given))
    return signature.replace(parameters=[*given[:place], context, *given[place:]])
