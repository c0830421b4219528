"""Calls through the real livekit-server and worker, judged at the caller's ear."""

import asyncio
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caller import (
    AgentAttributes,
    AgentSilent,
    AgentSound,
    AgentTrack,
    CallEndedError,
    Caller,
    Caption,
    Left,
    RoomEvent,
    SpeechEnd,
    SpeechStart,
    dropouts,
    spans,
)
from caller.caller import SAMPLE_RATE_HZ
from demo.parts import Part
from emulator import voice
from speech import read_wav, synthesize, write_wav
from tests.e2e.conftest import ANSWER, GREETING, STORY
from tests.e2e.footprint import at_rest, footprint, returns_to
from tests.e2e.stack import Gemini, Sfu, until

pytestmark = [pytest.mark.usefixtures("shared_worker"), pytest.mark.sound]

GOODBYE_S = 15
"""The setting's default: how long the worker waits for a goodbye to be heard."""
HELLO = synthesize("Hello, can you hear me?", sample_rate_hz=SAMPLE_RATE_HZ)
STOP = synthesize("Stop. I have another question.", sample_rate_hz=SAMPLE_RATE_HZ)


def as_spoken(text: str) -> np.ndarray:
    """The emulator's own sound for a text, in the persona's voice, at the ear's rate."""
    spoken = np.frombuffer(voice.speak(text, "Puck", "en-US"), dtype=np.int16)
    return np.interp(np.arange(2 * len(spoken)) / 2, np.arange(len(spoken)), spoken).astype(np.int16)


def check_sound(caller: Caller, at: float, text: str) -> None:
    """The text was heard from `at` on: as long as it was spoken, not clipped, with no hole of 60 ms."""
    start = max(at - caller.joined_at - 0.2, 0)
    spoken = as_spoken(text)
    length_s = len(spoken) / SAMPLE_RATE_HZ
    heard = caller.recording[int(start * SAMPLE_RATE_HZ) : int((start + length_s + 1) * SAMPLE_RATE_HZ)]
    [utterance] = spans(heard, sample_rate_hz=SAMPLE_RATE_HZ, pause_s=0.8)
    assert utterance.duration_s == pytest.approx(length_s, abs=0.15)
    assert np.mean(np.abs(heard.astype(int)) > 32000) == 0
    assert [span for span in dropouts(heard, spoken, sample_rate_hz=SAMPLE_RATE_HZ) if span.duration_s > 0.06] == []


async def greeted(caller: Caller) -> None:
    await caller.first(AgentSound, within_s=15)
    await caller.first(AgentSilent, within_s=15)


def state_is(state: str) -> Callable[[AgentAttributes], bool]:
    return lambda change: change.attributes.get("lk.agent.state") == state


def last_captions(caller: Caller) -> list[tuple[str, str]]:
    return [(caption.who, caption.text) for caption in caller.log if isinstance(caption, Caption) and caption.final]


async def test_hello_and_answer(server: Sfu, room: str) -> None:
    """A caller is greeted, speaks, and hears the answer: by what was said and by how it sounds."""
    async with server.caller(room) as caller:
        await greeted(caller)
        mark = len(caller.log)
        await caller.say(HELLO, text="hello")
        end = await caller.first(SpeechEnd, within_s=1)
        thinking = await caller.first(AgentAttributes, since=mark, within_s=5, where=state_is("thinking"))
        sound = await caller.first(AgentSound, within_s=10, where=lambda sound: sound.t > end.t)
        assert end.t < thinking.t < sound.t, "the room is told from the end of the caller's turn on that the agent thinks"
        assert thinking.attributes["earshot.model"] == "gemini-3.8-live"
        assert thinking.attributes["earshot.service"] == "emulator"
        await caller.first(AgentSilent, within_s=15, where=lambda silent: silent.t > sound.t)
        greeting = next(event for event in caller.log if isinstance(event, AgentSound))
        check_sound(caller, greeting.t, GREETING)
        check_sound(caller, sound.t, ANSWER)
        assert 0.5 < sound.t - end.t < 5
        assert last_captions(caller) == [("agent", GREETING), ("caller", "Hello, can you hear me?"), ("agent", ANSWER)]


async def test_the_greeting_waits_for_an_ear(server: Sfu, room: str) -> None:
    """Nothing is said before the agent's track is subscribed: the greeting is heard whole."""
    async with server.caller(room) as caller:
        track = await caller.first(AgentTrack, within_s=10)
        sound = await caller.first(AgentSound, within_s=10)
        await caller.first(AgentSilent, within_s=10)
        assert sound.t > track.t
        check_sound(caller, sound.t, GREETING)


