"""The conversation, on a clock that the test moves: the recorded order and pace, what comes too early, any order of events."""

import base64
import dataclasses
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator import closes, messages
from emulator.answers import Call, Rule
from emulator.conversation import Conversation
from emulator.profile import Profile
from emulator.profiles import GEMINI_3_8_LIVE, PROFILES
from emulator.script import Script
from emulator.sessions import Memory
from tests.emulator.talk import LONG, LOUD, QUIET, SCRIPT, SPEECH_S, VOICE, Talk, duration_s


def test_the_setup_is_answered_at_the_recorded_pace() -> None:
    talk = Talk()
    assert talk.times("setupComplete") == [pytest.approx(0.28)]
    [(at, update)] = talk.find("sessionResumptionUpdate")
    assert at == pytest.approx(0.293)
    assert update == {"newHandle": talk.memory.handle, "resumable": True}


def test_a_spoken_turn_goes_as_recorded() -> None:
    talk = Talk(Script((Rule(hears="Hello.", says=LONG),)))
    start = talk.now
    talk.say(LOUD + QUIET)
    talk.pass_time(10)
    heard = start + SPEECH_S
    [(started, first), (ended, last)] = talk.find("voiceActivity")
    assert (first["type"], last["type"]) == ("ACTIVITY_START", "ACTIVITY_END")
    assert started == pytest.approx(start + 0.14, abs=0.03)
    assert ended == pytest.approx(heard + 0.5 + 0.2, abs=0.05)
    assert talk.find("inputTranscription") == [(ended, {"text": "Hello."})]
    sound = talk.times("modelTurn")
    assert sound[0] == pytest.approx(ended + 0.55, abs=0.001)
    assert talk.audio_s() == pytest.approx(duration_s(LONG))
    assert sound[-1] - sound[0] == pytest.approx(duration_s(LONG) / 4, abs=0.06)
    assert talk.text() == LONG
    [generated], [complete] = talk.times("generationComplete"), talk.times("turnComplete")
    assert sound[-1] < generated < complete
    assert complete == pytest.approx(sound[0] + duration_s(LONG), abs=0.001)


def test_keepalives_surround_the_sound() -> None:
    talk = Talk()
    talk.type("x")
    talk.pass_time(10)
    assert sum(message == {} for _, message in talk.sent) == len(talk.find("modelTurn")) + 3
    assert any(message == {"serverContent": {}} for _, message in talk.sent)


def test_the_first_chunk_is_short_and_the_rest_200_ms() -> None:
    talk = Talk()
    talk.type("x")
    talk.pass_time(10)
    sizes = [len(base64.b64decode(turn["parts"][0]["inlineData"]["data"])) for _, turn in talk.find("modelTurn")]
    assert sizes[0] == 1920
    assert set(sizes[1:-1]) == {9600}


def test_usage_counts_the_whole_context_again() -> None:
    talk = Talk()
    talk.type("x" * 40)
    talk.pass_time(10)
    talk.type("again")
    talk.pass_time(10)
    first, second = (message["usageMetadata"] for _, message in talk.sent if "usageMetadata" in message)
    spoken = round(duration_s(LONG) * 25)
    assert first["promptTokensDetails"][1] == {"modality": "AUDIO", "tokenCount": 222}
    assert first["responseTokensDetails"][1] == {"modality": "AUDIO", "tokenCount": spoken}
    assert second["promptTokensDetails"][1] == {"modality": "AUDIO", "tokenCount": 222 + spoken}
    for usage in (first, second):
        assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage["responseTokenCount"]
        for kind in ("prompt", "response"):
            details = usage[f"{kind}TokensDetails"]
            assert usage[f"{kind}TokenCount"] == sum(detail["tokenCount"] for detail in details)


def test_what_comes_before_setup_complete_waits_for_it() -> None:
    conversation = Conversation(GEMINI_3_8_LIVE, messages.Setup("m"), SCRIPT, Memory(), VOICE)
    conversation.begin(0, resumed=False)
    conversation.receive(messages.Text("x"), 0.1)
    assert conversation.take() == []
    conversation.advance(5)
    assert conversation.take()[0] == {"setupComplete": {}}
    assert conversation.turn_open


