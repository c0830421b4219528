"""Faults in the order of a turn's messages, by what they do to a scripted conversation."""

import itertools

import pytest

from emulator import messages
from emulator.profiles import GEMINI_2_5_NATIVE
from tests.emulator.faulty_talk import PLAYED_S, FaultyTalk, undisturbed
from tests.emulator.talk import LOUD


def test_an_empty_turn_is_complete_at_once() -> None:
    talk = FaultyTalk("empty_turn")
    began = talk.typed()
    assert talk.find("modelTurn") == []
    assert talk.times("generationComplete") == talk.times("turnComplete") == [pytest.approx(began)]
    assert undisturbed(talk)


def test_a_turn_that_is_being_spoken_can_not_be_empty_any_more() -> None:
    talk = FaultyTalk()
    talk.typed()
    talk.ask("empty_turn")
    talk.pass_time(12)
    assert talk.audio_s() == pytest.approx(PLAYED_S)
    assert talk.happened() == 0
    talk.typed()
    assert talk.audio_s() == pytest.approx(PLAYED_S), "the next is"
    assert talk.happened() == 1


def test_an_early_turn_complete_comes_with_generation_complete() -> None:
    talk = FaultyTalk("early_turn_complete")
    talk.typed()
    talk.pass_time(10)
    assert talk.audio_s() == pytest.approx(PLAYED_S)
    assert talk.times("turnComplete") == talk.times("generationComplete")
    assert undisturbed(talk)


def test_a_late_turn_complete_keeps_the_turn_open() -> None:
    talk = FaultyTalk("late_turn_complete:seconds=6")
    began = talk.typed()
    talk.pass_time(PLAYED_S + 5)
    assert talk.conversation.turn_open
    talk.pass_time(5)
    assert talk.times("turnComplete") == [pytest.approx(began + PLAYED_S + 6, abs=0.01)]


def test_speech_interrupts_a_turn_that_a_fault_holds_up() -> None:
    for fault in ("late_turn_complete:seconds=30", "mid_stall_7s:seconds=30"):
        talk = FaultyTalk(fault)
        talk.typed()
        talk.pass_time(8)
        talk.say(LOUD)
        [interrupted], [complete] = talk.times("interrupted"), talk.times("turnComplete")
        assert complete == pytest.approx(interrupted + 0.075)


def test_a_turn_complete_that_never_comes() -> None:
    talk = FaultyTalk("never_turn_complete")
    talk.typed()
    talk.pass_time(30)
    assert talk.find("generationComplete")
    assert talk.find("turnComplete") == []
    assert undisturbed(talk)


def test_a_phantom_interrupts_a_turn_and_only_a_turn() -> None:
    talk = FaultyTalk("phantom_interrupted:after_s=0.3")
    began = talk.typed()
    talk.pass_time(10)
    assert talk.times("interrupted") == [pytest.approx(began + 0.3)]
    assert talk.audio_s() < PLAYED_S
    short = FaultyTalk("phantom_interrupted:after_s=20")
    short.typed()
    short.pass_time(30)
    assert short.happened() == 0


def test_an_interrupt_without_a_turn_comes_first() -> None:
    talk = FaultyTalk("early_interrupt_no_turn")
    talk.typed()
    talk.pass_time(10)
    assert talk.times("interrupted")[0] <= talk.times("modelTurn")[0]
    assert len(talk.times("turnComplete")) == 2
    assert talk.audio_s() == pytest.approx(PLAYED_S)


def test_a_tool_answer_is_a_second_turn_as_on_vertex() -> None:
    talk = FaultyTalk("vertex_double_turn", tools={"clock": "BLOCKING"})
    talk.spoken()
    talk.responds()
    talk.pass_time(5)
    first, second = talk.times("turnComplete")
    assert first == talk.times("modelTurn")[0] < second


def test_typed_text_is_echoed_as_a_transcription() -> None:
    talk = FaultyTalk("echo_text_as_transcription")
    talk.send(messages.Text("Hello there."))
    assert talk.find("inputTranscription") == [(talk.now, {"text": "Hello there."})]
    talk.send(messages.Text("Hello again."))
    assert len(talk.find("inputTranscription")) == 1


def test_the_callers_words_come_late_and_piece_by_piece() -> None:
    talk = FaultyTalk("late_transcript:seconds=1.5", profile=GEMINI_2_5_NATIVE)
    talk.spoken()
    talk.pass_time(10)
    times, words = talk.times("inputTranscription"), [piece["text"] for _, piece in talk.find("inputTranscription")]
    assert words == [" What", " time", " is", " it?"]
    assert [after - before for before, after in itertools.pairwise(times)] == pytest.approx([0.1] * 3)
    assert times[0] > talk.times("modelTurn")[0]
    talk.spoken()
    assert len(talk.find("inputTranscription")) == 8, "only once"
