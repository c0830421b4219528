"""A caller who speaks or types while the model speaks, thinks or waits."""

import pytest

from emulator.answers import Rule
from emulator.script import Script
from tests.emulator.talk import LONG, LOUD, QUIET, Talk, duration_s


def test_barge_in_while_it_generates_cuts_the_rest() -> None:
    talk = Talk()
    talk.type("x")
    talk.pass_time(0.9)
    assert talk.conversation.turn_open
    heard_before = talk.audio_s()
    talk.say(LOUD[:9600])
    [interrupted], [complete] = talk.times("interrupted"), talk.times("turnComplete")
    [(started, _)] = talk.find("voiceActivity")
    assert interrupted == started
    assert complete == pytest.approx(interrupted + 0.075)
    assert talk.find("generationComplete") == []
    assert talk.audio_s() < heard_before + 1.0
    assert not any(interrupted < at < complete for at in talk.times("modelTurn"))


def test_barge_in_during_the_playback_hold_comes_after_generation_complete() -> None:
    talk = Talk()
    talk.type("x")
    talk.pass_time(3)
    assert talk.find("generationComplete")
    assert talk.conversation.turn_open
    talk.say(LOUD + QUIET)
    talk.pass_time(10)
    assert talk.times("generationComplete")[0] < talk.times("interrupted")[0] < talk.times("turnComplete")[0]
    assert talk.times("inputTranscription")[0] > talk.times("turnComplete")[0]
    assert len(talk.times("turnComplete")) == 2


def test_speech_after_the_turn_interrupts_nothing() -> None:
    talk = Talk()
    talk.type("x")
    talk.pass_time(10)
    talk.say(LOUD + QUIET)
    assert talk.find("interrupted") == []


def test_no_interruption_is_honoured() -> None:
    talk = Talk(interruptible=False)
    talk.type("x")
    talk.pass_time(1)
    talk.say(LOUD)
    talk.pass_time(10)
    assert talk.find("interrupted") == []
    assert talk.audio_s() == pytest.approx(duration_s(LONG))


def test_a_caller_who_goes_on_before_the_answer_has_one_turn() -> None:
    talk = Talk(Script((Rule("First.", hears="A question."), Rule("Second."))))
    talk.say(LOUD + bytes(32000 * 9 // 10) + LOUD + QUIET)
    talk.pass_time(5)
    assert talk.text() == "First."
    assert talk.memory.spoken_turns == 1
    assert [each["text"] for _, each in talk.find("inputTranscription")] == ["A question."], "its line is sent once"


def test_an_answer_that_waits_for_its_turn_is_forgotten_when_the_caller_goes_on() -> None:
    talk = Talk(Script((Rule("First."), Rule("Second.")), otherwise=Rule(LONG)), interruptible=False)
    talk.type("x")
    talk.pass_time(0.7)
    talk.say(LOUD + QUIET)
    talk.say(LOUD + QUIET)
    talk.pass_time(20)
    assert talk.text().endswith("First.")
    assert "Second." not in talk.text()


def test_typed_text_interrupts_at_once() -> None:
    talk = Talk()
    talk.type("x")
    talk.pass_time(1)
    before = talk.now
    talk.type("y")
    assert talk.times("interrupted") == [before]
    talk.pass_time(10)
    assert len(talk.times("turnComplete")) == 2
