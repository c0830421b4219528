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
_CONNECTION_ENDED = frozenset({-32000, -32001, -32600})
"""The codes of an MCP error when the connection has ended, or the server knows the session no more (docs/facts.md L152)."""
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
        self._servers: list[_Server] = []
        self._taken: frozenset[str] = frozenset()

    def leave_out(self, names: Collection[str]) -> None:
        """Tools of these names are the agent's own: servers' tools of the same name are left out."""
        self._taken = frozenset(names)

    async def setup(self) -> Self:
        """Connect the servers, all at the same time, and take over their tools."""
        if self._servers:
            return self
        async with asyncio.TaskGroup() as tasks:
            listings = [tasks.create_task(self._listed(connection)) for connection in self._connections]
        self._tools = list(self._named_once(tool for listing in listings for tool in listing.result()))
        return self

    async def aclose(self) -> None:
        """End the connections."""
        servers, self._servers, self._tools = self._servers, [], []
        async with asyncio.TaskGroup() as tasks:
            for server in servers:
                tasks.create_task(server.aclose())

    async def _listed(self, connection: McpConnection) -> list[tuple[McpConnection, _RawTool]]:
        """The tools of a server that are wanted. None of a server that can't be used: the log says why."""
        try:
            server = _Server(connection)
            self._servers.append(server)
            listed = await server.tools()
        except Exception as error:  # noqa: BLE001 - of any transport, or of what the server has sent
            reason = _reason(error, connection.connect_s)
            logger.warning("the MCP server %s can't be used, and its tools are missing: %s", connection.name, reason)
            return []
        if missing := sorted(set(connection.wanted) - {tool.info.name for tool in listed}):
            logger.warning("the MCP server %s has no tool named %s", connection.name, ", ".join(missing))
        wanted = [tool for tool in listed if not connection.wanted or tool.info.name in connection.wanted]
        return [(connection, _running(tool, server, connection.options)) for tool in wanted]

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


class _Server:
    """One MCP server. Its connection is shared by all calls of its tools; one that fails is made anew by the next call."""

    def __init__(self, connection: McpConnection) -> None:
        self._client = connection.client()
        self._connect_s = connection.connect_s
        self._changing = asyncio.Lock()
        self._connections = 0
        """The number of the newest connection; 0 is that of the setup."""

    async def tools(self) -> list[_RawTool]:
        """Connect the server, and ask for its tools."""
        async with asyncio.timeout(self._connect_s):
            await self._client.initialize()
            return await self._client.list_tools()

    async def call(self, tool: _RawTool, arguments: dict[str, object]) -> Any:
        """Call a tool of the server's.

        Raises:
            ToolError: in the server's own words, or that it can't be reached.
        """
        connection: int | None = None
        try:
            connection = await self._connected()
            return await tool(arguments)
        except llm.ToolError:
            raise  # the server's own words
        except Exception as error:
            if connection is not None and (code := getattr(error, "code", None)) is not None and code not in _CONNECTION_ENDED:
                raise llm.ToolError(_words(error) or "The service behind this tool refused, without a reason.") from error
            await self._end(connection)
            raise llm.ToolError("The service behind this tool can't be reached at the moment.") from error

    async def aclose(self) -> None:
        """End the connection."""
        await _closed(self._client)

    async def _connected(self) -> int:
        """Connect the server if it isn't. Returns the connection's number."""
        async with asyncio.timeout(self._connect_s), self._changing:
            if not self._client.initialized:
                await self._client.initialize()
                self._connections += 1
            return self._connections

    async def _end(self, connection: int | None) -> None:
        """End a connection that has failed, or could not be made, unless another call has made the next one meanwhile."""
        async with self._changing:
            if connection == self._connections or not self._client.initialized:
                await _closed(self._client)


def _running(tool: _RawTool, server: _Server, options: Mapping[str, Any]) -> _RawTool:
    """A server's tool under a name that Gemini takes."""

    async def call(raw_arguments: dict[str, object]) -> Any:
        return await server.call(tool, raw_arguments)

    running = llm.RawFunctionTool(call, dataclasses.replace(tool.info, name=_usable_name(tool.info.name)))
    tool_options(**options)(running)
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
