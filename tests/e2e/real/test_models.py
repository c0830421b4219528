"""One whole call with each model: a greeting, a spoken question, a tool and what it returned, a caller who interrupts.

`make test` holds it with the emulator's profile of the first model, `make long` with those of the others, `make real` with the
models themselves. So nothing here looks into the emulator.
"""

import pytest

from caller import AgentSilent, AgentSound, Caller, Caption, RoomEvent, SpeechEnd, SpeechStart
from caller.caller import SAMPLE_RATE_HZ
from emulator.profile import Profile
from speech import synthesize
from tests.e2e.real.calls import ANSWERS_S, SPEAKS_S, captions, hears_it_out, is_told
from tests.e2e.real.gemini import CONVERSING
from tests.e2e.real.workers import Workers

pytestmark = [pytest.mark.sound, pytest.mark.real, pytest.mark.timeout(300)]

TIME = synthesize("What time is it in Tokyo?", sample_rate_hz=SAMPLE_RATE_HZ)
STORY = synthesize("Tell me a long story about a lighthouse keeper.", sample_rate_hz=SAMPLE_RATE_HZ)
STOP = synthesize("Stop, please. I have another question.", sample_rate_hz=SAMPLE_RATE_HZ)
UNDER_WAY = 20
"""Characters of a caption, which keeps pace with the voice: some words of the story were heard."""
INTERRUPTED_S = 2.5
"""From the caller's first word to the agent's silence. The service needs some 0.3 s to notice speech."""


async def gets_an_answer_from_a_tool(caller: Caller) -> None:
    """The room is told of the tool, the answer is spoken after it, and both speakers have captions."""
    mark = len(caller.log)
    end_s = await caller.say(TIME, text="time")
    ended = await is_told(caller, "tool_ended", since=mark)
    assert (ended.body["name"], ended.body["status"]) == ("local_time", "done")
    await caller.first(
        Caption, since=mark, within_s=SPEAKS_S, where=lambda said: said.who == "agent" and said.final and said.t > ended.t
    )
    await hears_it_out(caller, since_s=end_s)
    assert captions(caller, "agent", since=mark)
    assert captions(caller, "caller", since=mark)


async def interrupts_a_story(caller: Caller) -> None:
    """The agent falls silent while the caller speaks, and answers when they have finished."""
    mark = len(caller.log)
    end_s = await caller.say(STORY, text="story")
    await caller.first(AgentSound, within_s=ANSWERS_S, where=lambda sound: sound.t > end_s)
    await caller.first(
        Caption, since=mark, within_s=ANSWERS_S, where=lambda said: said.who == "agent" and len(said.text) > UNDER_WAY
    )
    stops = len(caller.log)
    await caller.say(STOP, text="stop")
    start = await caller.first(SpeechStart, since=stops, within_s=1)
    end = await caller.first(SpeechEnd, since=stops, within_s=1)
    silent = await caller.first(AgentSilent, within_s=ANSWERS_S, where=lambda silent: silent.t > start.t)
    assert silent.t < start.t + INTERRUPTED_S
    answer = await hears_it_out(caller, since_s=silent.t)
    assert answer.t > end.t, "it spoke again before the caller had finished"
    turns = [event.body for event in caller.log[mark:] if isinstance(event, RoomEvent) and event.body["type"] == "turn"]
    assert any(turn["interrupted"] for turn in turns)


@pytest.mark.parametrize(
    "profile",
    [CONVERSING[0], *(pytest.param(other, marks=pytest.mark.long) for other in CONVERSING[1:])],
    ids=lambda it: it.name,
)
async def test_a_whole_call(workers: Workers, room: str, profile: Profile) -> None:
    async with workers.call(profile, room) as caller:
        await gets_an_answer_from_a_tool(caller)
        await interrupts_a_story(caller)
        settled = [event.segment for event in caller.log if isinstance(event, Caption) and event.final]
        assert len(settled) == len(set(settled)), "each caption settles once"
