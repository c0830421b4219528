"""A whole call with an interpreter: the translation is heard while the caller speaks on, and they don't interrupt it."""

from pathlib import Path

import pytest

from caller import AgentAttributes, AgentSilent, AgentSound, Caption, RoomEvent, SpeechEnd, SpeechStart, spans
from caller.caller import SAMPLE_RATE_HZ
from emulator import voice
from emulator.voice import RATE_HZ
from speech import synthesize
from tests.e2e.stack import ROOT, Sfu, gemini, worker

pytestmark = pytest.mark.sound

HEARS = (
    "dzień dobry nazywam się Jan i chciałbym opowiedzieć o latarni która stoi na skale w morzu i świeci każdej nocy dla "
    "wszystkich statków które tamtędy płyną"
)
SAYS = "Good day my name is Jan and I would like to tell you about a lighthouse that stands on a rock in the sea"
SPEECH = synthesize(HEARS, sample_rate_hz=SAMPLE_RATE_HZ)
SCRIPT = f"""
[[turn]]
hears = "{HEARS}"
says = "{SAYS}"
"""


async def test_the_translation_is_heard_while_the_caller_speaks_on(server: Sfu, tmp_path: Path, room: str) -> None:
    interpreting, settings = "interpreting", {"PERSONAS_DIR": str(ROOT / "agent" / "personas"), "GEMINI_CHECK": "on"}
    async with (
        gemini(tmp_path, SCRIPT) as model,
        worker(server, model, AGENT_NAME=interpreting, PERSONA="interpreter", **settings) as part,
    ):
        async with server.caller(room, agent_name=interpreting) as caller:
            await caller.first(
                AgentAttributes, within_s=10, where=lambda one: one.attributes.get("earshot.turns") == "translation"
            )
            await caller.say(SPEECH, text="speech")
            start, end = await caller.first(SpeechStart, within_s=1), await caller.first(SpeechEnd, within_s=1)
            sound = await caller.first(AgentSound, within_s=10)
            await caller.first(AgentSilent, within_s=20)
            await caller.send_text("And this is typed")
            dropped = await caller.first(RoomEvent, within_s=10, where=lambda event: event.body["type"] == "line_dropped")
            recording = caller.recording
            said = {
                who: [each.text for each in caller.log if isinstance(each, Caption) and each.who == who and each.final]
                for who in ("caller", "agent")
            }
            turns = [event.body for event in caller.log if isinstance(event, RoomEvent) and event.body["type"] == "turn"]
        await part.says("call ended: ")
        asked = model.setups()
        lines = model.lines()
    assert start.t < sound.t < end.t, "it begins while the caller speaks"
    [utterance] = spans(recording, sample_rate_hz=SAMPLE_RATE_HZ, pause_s=2.0)
    spoken_s = len(voice.speak(SAYS, "", "en")) / 2 / RATE_HZ
    assert spoken_s - 0.3 < utterance.duration_s < spoken_s + 2.5, "it is heard whole"
    assert said == {"caller": [HEARS], "agent": [SAYS]}
    assert [turn["interrupted"] for turn in turns] == [False]
    assert (dropped.body["reason"], dropped.body["identity"]) == ("sound_alone", "caller")
    assert {setup["model"] for setup in asked} == {"models/gemini-3.5-live-translate-preview"}
    assert not [line for line in lines if {"client_content", "tool_response"} & line["message"].keys()]
