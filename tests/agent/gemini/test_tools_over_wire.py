"""Tools on the emulator over wss: its journal says when each result came, and what it made of it."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import AgentSession, function_tool

from agent.gemini import ApiKey, EarshotModel, Endpoint, SilentListener, Voicing
from agent.livekit_private import cancel_tools
from agent.tools import ToolAgent, tool_options
from emulator.answers import Call, Rule
from emulator.journal import Journal
from emulator.script import Script
from emulator.server import serving
from emulator.shared import Emulator
from emulator.tls import server_context
from tests.agent.loudspeaker import Loudspeaker
from tests.e2e.stack import until

GEMINI_3_8, GEMINI_2_5 = "gemini-3.8-live", "gemini-2.5-flash-native-audio-preview-12-2025"
MEANWHILE = "While I look it up, let me tell you a long story about a lighthouse, a keeper, a boat and the sea."


class Clerk(ToolAgent):
    def __init__(self) -> None:
        super().__init__(instructions="Use your tools.")
        self.may_return = asyncio.Event()
        self.was_cancelled = asyncio.Event()
        self.has_booked = asyncio.Event()

    @function_tool
    @tool_options(behavior="non_blocking", scheduling="when_idle")
    async def clock(self) -> str:
        """Tell the time."""
        return "noon"

    @function_tool
    @tool_options(behavior="non_blocking", scheduling="interrupt", timeout_s=60)
    async def weather(self) -> AsyncIterator[str]:
        """Look up the weather."""
        yield "asked the service"
        await self.may_return.wait()
        yield "sunny"

    @function_tool
    async def wait(self) -> str:
        """Wait."""
        try:
            await self.may_return.wait()
        except asyncio.CancelledError:
            self.was_cancelled.set()
            raise
        return "waited"

    @function_tool
    @tool_options(shielded=True)
    async def book(self) -> str:
        """Book, whatever happens."""
        await self.may_return.wait()
        self.has_booked.set()
        return "booked"


class Cancelling(SilentListener):
    """Cancels the tools of calls that the service has cancelled, as a call does."""

    def __init__(self) -> None:
        self.session: AgentSession[None] | None = None

    def on_tools_cancelled(self, call_ids: list[str]) -> None:
        assert self.session is not None
        cancel_tools(self.session, call_ids)


Talk = tuple[AgentSession[None], Clerk, Callable[[], list[Any]]]


@asynccontextmanager
async def talking(folder: Path, model: str, *calls: str, meanwhile: str = "") -> AsyncIterator[Talk]:
    """A session whose model calls these functions when it is asked, and what the journal has of results and interruptions."""
    rule = Rule("It is {weather}.", matches=re.compile("weather"), calls=tuple(map(Call, calls)), meanwhile=meanwhile)
    tls, listener, clerk = server_context(folder / "ca.pem"), Cancelling(), Clerk()
    with Journal(None) as journal:
        emulator = Emulator(Script(typed=(rule,), otherwise=Rule("Well."), think_ms=0), journal)
        async with serving(emulator, host="127.0.0.1", port=0, tls=tls) as port:
            endpoint = Endpoint(model, ApiKey("key"), base_url=f"https://127.0.0.1:{port}", ca_file=folder / "ca.pem")
            async with EarshotModel(endpoint, Voicing("Puck"), listener=listener) as earshot:
                session = listener.session = AgentSession(llm=earshot, vad=None, user_away_timeout=None)
                session.output.audio = Loudspeaker()
                await session.start(clerk, session_host=False)
                try:
                    session.generate_reply(user_input="How is the weather?")
                    yield session, clerk, lambda: noted(journal)
                finally:
                    await asyncio.wait_for(session.aclose(), 10)


def noted(journal: Journal) -> list[Any]:
    """In order: each response to a call, the model's words, and the words `called`, `interrupted` and `cancelled`."""
    found: list[Any] = []
    for line in journal.recent():
        message = line["message"]
        content = message.get("serverContent") or {}
        found += message.get("tool_response", {}).get("functionResponses", [])
        found += ["called"] if "toolCall" in message else []
        found += ["interrupted"] if content.get("interrupted") else []
        found += ["cancelled"] if "toolCallCancellation" in message else []
        found += [content["outputTranscription"]["text"]] if content.get("outputTranscription") else []
    return found


def results(seen: list[Any]) -> list[tuple[Any, ...]]:
    """Name, response, scheduling and whether it goes on, of each response."""
    keys = ("name", "response", "scheduling", "willContinue")
    return [tuple(each.get(key) for key in keys) for each in seen if isinstance(each, dict)]


async def test_results_go_out_as_they_come_while_the_model_speaks_and_the_last_one_interrupts_it(tmp_path: Path) -> None:
    """Nothing waits for the slowest tool, nor for the end of what is being said."""
    async with talking(tmp_path, GEMINI_3_8, "weather", "clock", meanwhile=MEANWHILE) as (_, clerk, seen):
        await until(lambda: len(results(seen())) == 2)
        await until(lambda: "lighthouse" in " ".join(each for each in seen() if isinstance(each, str)))
        assert "interrupted" not in seen()
        clerk.may_return.set()
        await until(lambda: "sunny" in " ".join(each for each in seen() if isinstance(each, str)))
        found = seen()
    assert sorted(results(found)[:2]) == [
        ("clock", {"output": "noon"}, "WHEN_IDLE", None),
        ("weather", {"output": "asked the service"}, None, True),
    ]
    assert results(found)[2:] == [("weather", {"output": "sunny"}, "INTERRUPT", None)]
    last = next(number for number, each in enumerate(found) if isinstance(each, dict) and each["response"]["output"] == "sunny")
    assert "interrupted" in found[last:], "the service cuts the story short"


@pytest.mark.parametrize("name", ["wait", "book"])
async def test_a_call_that_the_service_cancels_ends_its_tool_unless_that_is_shielded(tmp_path: Path, name: str) -> None:
    """2.5 cancels a blocking call when the caller goes on. Its result is told to nobody."""
    async with talking(tmp_path, GEMINI_2_5, name) as (session, clerk, seen):
        await until(lambda: "called" in seen())
        session.generate_reply(user_input="Never mind.")
        await until(lambda: "cancelled" in seen())
        if name == "wait":
            await asyncio.wait_for(clerk.was_cancelled.wait(), 5)
        clerk.may_return.set()
        if name == "book":
            await asyncio.wait_for(clerk.has_booked.wait(), 5)
        await until(lambda: "Well." in " ".join(each for each in seen() if isinstance(each, str)))
        assert results(seen()) == []
