"""Tools of MCP servers: whatever is wrong with a server costs its own tools and nothing else. The servers are stand-ins."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest
from google.genai.types import Behavior
from livekit.agents import function_tool, llm

from agent.errors import McpServerError
from agent.gemini import ToolOptions, options_of, undeclarable
from agent.tools import ToolAgent
from agent.tools.mcp_tools import McpConnection, McpTools, tool_names


class Held:
    """A call that a server answers when the test says so."""

    def __init__(self) -> None:
        self.has_begun, self.goes_on = asyncio.Event(), asyncio.Event()


class Server:
    """An MCP server as LiveKit's client shows it."""

    def __init__(self, *names: str, error: Exception | None = None, hangs: bool = False) -> None:
        self._names = names
        self._error = error
        self._hangs = hangs
        self.initialized = False
        self.is_closed = False
        self.connections = 0
        self.calls: list[tuple[str, object]] = []

    async def initialize(self) -> None:
        self.connections += 1
        if self._hangs:
            await asyncio.Event().wait()
        if self._error is not None:
            raise self._error
        self.initialized = True

    async def list_tools(self) -> list[Any]:
        return [self._tool(name) for name in self._names]

    async def aclose(self) -> None:
        self.is_closed, self.initialized = True, False
        if self._error is not None:
            raise self._error

    def breaks(self, error: Exception | None = None) -> None:
        self.initialized, self._error = False, error

    def _tool(self, name: str) -> Any:
        async def run(raw_arguments: dict[str, object]) -> str:
            if isinstance(held := raw_arguments.get("held"), Held):
                held.has_begun.set()
                await held.goes_on.wait()
                if not self.initialized:
                    raise ProtocolError(-32000, "Connection closed")
            if "fails with" in raw_arguments:
                raise raw_arguments["fails with"]  # type: ignore[misc]
            self.calls.append((name, raw_arguments))
            return f"{name} is done"

        return function_tool(run, raw_schema={"name": name, "description": "Do it.", "parameters": {"type": "object"}})


def connection(name: str, server: Server, wanted: Sequence[str] = (), connect_s: float = 5) -> McpConnection:
    return McpConnection(name, lambda: server, connect_s, wanted)


class ProtocolError(Exception):
    """An error of MCP's, as its package has them."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


class Clerk(ToolAgent):
    def __init__(self, *connections: McpConnection) -> None:
        super().__init__(instructions="Work.", tools=[McpTools(connections)])

    @function_tool
    async def search(self) -> str:
        """Search the shelf."""
        return "found"


async def set_up(agent: ToolAgent) -> list[str]:
    """Set the agent's toolsets up as LiveKit does. Returns the names of all its tools, of which no two are the same."""
    for toolset in agent.tools:
        if isinstance(toolset, llm.Toolset):
            await toolset.setup()
    return list(llm.ToolContext(agent.tools).function_tools)


async def test_servers_tools_stand_beside_the_agents_own() -> None:
    first, second = Server("read", "write"), Server("list files")
    agent = Clerk(connection("one", first), connection("two", second))
    assert await set_up(agent) == ["read", "write", "list_files", "search"]
    assert not list(undeclarable(agent.tools))
    [toolset] = [tool for tool in agent.tools if isinstance(tool, llm.Toolset)]
    tool: Any = toolset.tools[2]
    assert await tool(raw_arguments={"where": "/"}) == "list files is done"
    assert second.calls == [("list files", {"where": "/"})], "under the server's own name for it"
    await toolset.aclose()
    assert (first.is_closed, second.is_closed) == (True, True)


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (Server(error=ConnectionRefusedError(111, "Connection refused")), "Connection refused"),
        (Server(error=ExceptionGroup("of a transport", [FileNotFoundError(2, "No such file or directory")])), "No such file"),
        (Server(hangs=True), "it wasn't connected within 0.05 s"),
        (Server(error=ValueError("with a secret")), "ValueError"),
        (Server(error=ProtocolError(-32603, "Server returned an error response")), "ProtocolError Server returned an error"),
        (Server(error=McpServerError("CRM_TOKEN is not set")), "CRM_TOKEN is not set"),
    ],
    ids=["refused", "no command", "slow", "broken", "an error status", "no secret"],
)
async def test_a_dead_server_is_a_warning_and_the_rest_works(
    caplog: pytest.LogCaptureFixture, server: Server, reason: str
) -> None:
    agent = Clerk(connection("dead", server, connect_s=0.05), connection("live", Server("read")))
    assert await set_up(agent) == ["read", "search"]
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"the MCP server dead can't be used, and its tools are missing: {reason}")
    assert "secret" not in line
    for toolset in agent.tools:
        if isinstance(toolset, llm.Toolset):
            await toolset.aclose()


async def test_a_servers_tools_have_the_options_of_its_entry() -> None:
    options = {"behavior": "blocking", "timeout_s": 60}
    agent = Clerk(McpConnection("one", lambda: Server("read"), 5, options=options))
    assert await set_up(agent) == ["read", "search"]
    tools = llm.ToolContext(agent.tools).function_tools
    assert options_of(tools["read"]) == ToolOptions(Behavior.BLOCKING, timeout_s=60)
    assert options_of(tools["search"]) == ToolOptions()


