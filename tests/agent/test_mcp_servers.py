"""MCP servers of a persona: real ones, each a process of its own, by LiveKit's client."""

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from livekit.agents import llm

from agent.errors import PersonaError
from agent.gemini import undeclarable
from agent.tools.mcp_servers import check_mcp, mcp_tools, told
from agent.tools.mcp_tools import McpTools, tool_names
from agent.tools.persona_tools import McpServer, PersonaTools
from tests.e2e.stack import until

SERVER = ("-m", "tests.agent.mcp_server")
CONNECT_S = 10


@asynccontextmanager
async def connected(server: McpServer, variables: Mapping[str, str] | None = None) -> AsyncIterator[McpTools]:
    """The toolset of a server, set up."""
    [toolset] = mcp_tools(PersonaTools(mcp=(server,)), (variables or {}).get)
    try:
        yield await toolset.setup()
    finally:
        await toolset.aclose()


def named(toolset: McpTools) -> dict[str, Any]:
    return {tool.info.name: tool for tool in toolset.tools if isinstance(tool, llm.RawFunctionTool)}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@asynccontextmanager
async def shop(port: int) -> AsyncIterator[str]:
    """The URL of a server that runs in a process of its own."""
    process = await asyncio.create_subprocess_exec(sys.executable, *SERVER, str(port))

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        await until(answers, within_s=60)  # it imports much
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("way", ["http", "stdio"])
async def test_a_servers_tools_are_called(way: str) -> None:
    async with AsyncExitStack() as stack:
        if way == "http":
            server = McpServer(url=await stack.enter_async_context(shop(free_port())), connect_s=CONNECT_S)
        else:
            server = McpServer(command=sys.executable, args=SERVER, env=("SHOP_TOKEN",), connect_s=CONNECT_S)
        toolset = await stack.enter_async_context(connected(server, {"SHOP_TOKEN": "from the environment"}))
        assert sorted(tool_names([toolset])) == ["order", "price", "stock", "token"]
        assert list(undeclarable([toolset])) == []
        tools = named(toolset)
        assert await tools["price"](raw_arguments={"article": "tea", "count": 2}) == "2 tea: 4 euros."
        assert "3" in str(await tools["stock"](raw_arguments={}))
        with pytest.raises(llm.ToolError, match="out of stock"):
            await tools["order"](raw_arguments={})
        if way == "stdio":
            assert await tools["token"](raw_arguments={}) == "from the environment"


async def test_a_server_that_was_started_anew_is_connected_again() -> None:
    """A call in between fails, and the model is told."""
    port = free_port()
    async with AsyncExitStack() as stack:
        async with shop(port) as url:
            toolset = await stack.enter_async_context(connected(McpServer(url=url, connect_s=CONNECT_S)))
            price = named(toolset)["price"]
            assert await price(raw_arguments={"article": "tea"}) == "1 tea: 2 euros."
        with pytest.raises(llm.ToolError, match="can't be reached"):
            await price(raw_arguments={"article": "tea"})
        async with shop(port):
            assert await price(raw_arguments={"article": "tea"}) == "1 tea: 2 euros."


async def test_a_header_has_its_value_from_the_environment_and_the_log_has_neither(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "httpx2")
    seen: list[str | None] = []

    async def refuse(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.Response(status=401)

    app = web.Application()
    app.router.add_route("*", "/mcp", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        server = McpServer(url=f"http://127.0.0.1:{port}/mcp?key=hidden", headers_env={"Authorization": "SHOP_AUTHORIZATION"})
        async with connected(server, {"SHOP_AUTHORIZATION": "Bearer hidden"}) as toolset:
            assert list(toolset.tools) == []
    finally:
        await runner.cleanup()
    assert set(seen) == {"Bearer hidden"}
    assert f"the MCP server http://127.0.0.1:{port}/mcp can't be used" in caplog.text
    assert "hidden" not in caplog.text


def test_the_time_for_a_server_is_within_that_of_the_start() -> None:
    servers = PersonaTools(mcp=(McpServer(url="http://127.0.0.1:1/mcp", connect_s=5),))
    with pytest.raises(PersonaError, match=r"tools.mcp\[0\].connect_s is 5; it must be less than START_S, 5"):
        check_mcp("one", servers, {"A": "b"}.get, 5)


def test_a_persona_without_servers_has_no_toolset() -> None:
    assert mcp_tools(PersonaTools(), {"A": "b"}.get) == []


def content(kind: str, **fields: Any) -> SimpleNamespace:
    return SimpleNamespace(type=kind, **fields)


@pytest.mark.parametrize(
    ("parts", "structured", "words"),
    [
        ([content("text", text="It is noon."), content("text", text="In Rome.")], None, "It is noon.\nIn Rome."),
        ([], {"tea": 3}, {"tea": 3}),
        ([], None, "It is done."),
        ([content("image", data="AAAA")], None, "There is something of the kind image, which can't be put into words."),
        ([content("resource", resource=SimpleNamespace(text="Once upon a time", uri="file:///a"))], None, "Once upon a time"),
        ([content("resource", resource=SimpleNamespace(uri="x:1"))], None, "The data x:1 can't be put into words."),
        ([content("resource_link", name="Menu", uri="https://example.com")], None, "Menu: https://example.com"),
    ],
)
def test_a_result_is_told_in_the_words_of_its_content(parts: list[Any], structured: Any, words: Any) -> None:
    assert told(SimpleNamespace(result=SimpleNamespace(content=parts, structured_content=structured))) == words
