"""Who interrupts an answer: the caller's voice and what is typed, with and without a connection, and nobody else."""

import pytest

from tests.agent.gemini.rig import Cause, Kind, connected


def test_an_interruption_that_nobody_made_is_not_one() -> None:
    rig = connected()
    rig.gemini.answers("Once upon a time ", 2.0)
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    assert rig.conversation.count("interrupted") == rig.conversation.ends == 0
    assert rig.causes(Kind.IGNORED) == [Cause.PHANTOM]
    assert "cut off" in rig.gemini.texts[0]
    rig.gemini.says("there was a lighthouse.", 1.0)
    rig.gemini.completes()
    assert rig.conversation.ends == 1


def test_what_the_model_is_answering_does_not_interrupt_it() -> None:
    rig = connected()
    rig.caller.speaks(1, 20)
    rig.caller.pauses(21, 45)
    rig.gemini.answers("Once upon a time ", 2.0)
    rig.passes(0.3)
    rig.gemini.interrupts()
    assert rig.causes(Kind.IGNORED) == [Cause.PHANTOM]


def test_who_goes_on_as_an_answer_begins_interrupts_it() -> None:
    rig = connected()
    rig.caller.speaks(1, 20)
    rig.caller.pauses(21, 30)
    rig.gemini.answers("Once upon a time ", 2.0)
    rig.caller.pauses(31, 45)
    rig.gemini.interrupts()
    assert rig.conversation.count("interrupted") == 1


def test_an_interruption_by_the_caller_is_one() -> None:
    rig = connected()
    rig.gemini.answers()
    rig.caller.speaks(1, 20)
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    assert rig.conversation.count("interrupted") == 1
    assert rig.gemini.texts == []


def test_a_service_may_notice_a_voice_before_we_do() -> None:
    rig = connected()
    rig.gemini.answers()
    rig.caller.speaks(1, 1)
    rig.gemini.interrupts()
    assert rig.conversation.count("interrupted") == 1


def test_a_callers_barge_in_works_without_a_connection() -> None:
    rig = connected()
    rig.gemini.answers(seconds=10.0)
    rig.gemini.drops()
    rig.caller.speaks(1, 40)
    assert rig.conversation.ends_with("interrupted")
    rig.connects()
    assert not any("cut off" in text for text in rig.gemini.texts)


def test_a_barge_in_into_what_was_played_out_needs_no_service() -> None:
    rig = connected()
    rig.gemini.answers(seconds=10.0)
    rig.gemini.has_generated()
    rig.gemini.drops()
    rig.connects()
    rig.caller.speaks(1, 40)
    assert rig.conversation.ends_with("interrupted")


def test_what_is_typed_into_an_answer_is_owed_though_it_trails() -> None:
    """Sound that comes right after a typed line is still the old answer's, and its end is no empty answer to the new one."""
    rig = connected()
    rig.gemini.answers("Once upon a time there was ", 1.0)
    rig.passes(0.3)
    rig.caller.types("What time is it?")
    rig.gemini.says("a lighthouse ")
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    assert rig.gemini.texts == [], "the end of the old answer is not an empty one to the new question"
    rig.gemini.says("Well, ")
    rig.gemini.drops()
    rig.connects()
    assert not any("lighthouse" in text for text in rig.gemini.texts), "it is the new answer that was cut"


def test_what_is_typed_into_an_answer_in_vain_is_asked_about() -> None:
    rig = connected()
    rig.gemini.answers()
    rig.passes(0.3)
    rig.caller.types("What time is it?")
    rig.gemini.says()
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    rig.passes(3.2)
    assert rig.kinds(Kind.NUDGED) == [Kind.NUDGED]


def test_a_line_typed_into_a_trailing_answer_survives_a_drop() -> None:
    rig = connected()
    rig.gemini.answers()
    rig.caller.types("What time is it?")
    rig.gemini.says()
    rig.gemini.drops()
    rig.connects()
    assert rig.gemini.received("typed") == ["What time is it?"], "nothing tells that it was read"


def test_an_answer_with_a_phantom_interruption_is_late_eight_seconds_after_its_last_output() -> None:
    """Ten seconds of sound were sent ahead: while they play, the model isn't taken for silent, nor its socket for dead."""
    rig = connected()
    rig.gemini.answers("Once upon a time ", 10.0)
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    rig.passes(7.9)
    assert rig.kinds(Kind.NUDGED) == []
    rig.passes(0.2)
    assert rig.causes(Kind.NUDGED) == [Cause.HANGING]
    rig.passes(1.9)
    assert rig.socket == "open"


def test_an_answer_that_goes_on_after_a_phantom_interruption_understands_nothing_new() -> None:
    """What the caller says meanwhile is sent again after a drop."""
    rig = connected()
    rig.gemini.answers("Once upon a time ", 10.0)
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    rig.caller.speaks(1, 30)
    rig.caller.pauses(31, 90)
    rig.gemini.says("there was a lighthouse.", 1.0)
    rig.gemini.drops()
    rig.connects()
    rig.passes(2)
    assert set(range(5, 31)) <= set(rig.gemini.words())


def test_what_was_typed_into_an_answer_is_owed_though_the_answer_breaks_off() -> None:
    """The answer goes on after the line and after a drop, and is interrupted: the line hasn't been answered yet."""
    rig = connected()
    rig.gemini.answers("Once upon a time ", 5.0)
    rig.caller.types("What time is it?")
    rig.passes(1.1)
    rig.gemini.says("there was a lighthouse ", 1.0)
    rig.gemini.drops()
    rig.connects()
    rig.gemini.says("by the sea ", 1.0)
    rig.caller.speaks(1, 20)
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    rig.caller.pauses(21, 60)
    rig.passes(4)
    assert rig.kinds(Kind.NUDGED) == [Kind.NUDGED]


@pytest.mark.parametrize("shown", ["interrupted", "turn complete"])
def test_a_question_over_an_answer_is_said_again_where_only_its_beginning_was_noticed(shown: str) -> None:
    """The service says late that the answer is over, and the connection is lost before it shows what it understood."""
    rig = connected("gemini-3.8-live")
    rig.gemini.answers("Once upon a time there was ", 2.0)
    rig.caller.speaks(1, 75)
    rig.caller.pauses(76, 80)
    if shown == "interrupted":
        rig.gemini.interrupts()
    rig.gemini.ends_turn()
    rig.gemini.drops()
    rig.connects()
    rig.passes(3)
    assert set(range(1, 76)) <= set(rig.gemini.words())