async def test_names_that_clash_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """The agent's own tool comes first, then those of the servers in their order, however fast each is."""
    agent = Clerk(connection("one", Server("search", "read")), connection("two", Server("read", "write")))
    assert await set_up(agent) == ["read", "write", "search"]
    assert [record.getMessage() for record in caplog.records] == [
        "the tool 'search' of the MCP server one is left out: the agent has a tool of that name",
        "the tool 'read' of the MCP server two is left out: another MCP server has a tool of that name",
    ]


async def test_the_tools_that_are_wanted_are_taken_and_no_others(caplog: pytest.LogCaptureFixture) -> None:
    agent = Clerk(connection("one", Server("read", "write", "erase"), wanted=["read", "raed"]))
    assert await set_up(agent) == ["read", "search"]
    assert [record.getMessage() for record in caplog.records] == ["the MCP server one has no tool named raed"]


@pytest.mark.parametrize(("name", "usable"), [("größe", "gr__e"), ("1st", "_1st"), ("a/b c", "a_b_c"), ("x" * 99, "x" * 64)])
async def test_a_name_that_gemini_does_not_take_is_changed(name: str, usable: str) -> None:
    assert tool_names([await McpTools([connection("one", Server(name))]).setup()]) == [usable]


async def test_a_lost_connection_is_made_anew_by_the_next_call() -> None:
    server = Server("read")
    toolset = await McpTools([connection("one", server, connect_s=0.05)]).setup()
    tool: Any = toolset.tools[0]
    server.breaks()
    assert await tool(raw_arguments={}) == "read is done"
    assert server.connections == 2
    server.breaks(ConnectionRefusedError(111, "Connection refused"))
    with pytest.raises(llm.ToolError, match="can't be reached at the moment"):
        await tool(raw_arguments={})


async def test_a_call_that_fails_ends_the_connection_unless_the_server_has_said_so() -> None:
    server = Server("read")
    toolset = await McpTools([connection("one", server)]).setup()
    tool: Any = toolset.tools[0]
    with pytest.raises(llm.ToolError, match="no such file"):
        await tool(raw_arguments={"fails with": llm.ToolError("no such file")})
    with pytest.raises(llm.ToolError, match="count must be above 0"):
        await tool(raw_arguments={"fails with": ProtocolError(-32602, "count must be above 0")})
    assert not server.is_closed
    with pytest.raises(llm.ToolError, match="can't be reached at the moment"):
        await tool(raw_arguments={"fails with": RuntimeError("broken pipe")})
    assert (server.is_closed, server.connections) == (True, 1)
    assert await tool(raw_arguments={}) == "read is done"
    assert server.connections == 2


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ProtocolError(-32603, "the date is in the past"), "the date is in the past"),
        (ProtocolError(-32050, "sold out"), "sold out"),
        (ProtocolError(-32603, ""), "refused, without a reason"),
    ],
)
async def test_a_servers_own_error_leaves_the_calls_beside_it_alone(error: ProtocolError, words: str) -> None:
    server, held = Server("book"), Held()
    toolset = await McpTools([connection("one", server)]).setup()
    tool: Any = toolset.tools[0]
    async with asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(tool(raw_arguments={"held": held}))
        await held.has_begun.wait()
        with pytest.raises(llm.ToolError, match=words):
            await tool(raw_arguments={"fails with": error})
        held.goes_on.set()
    assert (slow.result(), server.connections) == ("book is done", 1)


@pytest.mark.parametrize("code", [-32000, -32001, -32600])
async def test_a_call_that_fails_late_leaves_the_next_connection_alone(code: int) -> None:
    """Two calls lose the connection. Before the second one is told so, a third one has connected the server anew."""
    server, second, third = Server("read"), Held(), Held()
    toolset = await McpTools([connection("one", server)]).setup()
    tool: Any = toolset.tools[0]
    lost = ProtocolError(code, "Session terminated")
    async with asyncio.TaskGroup() as tasks:
        failing = tasks.create_task(_refused(tool(raw_arguments={"held": second, "fails with": lost})))
        await second.has_begun.wait()
        assert "can't be reached" in await _refused(tool(raw_arguments={"fails with": lost}))
        reading = tasks.create_task(tool(raw_arguments={"held": third}))
        await third.has_begun.wait()
        second.goes_on.set()
        assert "can't be reached" in await failing
        third.goes_on.set()
    assert (reading.result(), server.connections) == ("read is done", 2)


async def _refused(call: Awaitable[Any]) -> str:
    """What the model is told of a call that fails."""
    with pytest.raises(llm.ToolError) as refused:
        await call
    return refused.value.message


async def test_each_agent_connects_servers_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "earshot.tools")
    server = Server("read")
    toolset = McpTools([connection("one", server)])
    await toolset.setup()
    await toolset.setup()
    assert server.connections == 1
    server.breaks(RuntimeError("lost long ago"))
    await toolset.aclose()
    assert (server.is_closed, list(toolset.tools)) == (True, [])
