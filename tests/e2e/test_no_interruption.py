"""A real call with `activity_handling = "NO_INTERRUPTION"`: the caller speaks over the answer, and hears it to its end."""

from pathlib import Path
from typing import Any

import pytest

from caller import AgentAttributes, AgentSilent, AgentSound, Caller, Caption, RoomEvent, SpeechEnd, dropouts
from caller.caller import SAMPLE_RATE_HZ
from speech import synthesize
from tests.e2e.stack import Sfu, gemini, until, worker
from tests.e2e.test_call import as_spoken

pytestmark = pytest.mark.sound

STORY = (
    "Once upon a time there was a lighthouse keeper, who lived on a rock in the sea. Every night he lit his lamp, and he "
    "talked to the ships."
)
MEANWHILE = "And this is what I say about your question."
QUESTION = "Stop. I have another question."
SCRIPT = f"""
think_ms = 200

[[turn]]
hears = "{QUESTION}"
says = "{MEANWHILE}"

[[typed]]
matches = "story"
says = "{STORY}"

[otherwise]
says = "Hello."
"""
_CUT_S = 0.5
"""An interrupted answer lacks all of its rest; shorter holes are a busy machine's."""
LIVE = '[live.realtime_input_config]\nactivity_handling = "NO_INTERRUPTION"\n'


def turns(caller: Caller) -> list[dict[str, Any]]:
    return [event.body for event in caller.log if isinstance(event, RoomEvent) and event.body["type"] == "turn"]


@pytest.mark.long
async def test_who_speaks_over_an_answer_hears_it_to_its_end_and_is_answered_next(
    server: Sfu, tmp_path: Path, room: str
) -> None:
    (tmp_path / "live.toml").write_text(LIVE)
    settings = {"AGENT_NAME": "uninterruptible", "GEMINI_LIVE_CONFIG": str(tmp_path / "live.toml")}
    async with (
        gemini(tmp_path, SCRIPT) as model,
        worker(server, model, **settings),
        server.caller(room, agent_name="uninterruptible") as caller,
    ):
        await caller.first(AgentSilent, within_s=20)
        mark = len(caller.log)
        await caller.send_text("Tell me the story")
        story = await caller.first(AgentSound, since=mark, within_s=10)
        await caller.first(Caption, since=mark, within_s=10, where=lambda caption: "lighthouse" in caption.text)
        await caller.say(synthesize(QUESTION, sample_rate_hz=SAMPLE_RATE_HZ), text="stop")
        end = await caller.first(SpeechEnd, since=mark, within_s=1)
        told = await caller.first(Caption, since=mark, within_s=20, where=lambda shown: shown.final and shown.text == STORY)
        await caller.first(Caption, since=mark, within_s=20, where=lambda shown: shown.final and shown.text == MEANWHILE)
        await caller.first(AgentSilent, within_s=10, where=lambda silent: silent.t > told.t)
        await until(lambda: len(turns(caller)) == 3)  # the greeting's is the first
        shown = [(event.who, event.text) for event in caller.log[mark:] if isinstance(event, Caption) and event.final]
        attributes = [event.attributes for event in caller.log if isinstance(event, AgentAttributes)]
        heard = caller.recording[int(max(story.t - caller.joined_at - 0.2, 0) * SAMPLE_RATE_HZ) :]
    assert end.t < told.t, "the agent still spoke when the caller had finished"
    for text in (STORY, MEANWHILE):
        holes = dropouts(heard, as_spoken(text), sample_rate_hz=SAMPLE_RATE_HZ)
        assert [hole for hole in holes if hole.duration_s > _CUT_S] == [], text
    assert sorted(shown) == sorted([("agent", STORY), ("caller", QUESTION), ("agent", MEANWHILE)])
    assert [turn["interrupted"] for turn in turns(caller)] == [False] * 3
    assert turns(caller)[2]["heard_to_sound_s"] > 0
    assert attributes[-1]["earshot.interruptions"] == "off"
