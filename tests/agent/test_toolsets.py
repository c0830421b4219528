"""LiveKit's toolsets among an agent's tools: each tool runs as its options say, and each call is answered when it is ready."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from livekit.agents import AgentSession, function_tool, llm
from livekit.agents.llm.async_toolset import AsyncToolset

from agent.gemini import ApiKey, EarshotModel, Endpoint, Voicing
from agent.tools import ToolAgent, tool_options
from tests.agent.gemini.wire import COMPLETE, Frames, Wire, wire

PARAMETERS = {"type": "object", "properties": {"what": {"type": ["string", "null"]}}, "additionalProperties": False}


class Kitchen:
    """Tools that wait for what the test does."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.tools = [self._slow(), self._raw()]

    def _slow(self) -> Any:
        @function_tool
        @tool_options(behavior="non_blocking", scheduling="interrupt")
        async def cook() -> AsyncIterator[str]:
            """Cook."""
            yield "It is in the oven."
            await self.ready.wait()
            yield "Dinner is ready."

        return cook

    def _raw(self) -> Any:
        async def fetch(raw_arguments: dict[str, object]) -> dict[str, object]:
            return {"fetched": raw_arguments}

        return function_tool(fetch, raw_schema={"name": "fetch", "description": "Fetch.", "parameters": PARAMETERS})


class LateToolset(llm.Toolset):
    """Has its tools when it is set up, as a toolset of MCP does."""

    def __init__(self, tools: list[Any]) -> None:
        super().__init__(id="late")
        self._late = tools
        self.is_closed = False

    async def setup(self) -> Self:
        self._tools = self._late
        return self

    async def aclose(self) -> None:
        self.is_closed = True


class Cook(ToolAgent):
    def __init__(self, toolset: llm.Toolset) -> None:
        super().__init__(instructions="Cook.", tools=[toolset])


@asynccontextmanager
async def cooking(folder: Path, toolset: llm.Toolset) -> AsyncIterator[Wire]:
    """A session whose model calls both tools at once."""
    calls: list[dict[str, Any]] = [
        {"id": "call_cook", "name": "cook", "args": {}},
        {"id": "call_fetch", "name": "fetch", "args": {"what": "salt"}},
    ]
    left: list[Frames] = [[{"toolCall": {"functionCalls": calls}}, COMPLETE]]

    def script(message: dict[str, Any]) -> Frames:
        return left.pop() if left and message.get("client_content", {}).get("turnComplete") else []

    async with wire(folder, script) as endpoint:
        where = Endpoint("gemini-3.8-live", ApiKey("key"), base_url=endpoint.url, ca_file=endpoint.ca_file)
        async with EarshotModel(where, Voicing("Puck")) as model:
            session: AgentSession[None] = AgentSession(llm=model, vad=None, user_away_timeout=None)
            await session.start(Cook(toolset), session_host=False)
            try:
                session.generate_reply(user_input="Dinner, please.")
                yield endpoint
            finally:
                await asyncio.wait_for(session.aclose(), 10)


@pytest.mark.parametrize("kind", ["plain", "nested", "async", "late"])
async def test_the_tools_of_a_toolset_run_as_their_options_say(tmp_path: Path, kind: str) -> None:
    kitchen = Kitchen()
    makers: dict[str, Callable[[], llm.Toolset]] = {
        "plain": lambda: llm.Toolset(id="kit", tools=kitchen.tools),
        "nested": lambda: llm.Toolset(id="kit", tools=[llm.Toolset(id="inner", tools=kitchen.tools)]),
        "async": lambda: AsyncToolset(id="kit", tools=kitchen.tools),
        "late": lambda: LateToolset(kitchen.tools),
    }
    toolset = makers[kind]()
    async with cooking(tmp_path, toolset) as endpoint:
        assert await endpoint.until(lambda: len(endpoint.tool_responses) == 2)
        kitchen.ready.set()
        assert await endpoint.until(lambda: len(endpoint.tool_responses) == 3)
        functions = endpoint.of("setup")[0]["tools"][0]["functionDeclarations"]
    assert [function["name"] for function in functions] == ["cook", "fetch"]
    assert functions[1]["parameters"]["properties"] == {"what": {"type": "STRING", "nullable": True}}
    by_id = {response["id"]: response for response in endpoint.tool_responses[:2]}
    assert by_id["call_cook"]["response"] == {"output": "It is in the oven."}
    assert by_id["call_cook"]["willContinue"] is True
    assert by_id["call_fetch"]["response"] == {"output": {"fetched": {"what": "salt"}}}
    last = endpoint.tool_responses[2]
    assert (last["response"], last["scheduling"]) == ({"output": "Dinner is ready."}, "INTERRUPT")
    if isinstance(toolset, LateToolset):
        assert toolset.is_closed, "it ends with its agent"


def test_an_agents_tools_stay_the_same_objects() -> None:
    """LiveKit compares tools by identity when agents change."""
    cook = Cook(llm.Toolset(id="kit", tools=Kitchen().tools))
    assert llm.ToolContext(cook.tools) == llm.ToolContext(cook.tools)