def test_a_flood_before_setup_complete_is_refused() -> None:
    conversation = Conversation(GEMINI_3_8_LIVE, messages.Setup("m"), SCRIPT, Memory(), VOICE)
    conversation.begin(0, resumed=False)
    for _ in range(600):
        conversation.receive(messages.Audio(b"", 16000), 0.1)
    assert conversation.close == closes.INVALID_ARGUMENT


def test_a_second_setup_is_refused() -> None:
    talk = Talk()
    talk.send(messages.Setup("models/gemini-3.8-live"))
    assert talk.conversation.close == closes.INVALID_ARGUMENT


STEPS = st.one_of(
    st.tuples(st.just("wait"), st.floats(0.001, 4)),
    st.tuples(st.just("loud"), st.integers(1, 60)),
    st.tuples(st.just("quiet"), st.integers(1, 60)),
    st.tuples(st.just("type"), st.booleans()),
    st.tuples(st.just("answer"), st.sampled_from([None, "SILENT", "WHEN_IDLE", "INTERRUPT"])),
    st.tuples(st.just("end"), st.none()),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(STEPS, max_size=14), st.sampled_from([None, "BLOCKING", "NON_BLOCKING"]), st.sampled_from(list(PROFILES.values()))
)
def test_any_order_of_events_is_a_legal_conversation(
    steps: list[tuple[str, Any]], behavior: str | None, profile: Profile
) -> None:
    talk = Talk(tools={"clock": behavior}, profile=profile, resumable=True)
    for kind, value in steps:
        match kind:
            case "wait":
                talk.pass_time(value)
            case "loud":
                talk.say(LOUD[: 640 * value])
            case "quiet":
                talk.say(QUIET[: 640 * value])
            case "type":
                talk.send(messages.ClientContent("x", turn_complete=value))
            case "answer":
                talk.answer_calls(scheduling=value)
            case "end":
                talk.send(messages.AudioStreamEnd())
    for _ in range(3):
        talk.pass_time(30)
        talk.answer_calls()
    talk.pass_time(30)
    assert talk.conversation.close is None
    assert talk.conversation.next_at is None, "an agenda that never ends"
    assert not talk.conversation.turn_open
    check_turns([message for _, message in talk.sent])


def check_turns(messages: list[dict[str, Any]]) -> None:
    """Every turn: sound or a call, at most one generationComplete, nothing after its end or interruption, one turnComplete."""
    open_turn = ended = interrupted = False
    for message in messages:
        content = message.get("serverContent", {})
        if "modelTurn" in content or "toolCall" in message:
            assert not ended
            assert not interrupted
            open_turn = True
        if "generationComplete" in content:
            assert open_turn
            assert not ended
            ended = True
        if "interrupted" in content:
            assert open_turn
            assert not interrupted
            interrupted = True
        if "turnComplete" in content:
            assert open_turn
            assert "usageMetadata" in message
            open_turn = ended = interrupted = False
    assert not open_turn


@pytest.mark.parametrize("behavior", ["BLOCKING", "NON_BLOCKING"])
def test_a_rule_with_a_sound_of_its_own_plays_that(behavior: str) -> None:
    """In a spoken turn, a typed one, and after a tool's result; its words are the transcript."""
    tune = np.arange(36000, dtype="<i2").tobytes()
    plain, tool = Rule("one two", plays=tune), Rule("three", plays=tune, calls=(Call("clock"),))
    typed = dataclasses.replace(plain, matches=re.compile("play"))
    talk = Talk(Script((plain, tool), typed=(typed,)), {"clock": behavior})
    for text in ("", "play", ""):
        since = len(talk.sent)
        talk.type(text) if text else talk.say(LOUD + QUIET)
        talk.answer_calls()
        talk.pass_time(4.0)
        talk.sent, earlier = talk.sent[since:], talk.sent[:since]
        parts = [part["inlineData"]["data"] for _, turned in talk.find("modelTurn") for part in turned["parts"]]
        assert b"".join(map(base64.b64decode, parts)) == tune
        assert talk.text() in {"one two", "three"}
        talk.sent = earlier + talk.sent
