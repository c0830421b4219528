"""Settings that a call shows: by what the caller hears, and by what the room is told. A call for each.

A dispatch sets them, so that they share a worker. `make real` alone runs these, and `make contract` against the emulator.
"""

from typing import Any

import pytest

from caller import AgentSound, Caption
from caller.caller import SAMPLE_RATE_HZ
from emulator.profiles import GEMINI_2_5_NATIVE, GEMINI_3_8_LIVE
from speech import synthesize
from tests.e2e.real.calls import ANSWERS_S, captions, hears_it_out, is_told
from tests.e2e.real.workers import Workers

pytestmark = pytest.mark.real

TIME = synthesize("What time is it in Tokyo?", sample_rate_hz=SAMPLE_RATE_HZ)
STOP = synthesize("Stop, please. I have another question.", sample_rate_hz=SAMPLE_RATE_HZ)
SEARCH: dict[str, Any] = {"tools": [{"google_search": {}}]}
THOUGHTS = {"thinking_config": {"include_thoughts": True}}
UNINTERRUPTED = {"realtime_input_config": {"activity_handling": "NO_INTERRUPTION"}}


async def test_a_typed_line_is_answered_aloud_and_the_context_grows(workers: Workers, room: str) -> None:
    async with workers.call(GEMINI_3_8_LIVE, room) as caller:
        mark = len(caller.log)
        await caller.send_text("Say hello to my sister, please.")
        await hears_it_out(caller, since_s=caller.log[mark - 1].t)
        assert captions(caller, "agent", since=mark)
        context = await is_told(caller, "context", since=mark)
        assert context.body["after_tokens"] > 0


async def test_a_search_is_told_with_its_sources(workers: Workers, room: str) -> None:
    async with workers.call(GEMINI_3_8_LIVE, room, live=SEARCH) as caller:
        mark = len(caller.log)
        await caller.send_text("Search the web: how is the weather in Rome right now?")
        told = await is_told(caller, "sources", since=mark)
        assert all(source["url"].startswith("http") for source in told.body["sources"])
        assert told.body["queries"]


async def test_thoughts_are_told_and_not_captioned(workers: Workers, room: str) -> None:
    async with workers.call(GEMINI_2_5_NATIVE, room, live=THOUGHTS) as caller:
        mark = len(caller.log)
        await caller.send_text("How might the weather in Rome be in May? Think about it first.")
        thought = (await is_told(caller, "thought", since=mark)).body["text"]
        await hears_it_out(caller, since_s=caller.joined_at)
        assert thought
        assert thought not in captions(caller, "agent", since=mark)


async def test_a_caller_interrupts_nothing_where_the_setting_says_so(workers: Workers, room: str) -> None:
    async with workers.call(GEMINI_3_8_LIVE, room, live=UNINTERRUPTED) as caller:
        mark = len(caller.log)
        await caller.send_text("Tell me a story of five sentences.")
        await caller.first(AgentSound, since=mark, within_s=ANSWERS_S)
        await caller.first(Caption, since=mark, within_s=ANSWERS_S, where=lambda caption: caption.who == "agent")
        await caller.say(STOP, text="stop")
        turn = await is_told(caller, "turn", since=mark)
        assert not turn.body["interrupted"]


async def test_a_press_of_the_button_is_a_turn(workers: Workers, room: str) -> None:
    async with workers.call(GEMINI_3_8_LIVE, room, hearing={"turns": "push_to_talk"}) as caller:
        mark = len(caller.log)
        async with caller.holding_button():
            await caller.say(TIME, text="time")
        await hears_it_out(caller, since_s=caller.now)
        assert captions(caller, "agent", since=mark)
        assert captions(caller, "caller", since=mark)


@pytest.mark.parametrize("language", ["de-DE", "ja-JP"])
async def test_a_call_in_another_language_is_greeted(workers: Workers, room: str, language: str) -> None:
    async with workers.call(GEMINI_3_8_LIVE, room, language=language) as caller:
        assert captions(caller, "agent", since=0)
