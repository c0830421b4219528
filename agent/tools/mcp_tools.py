"""The tools of MCP servers as a toolset of LiveKit's. Whatever is wrong with a server costs its own tools and nothing else."""

import asyncio
import dataclasses
import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from livekit.agents import llm

from agent.errors import McpServerError
from agent.gemini import tool_options

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.:-]")
_LONGEST_NAME = 64
_INVALID_PARAMS = -32602
"""JSON-RPC's code for arguments that the server doesn't take."""
_LONGEST_REASON = 120
_CLOSE_S = 2.0
"""The connections of a call's servers may take so long to close."""

_RawTool = llm.RawFunctionTool[..., Any]

logger = logging.getLogger("earshot.tools")


class McpClient(Protocol):
    """The part of LiveKit's `MCPServer` that is used here."""

    @property
    def initialized(self) -> bool:
        """Whether the server is connected."""

    async def initialize(self) -> None:
        """Connect the server."""

    async def list_tools(self) -> list[_RawTool]:
        """The server's tools, which call it."""

    async def aclose(self) -> None:
        """End the connection."""


@dataclass(frozen=True)
class McpConnection:
    """The way to one MCP server."""

    name: str
    """The server's name for the log, without secrets."""
    client: Callable[[], McpClient]
    """Makes the client; it may raise `McpServerError`."""
    connect_s: float
    """The server's tools are left out when they can't be had in this time."""
    wanted: Collection[str] = ()
    """The names of the tools that are wanted; by default all."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of `tool_options` for each of the tools."""


class McpTools(llm.Toolset):
    """The tools of all MCP servers of one agent. LiveKit sets it up when the agent starts, and closes it when that ends."""

    def __init__(self, connections: Sequence[McpConnection]) -> None:
        super().__init__(id="mcp")
        self._connections = connections
        self._clients: list[McpClient] = []
        self._taken: frozenset[str] = frozenset()

    def leave_out(self, names: Collection[str]) -> None:
        """Tools of these names are the agent's own: servers' tools of the same name are left out."""
        self._taken = frozenset(names)

    async def setup(self) -> Self:
        """Connect the servers, all at the same time, and take over their tools."""
        if self._clients:
            return self
        async with asyncio.TaskGroup() as tasks:
            listings = [tasks.create_task(self._listed(connection)) for connection in self._connections]
        self._tools = list(self._named_once(tool for listing in listings for tool in listing.result()))
        return self

    async def aclose(self) -> None:
        """End the connections."""
        clients, self._clients, self._tools = self._clients, [], []
        async with asyncio.TaskGroup() as tasks:
            for client in clients:
                tasks.create_task(_closed(client))

    async def _listed(self, connection: McpConnection) -> list[tuple[McpConnection, _RawTool]]:
        """The tools of a server that are wanted. None of a server that can't be used: the log says why."""
        try:
            client = connection.client()
            self._clients.append(client)
            async with asyncio.timeout(connection.connect_s):
                await client.initialize()
                listed = await client.list_tools()
        except Exception as error:  # noqa: BLE001 - of any transport, or of what the server has sent
            reason = _reason(error, connection.connect_s)
            logger.warning("the MCP server %s can't be used, and its tools are missing: %s", connection.name, reason)
            return []
        if missing := sorted(set(connection.wanted) - {tool.info.name for tool in listed}):
            logger.warning("the MCP server %s has no tool named %s", connection.name, ", ".join(missing))
        wanted = [tool for tool in listed if not connection.wanted or tool.info.name in connection.wanted]
        return [(connection, _running(tool, client, connection)) for tool in wanted]

    def _named_once(self, tools: Iterator[tuple[McpConnection, _RawTool]]) -> Iterator[_RawTool]:
        """The tools whose names nobody has before them."""
        taken = set(self._taken)
        for connection, tool in tools:
            name = tool.info.name
            if name in taken:
                whose = "the agent" if name in self._taken else "another MCP server"
                sentence = "the tool %r of the MCP server %s is left out: %s has a tool of that name"
                logger.warning(sentence, name, connection.name, whose)
                continue
            taken.add(name)
            yield tool


def tool_names(tools: Sequence[llm.Tool | llm.Toolset]) -> list[str]:
    """The names of all functions among an agent's tools, those of its toolsets too."""
    return llm.tool_context.get_fnc_tool_names(tools)


def _running(tool: _RawTool, client: McpClient, connection: McpConnection) -> _RawTool:
    """A server's tool under a name that Gemini takes. A connection that fails is ended, and made anew by the next call."""

    async def call(raw_arguments: dict[str, object]) -> Any:
        try:
            if not client.initialized:
                async with asyncio.timeout(connection.connect_s):
                    await client.initialize()
            return await tool(raw_arguments)
        except llm.ToolError:
            raise  # the server's own words
        except Exception as error:
            if getattr(error, "code", None) == _INVALID_PARAMS:
                raise llm.ToolError(_words(error)) from error
            await _closed(client)
            raise llm.ToolError("The service behind this tool can't be reached at the moment.") from error

    running = llm.RawFunctionTool(call, dataclasses.replace(tool.info, name=_usable_name(tool.info.name)))
    tool_options(**connection.options)(running)
    return running


def _usable_name(name: str) -> str:
    """MCP's names may have slashes and any letters, and be longer than Gemini's (docs/facts.md G16)."""
    usable = _NOT_IN_NAMES.sub("_", name)
    return (usable if usable[:1].isalpha() or usable[:1] == "_" else f"_{usable}")[:_LONGEST_NAME]


async def _closed(client: McpClient) -> None:
    try:
        async with asyncio.timeout(_CLOSE_S):
            await client.aclose()
    except Exception as error:  # noqa: BLE001 - LiveKit's client raises here what has ended its connection long ago
        logger.debug("the connection to an MCP server has ended with %s", type(error).__name__)


def _reason(error: BaseException, within_s: float) -> str:
    """The reason why a server can't be used, without what its URL may hold."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, McpServerError):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"it wasn't connected within {within_s:g} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__} {_words(error)}".rstrip()


def _words(error: BaseException) -> str:
    """What MCP's own errors say; others may quote the URL, or what was sent."""
    return str(getattr(error, "message", "")).partition("\n")[0][:_LONGEST_REASON]