async def test_barge_in_silences_the_agent_and_it_stays_silent(server: Sfu, room: str) -> None:
    async with server.caller(room) as caller:
        await greeted(caller)
        mark = len(caller.log)
        await caller.send_text("Tell me the story")
        story = await caller.first(AgentSound, since=mark, within_s=10)
        await caller.first(Caption, since=mark, within_s=10, where=lambda caption: "lighthouse" in caption.text)
        await caller.say(STOP, text="stop")
        start = await caller.first(SpeechStart, within_s=1)
        end = await caller.first(SpeechEnd, within_s=1)
        silent = await caller.first(AgentSilent, since=mark, within_s=10)
        assert start.t < silent.t < start.t + 1.0
        answer = await caller.first(AgentSound, within_s=10, where=lambda sound: sound.t > silent.t)
        assert answer.t > end.t, "it spoke again before the caller had finished"
        await caller.first(AgentSilent, within_s=10, where=lambda silent: silent.t > answer.t)
        check_sound(caller, answer.t, ANSWER)
        cut, _, _ = last_captions(caller)[-3:]
        assert STORY.startswith(cut[1])
        assert len(cut[1]) < len(STORY) / 2, "the caption holds what was heard, not what was generated"
        turns = [event.body for event in caller.log if isinstance(event, RoomEvent) and event.body["type"] == "turn"]
        assert [turn["interrupted"] for turn in turns] == [False, True, False]
        assert story.t < silent.t


async def test_a_tool_runs_and_the_room_sees_it(server: Sfu, room: str) -> None:
    async with server.caller(room) as caller:
        await greeted(caller)
        await caller.first(AgentAttributes, within_s=5, where=lambda change: change.attributes.get("lights") == "off")
        mark = len(caller.log)
        await caller.send_text("Please switch on the lights")
        await caller.first(
            AgentAttributes, since=mark, within_s=5, where=lambda change: change.attributes.get("lights") == "on"
        )
        sound = await caller.first(AgentSound, since=mark, within_s=10)
        await caller.first(AgentSilent, since=mark, within_s=10)
        check_sound(caller, sound.t, "Done: The lights are on.")
        events = [event.body for event in caller.log[mark:] if isinstance(event, RoomEvent)]
        kinds = [(event["type"], event.get("name")) for event in events if event["type"].startswith("tool")]
        assert kinds == [("tool_started", "turn_on_the_lights"), ("tool_ended", "turn_on_the_lights")]
        details = [event.get("arguments", event.get("result")) for event in events if event["type"].startswith("tool")]
        assert details == ["{}", "The lights are on."]
        assert [event["t"] for event in events] == sorted(event["t"] for event in events)


async def test_a_tool_that_fails_is_explained_to_the_model(server: Sfu, room: str) -> None:
    async with server.caller(room) as caller:
        await greeted(caller)
        await caller.send_text("What is the time in Atlantis?")
        said = await caller.first(Caption, within_s=15, where=lambda caption: caption.final and "The tool says" in caption.text)
        assert "no time zone named 'Atlantis'" in said.text
        ended = await caller.first(RoomEvent, within_s=5, where=lambda event: event.body["type"] == "tool_ended")
        assert ended.body["status"] == "error"


async def test_typed_chat_is_answered_aloud(server: Sfu, room: str) -> None:
    async with server.caller(room) as caller:
        await greeted(caller)
        mark = len(caller.log)
        await caller.send_text("good evening")
        sound = await caller.first(AgentSound, since=mark, within_s=10)
        await caller.first(AgentSilent, since=mark, within_s=10)
        check_sound(caller, sound.t, "You wrote: good evening")
        assert last_captions(caller)[-1] == ("agent", "You wrote: good evening")


@pytest.mark.long
async def test_who_types_before_the_greeting_gets_an_answer_instead(server: Sfu, room: str) -> None:
    """The greeting waits for an ear that this caller doesn't have: the line is there before it is said."""
    async with server.caller(room, subscribe=False) as caller:
        await caller.first(AgentAttributes, within_s=15)
        await caller.send_text("good evening")
        said = await caller.first(Caption, within_s=30, where=lambda caption: caption.final)
        assert said.text == "You wrote: good evening"


async def test_a_typed_line_interrupts_what_is_being_said(server: Sfu, room: str) -> None:
    async with server.caller(room) as caller:
        await greeted(caller)
        mark = len(caller.log)
        await caller.send_text("Tell me the story")
        await caller.first(AgentSound, since=mark, within_s=10)
        await caller.send_text("good evening")
        await caller.first(Caption, since=mark, within_s=10, where=lambda caption: caption.final and "evening" in caption.text)
        (_, cut), said = last_captions(caller)[-2:]
        assert STORY.startswith(cut)
        assert len(cut) < len(STORY) / 2
        assert said == ("agent", "You wrote: good evening")


