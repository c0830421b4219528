"""What the model owes is never forgotten: every question is answered, asked about, or told again."""

from typing import Any

import pytest

from tests.agent.gemini.rig import Cause, Kind, connected
from tests.agent.gemini.rig.messages import code, content, thought


def test_a_mute_model_is_reminded_then_changed_then_given_up() -> None:
    rig = connected()
    rig.caller.types("What is my number?")
    rig.passes(3.1)
    assert rig.kinds(Kind.NUDGED) == [Kind.NUDGED]
    assert "no answer" in rig.gemini.texts[0]
    rig.passes(3.1)
    rig.connects()
    rig.passes(3.2)
    rig.connects()
    assert rig.gemini.handles == [None, "h1", None]
    assert "so far" in rig.gemini.texts[0]
    assert "My number is 42." in rig.gemini.texts[0]
    rig.passes(3.2)
    assert rig.causes(Kind.FAILED) == [Cause.MUTE]


@pytest.mark.parametrize("work", [code(), thought()], ids=["code", "thought"])
def test_a_model_that_shows_its_work_is_not_reminded_while_it_does(work: dict[str, Any]) -> None:
    """A reminder would interrupt a search, or the thinking (docs/facts.md G13)."""
    rig = connected()
    rig.caller.types("How is the weather?")
    for _ in range(5):
        rig.passes(2.5)
        rig.gemini.sends(work)
    assert rig.kinds(Kind.NUDGED, Kind.LOST) == []
    rig.passes(3.1)
    assert rig.kinds(Kind.NUDGED) == [Kind.NUDGED]


def test_an_answer_may_take_as_long_as_the_setup_lets_it() -> None:
    """With a search before it; and another agent's setup, without one, takes that back."""
    rig = connected()
    rig.answers_within(8.0)
    rig.caller.types("How is the weather?")
    rig.passes(7.9)
    assert rig.kinds(Kind.NUDGED) == []
    rig.passes(0.2)
    assert rig.kinds(Kind.NUDGED) == [Kind.NUDGED]
    rig.gemini.says("It is sunny.")
    rig.gemini.completes()
    rig.passes(1)
    rig.caller.types("And in Tokyo?")
    rig.answers_within(3.0)
    rig.passes(3.1)
    assert len(rig.kinds(Kind.NUDGED)) == 2


def test_what_was_only_said_aloud_may_be_for_somebody_else() -> None:
    rig = connected()
    rig.gemini.understands("Honey, where are my keys?")
    rig.passes_connected(20)
    assert rig.kinds(Kind.NUDGED, Kind.FAILED) == [Kind.NUDGED]
    assert len(rig.kinds(Kind.LOST)) == 2


def test_a_question_that_nobody_answers_is_not_a_loss_for_ever() -> None:
    rig = connected()
    rig.gemini.understands("Honey, where are my keys?")
    rig.passes_connected(20)
    assert rig.kinds(Kind.LOST, Kind.RESTORED) == [Kind.LOST, Kind.RESTORED] * 2


def test_an_empty_turn_is_asked_about_once() -> None:
    rig = connected()
    rig.gemini.understands("What time is it?")
    rig.gemini.ends_turn()
    assert len(rig.gemini.texts) == 1
    rig.gemini.ends_turn()
    rig.passes(20)
    assert len(rig.gemini.texts) == 1, "it chose to say nothing"
    assert rig.kinds(Kind.LOST) == []


def test_an_empty_turn_after_a_typed_line_is_asked_about_twice() -> None:
    """A typed line was certainly meant for the model."""
    rig = connected()
    rig.caller.types("What time is it?")
    for reminders in (1, 2, 2):
        rig.gemini.ends_turn()
        assert len(rig.kinds(Kind.NUDGED)) == reminders
    rig.passes(20)
    assert rig.kinds(Kind.NUDGED, Kind.LOST) == [Kind.NUDGED] * 2


def test_each_question_is_asked_about() -> None:
    rig = connected()
    rig.gemini.understands("What time is it?")
    rig.gemini.ends_turn()
    rig.gemini.says("It is ", 1.0)
    rig.caller.types("And in Tokyo?")
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    reminders = len(rig.gemini.texts)
    rig.gemini.ends_turn()
    assert len(rig.gemini.texts) == reminders + 1


def test_what_is_typed_into_an_answer_is_owed_when_that_ends() -> None:
    rig = connected()
    rig.gemini.answers("It is noon.", 1.0)
    rig.caller.types("And in Tokyo?")
    rig.gemini.has_generated()
    rig.gemini.ends_turn()
    assert rig.kinds(Kind.NUDGED) == [], "it comes next"
    rig.passes(20)
    assert Kind.NUDGED in rig.kinds(Kind.NUDGED), "and is asked about when it doesn't"


@pytest.mark.parametrize("drops", [True, False])
def test_a_question_after_an_answer_without_an_end_is_owed_one(*, drops: bool) -> None:
    rig = connected()
    rig.gemini.says("It is three.")
    rig.gemini.has_generated()
    rig.passes(1.0)
    rig.caller.speaks(0, 49)
    rig.gemini.understands("And in Tokyo?")
    if drops:
        rig.gemini.closes(1011, "Internal error encountered.")
        rig.connects()
    rig.passes(4.0)
    assert "And in Tokyo?" in rig.gemini.texts[0]
    rig.gemini.says("Eleven.")
    assert {"serverContent": {"turnComplete": True}} in rig.conversation.messages, "the answer before it is over"


def test_a_muted_caller_is_still_owed_the_answer_after_a_drop() -> None:
    rig = connected()
    rig.gemini.understands("What time is it?")
    rig.caller.closes_microphone()
    rig.caller.pauses(1, 1)
    rig.caller.closes_microphone()
    assert {"audioStreamEnd": True} in rig.gemini.received("realtime_input", 0)
    rig.gemini.drops()
    rig.connects()
    assert any("What time is it?" in text for text in rig.gemini.texts)


IN_PROGRESS = content(turnComplete=True, interactionStatus="IN_PROGRESS")


@pytest.mark.parametrize("begun", [True, False])
def test_a_model_that_thinks_on_is_not_reminded(*, begun: bool) -> None:
    """Extended thinking says IN_PROGRESS (docs/facts.md G55): a reminder would interrupt it."""
    rig = connected("gemini-3.8-live-extended-thinking")
    rig.caller.types("Prove it.")
    if begun:
        rig.gemini.says("Let me think.")
        rig.gemini.has_generated()
    for _ in range(12):
        rig.passes(5)
        rig.gemini.sends(IN_PROGRESS)
    assert rig.kinds(Kind.NUDGED, Kind.LOST) == []
    rig.passes(40)
    assert rig.kinds(Kind.NUDGED) or begun, "it says no more: without words it is asked, and with words it is done"


def test_a_model_whose_sound_cannot_be_read_is_reminded() -> None:
    rig = connected()
    rig.caller.types("Hello?")
    for _ in range(24):
        rig.passes(2.5)
        rig.gemini.sends(content(modelTurn={"parts": [{"inlineData": {"mimeType": "audio/pcm", "data": "!!!"}}]}))
    assert Kind.NUDGED in rig.kinds(Kind.NUDGED)
