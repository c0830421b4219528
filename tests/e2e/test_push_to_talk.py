"""A call with push-to-talk: nothing is answered without a press, and pressing interrupts. Judged at the caller's ear."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from caller import AgentAttributes, AgentSilent, AgentSound, Caller, Caption, RoomEvent, SpeechEnd
from caller.caller import SAMPLE_RATE_HZ
from caller.ear import Samples, spans
from demo.parts import Part
from speech import read_wav, synthesize
from tests.e2e.conftest import AFTER_BARGE_IN, ANSWER, GREETING, SCRIPT
from tests.e2e.stack import Gemini, Sfu, emulator, worker

pytestmark = pytest.mark.sound

AGENT_NAME = "walkie"
HEARD = "heard"
PERSONA = """
instructions = "You are a radio operator."
greeting = "Greet the caller."

[hearing]
turns = "push_to_talk"
"""
BREATH = np.zeros(SAMPLE_RATE_HZ // 2, dtype=np.int16)
"""The caller lets go half a second after the last word: on a busy machine sound takes longer than a message, by more than the
150 ms that a press lasts on."""
HELLO = np.concatenate([synthesize("Hello, can you hear me?", sample_rate_hz=SAMPLE_RATE_HZ), BREATH])
STOP = np.concatenate([synthesize("Stop. I have another question.", sample_rate_hz=SAMPLE_RATE_HZ), BREATH])


@dataclass(frozen=True)
class Radio:
    """A worker whose persona takes turns by the button, and its model."""

    model: Gemini
    worker: Part
    recordings: Path
    """The folder with the sound that the model got, a file for each session."""


@pytest.fixture(scope="module")
async def radio(server: Sfu, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Radio]:
    folder = tmp_path_factory.mktemp("radio")
    (folder / "walkie.toml").write_text(PERSONA)
    settings = {"PERSONAS_DIR": str(folder), "PERSONA": "walkie", "AGENT_NAME": AGENT_NAME, "TMPDIR": str(folder)}
    script = folder / "script.toml"
    script.write_text(SCRIPT)
    options = ["--script", str(script), "--journal-audio", str(folder / HEARD)]
    async with emulator(folder, *options) as model, worker(server, model, **settings) as part:
        yield Radio(model, part, folder / HEARD)


def marks(model: Gemini, since: int) -> list[str]:
    """What the model was sent of the caller: the bounds of activities, and `audio` once for all that comes together."""
    sent = [line["message"]["realtime_input"] for line in model.lines()[since:] if "realtime_input" in line["message"]]
    return [kind for kind, _ in itertools.groupby(key for fields in sent for key in fields)]


def spoken_s(sound: Samples, sample_rate_hz: int) -> list[float]:
    """The lengths of the utterances in a recording, in seconds."""
    return [span.duration_s for span in spans(sound, sample_rate_hz=sample_rate_hz, pause_s=0.25)]


async def said(caller: Caller, text: str, since: int) -> None:
    """Wait until the agent's words are captioned whole and have been heard."""
    await caller.first(
        Caption, since=since, within_s=20, where=lambda line: line.who == "agent" and line.final and line.text == text
    )
    await caller.quiet(for_s=0.5, within_s=20)


def activities(caller: Caller) -> list[tuple[bool, str]]:
    """The room's events of the talk button: whether a press begins, and why it has ended."""
    told = [event.body for event in caller.log if isinstance(event, RoomEvent) and event.body["type"] == "activity"]
    return [(event["active"], event.get("reason", "")) for event in told]


async def offered(caller: Caller) -> None:
    """Wait until the agent takes presses."""
    await caller.first(AgentAttributes, within_s=15, where=lambda one: one.attributes.get("earshot.turns") == "push_to_talk")


async def test_the_agent_hears_the_caller_while_the_button_is_held(server: Sfu, radio: Radio, room: str) -> None:
    """Nothing is sent without a press, no syllable of one is cut, and pressing stops the agent."""
    sent = len(radio.model.lines())
    before = set(radio.recordings.glob("*.wav"))
    async with server.caller(room, agent_name=AGENT_NAME) as caller:
        await offered(caller)
        await said(caller, GREETING, 0)
        mark = len(caller.log)
        await caller.say(HELLO, text="to somebody else")
        await caller.quiet(for_s=6, within_s=10)  # since the greeting: some 3 s since the words
        assert marks(radio.model, sent) == [], "nothing is sent"
        assert not [event for event in caller.log[mark:] if isinstance(event, AgentSound)]
        async with caller.holding_button():
            await caller.say(HELLO, text="to the agent")
        await said(caller, ANSWER, mark)
        heard = [event.text for event in caller.log if isinstance(event, Caption) and event.who == "caller" and event.final]
        assert heard == ["Hello, can you hear me?"]
        await _interrupts(caller)
    await radio.worker.says("call ended: ")
    assert activities(caller) == [(True, ""), (False, "released")] * 2
    assert marks(radio.model, sent) == ["activityStart", "audio", "activityEnd"] * 2
    [recording] = set(radio.recordings.glob("*.wav")) - before
    got_s = spoken_s(read_wav(recording, sample_rate_hz=SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)
    said_s = [*spoken_s(HELLO, SAMPLE_RATE_HZ), *spoken_s(STOP, SAMPLE_RATE_HZ)]
    assert got_s == pytest.approx(said_s, abs=0.2), "not a syllable is cut"


async def _interrupts(caller: Caller) -> None:
    mark = len(caller.log)
    await caller.send_text("Tell me a story")
    await caller.first(AgentSound, since=mark, within_s=15)
    async with caller.holding_button():
        pressed_at = caller.now
        silent = await caller.first(AgentSilent, since=mark, within_s=5)  # before a word is said
        assert silent.t < pressed_at + 2.5, "the story would go on for longer"
        await caller.say(STOP, text="stop")
    await caller.first(SpeechEnd, since=mark, within_s=5)
    await said(caller, AFTER_BARGE_IN, mark)


@pytest.mark.long
async def test_whoever_presses_before_the_greeting_is_answered_instead(server: Sfu, radio: Radio, room: str) -> None:
    async with server.caller(room, agent_name=AGENT_NAME) as caller:
        await offered(caller)
        async with caller.holding_button():
            await caller.say(HELLO, text="hello")
        await said(caller, ANSWER, 0)
        spoken = [event.text for event in caller.log if isinstance(event, Caption) and event.who == "agent" and event.final]
        assert GREETING not in spoken


@pytest.mark.long
async def test_a_telephone_has_no_button_and_is_heard_all_the_time(server: Sfu, radio: Radio, room: str) -> None:
    """The model detects the turns. What a press is told then: tests/agent/test_talk_button.py."""
    async with server.telephone(room, {}, agent_name=AGENT_NAME) as caller:
        await said(caller, GREETING, 0)
        await caller.first(AgentAttributes, within_s=5, where=lambda one: one.attributes.get("earshot.turns") == "automatic")
        mark = len(caller.log)
        await caller.say(HELLO, text="hello")
        await said(caller, ANSWER, mark)
        assert activities(caller) == []
        detection = radio.model.setups()[-1]["realtimeInputConfig"]["automaticActivityDetection"]
        assert not detection.get("disabled", False)