async def test_captions_come_in_order_and_at_the_pace_of_the_voice(server: Sfu, room: str) -> None:
    async with server.caller(room) as caller:
        await greeted(caller)
        mark = len(caller.log)
        await caller.send_text("Tell me the story")
        sound = await caller.first(AgentSound, since=mark, within_s=10)
        silent = await caller.first(AgentSilent, since=mark, within_s=30)
        await caller.first(Caption, since=mark, within_s=5, where=lambda caption: caption.final)
        captions = [event for event in caller.log[mark:] if isinstance(event, Caption) and event.who == "agent"]
        texts = [caption.text for caption in captions]
        assert texts[-1] == STORY
        assert texts == sorted(texts, key=len)
        assert all(STORY.startswith(text) for text in texts)
        halfway = next(caption for caption in captions if len(caption.text) >= len(STORY) / 2)
        share = (halfway.t - sound.t) / (silent.t - sound.t)
        assert 0.25 < share < 0.75, "half of the text is shown about halfway through the speech"


async def test_two_calls_do_not_hear_each_other(server: Sfu) -> None:
    async with server.caller("room-left", "left") as left, server.caller("room-right", "right") as right:
        await asyncio.gather(greeted(left), greeted(right))
        mark_left, mark_right = len(left.log), len(right.log)
        await left.say(HELLO, text="hello")
        await left.first(AgentSound, since=mark_left, within_s=10)
        await left.first(AgentSilent, since=mark_left, within_s=10)
        kinds = {type(event) for event in right.log[mark_right:]}
        assert not kinds & {AgentSound, Caption}
        await right.send_text("I am on the right")
        await right.first(AgentSilent, since=mark_right, within_s=15)
        assert last_captions(right)[-1] == ("agent", "You wrote: I am on the right")
        assert ("agent", "You wrote: I am on the right") not in last_captions(left)


async def test_hang_up_comes_after_the_goodbye_was_heard(server: Sfu, room: str) -> None:
    async with server.caller(room) as caller:
        await greeted(caller)
        mark = len(caller.log)
        await caller.send_text("Please hang up")
        sound = await caller.first(AgentSound, since=mark, within_s=10)
        left = await caller.first(Left, within_s=15)
        assert left.reason == "ROOM_DELETED"
        length_s = len(as_spoken("Goodbye, it was nice to hear you.")) / SAMPLE_RATE_HZ
        assert sound.t + length_s < left.t < sound.t + length_s + 4
    check_sound(caller, sound.t, "Goodbye, it was nice to hear you.")
    ended = [event.body for event in caller.log if isinstance(event, RoomEvent) and event.body["type"] == "call_ended"]
    assert [event["reason"] for event in ended] == ["hung_up"]


@pytest.mark.long
async def test_a_caller_who_interrupts_the_goodbye_keeps_the_call(server: Sfu, room: str) -> None:
    async with server.caller(room) as caller:
        await greeted(caller)
        mark = len(caller.log)
        await caller.send_text("Please hang up")
        await caller.first(AgentSound, since=mark, within_s=10)
        await caller.say(STOP, text="stop")
        silent = await caller.first(AgentSilent, since=mark, within_s=5)
        answer = await caller.first(AgentSound, within_s=10, where=lambda sound: sound.t > silent.t)
        await caller.first(AgentSilent, within_s=10, where=lambda silent: silent.t > answer.t)
        await caller.quiet(for_s=GOODBYE_S, within_s=GOODBYE_S + 5)
        mark = len(caller.log)
        await caller.send_text("I am still here")
        await caller.first(AgentSilent, since=mark, within_s=10)
        assert last_captions(caller)[-1] == ("agent", "You wrote: I am still here")
        assert not any(isinstance(event, Left) for event in caller.log)


@pytest.mark.long
async def test_a_caller_who_only_reads_is_served_too(server: Sfu, room: str) -> None:
    """Without an ear in the room the words come as captions alone."""
    async with server.caller(room, subscribe=False) as caller:
        await caller.first(Caption, within_s=30, where=lambda caption: caption.final and caption.text == GREETING)
        await caller.send_text("good evening")
        said = await caller.first(Caption, within_s=15, where=lambda caption: caption.final and "evening" in caption.text)
        assert said.text == "You wrote: good evening"


@pytest.mark.long
async def test_who_comes_back_to_the_same_room_is_greeted_again(server: Sfu, room: str) -> None:
    """The first call has ended whole; the second has an agent of its own."""
    agents = []
    for _ in range(2):
        async with server.caller(room) as caller:
            agents.append((await caller.first(AgentTrack, within_s=15)).identity)
            await greeted(caller)
            assert last_captions(caller) == [("agent", GREETING)]
        await until(lambda: server.is_empty(room))
    assert len(set(agents)) == 2


async def test_a_call_is_three_lines_in_the_log(server: Sfu, room: str, shared_worker: Part) -> None:
    async with server.caller(room) as caller:
        await greeted(caller)
        await caller.send_text("Please switch on the lights")
        await caller.first(RoomEvent, within_s=10, where=lambda event: event.body["type"] == "tool_ended")
    await shared_worker.says(re.compile(rf'"call ended: .*"room": "{room}"'), within_s=20)
    own = entries(shared_worker, room)
    lines = [(entry["level"], entry["message"].partition(":")[0]) for entry in own]
    assert sorted(lines) == [("INFO", "Gemini connection"), ("INFO", "call ended"), ("INFO", "call started")]
    assert lines[-1] == ("INFO", "call ended")
    assert own[-1]["tools"] == {"turn_on_the_lights": 1}
    assert own[-1]["link"] == {"connected.start": 1}


def entries(part: Part, room: str) -> list[dict[str, Any]]:
    """Our own lines about a room in a worker's log."""
    found = [json.loads(line) for line in part.lines if room in line]
    return [entry for entry in found if entry["name"].startswith("earshot") and entry.get("room") == room]


@pytest.mark.parametrize(
    ("metadata", "voice_name"),
    [('{"persona": "coach"}', "Fenrir"), ('{"persona": "nobody"}', "Puck"), ("nonsense", "Puck")],
)
async def test_the_dispatch_chooses_the_persona(server: Sfu, model: Gemini, room: str, metadata: str, voice_name: str) -> None:
    """An unknown one gets the default; the call goes on in each case."""
    before = len(model.setups())
    async with server.caller(room, metadata=metadata) as caller:
        await caller.first(AgentSound, within_s=15)
    [setup] = model.setups()[before:]
    assert setup["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"] == voice_name


async def test_a_dispatch_sets_what_calls_may_set_and_nothing_else(server: Sfu, model: Gemini, room: str) -> None:
    """The service gets the setting that CALL_MAY_SET lists; the other one is left out, and the call goes on."""
    live = {"realtime_input_config": {"automatic_activity_detection": {"silence_duration_ms": 450}}, "seed": 7}
    before = len(model.setups())
    async with server.caller(room, metadata=json.dumps({"live": live})) as caller:
        await caller.first(AgentSound, within_s=15)
    [setup] = model.setups()[before:]
    assert setup["realtimeInputConfig"]["automaticActivityDetection"]["silenceDurationMs"] == 450
    assert "seed" not in setup["generationConfig"]


async def test_the_caller_leaves_and_nothing_stays(server: Sfu, room: str, shared_worker: Part) -> None:
    """The job ends, the room is empty, and the worker is as it was: processes, sockets, temporary files."""
    before = await at_rest(shared_worker)
    async with server.caller(room) as caller:
        await greeted(caller)
        assert any(identity.startswith("agent-") for identity in await server.participants(room))
        assert footprint(shared_worker) != before
    await until(lambda: server.is_empty(room))
    await returns_to(shared_worker, before)


async def test_a_wav_of_what_was_heard_begins_at_joining(server: Sfu, room: str, tmp_path: Path) -> None:
    async with server.caller(room) as caller:
        await greeted(caller)
        now = time.monotonic()
        write_wav(tmp_path / "reply.wav", caller.recording, sample_rate_hz=SAMPLE_RATE_HZ)
    heard = read_wav(tmp_path / "reply.wav", sample_rate_hz=SAMPLE_RATE_HZ)
    assert len(heard) / SAMPLE_RATE_HZ == pytest.approx(now - caller.joined_at, abs=0.1)
    [greeting] = spans(heard, sample_rate_hz=SAMPLE_RATE_HZ)
    sound = next(event for event in caller.log if isinstance(event, AgentSound))
    assert greeting.start_s == pytest.approx(sound.t - caller.joined_at, abs=0.1)


async def test_a_call_that_ended_is_told_to_who_still_waits(server: Sfu, room: str) -> None:
    async with server.caller(room) as caller:
        await greeted(caller)
        await caller.send_text("Please hang up")
        with pytest.raises(CallEndedError, match="ROOM_DELETED"):
            await caller.first(SpeechEnd, within_s=20)
