"""Push-to-talk: sound is sent while a button is held, with its marks, and no word is lost with a connection."""

import pytest

from tests.agent.gemini.rig import Cause, Kind, Rig, TurnRules, connected, with_button
from tests.agent.gemini.rig.edge import FRAME_S

PRE_ROLL = 15
"""Frames of the 300 ms before a press."""


def test_nothing_is_sent_while_the_button_is_not_held() -> None:
    rig = with_button()
    rig.gemini.answers_pings()
    rig.caller.speaks(1, 100)
    rig.passes(60)
    assert rig.gemini.activities() == []
    assert rig.kinds(Kind.NUDGED, Kind.LOST, Kind.WAITING) == [], "nobody has asked for anything"


def test_a_press_sends_the_sound_between_its_marks() -> None:
    rig = with_button()
    rig.caller.presses()
    rig.caller.speaks(1, 50)
    rig.caller.releases()
    rig.caller.speaks(51, 60)
    assert rig.gemini.activities() == ["start", *range(1, 51), "end"]


def test_an_empty_press_sends_nothing() -> None:
    """The service would close on an activity without sound (docs/facts.md G110)."""
    rig = with_button()
    rig.caller.presses()
    rig.passes(1)
    rig.caller.releases()
    rig.caller.releases()
    rig.caller.presses()
    rig.caller.presses()
    rig.caller.releases()
    assert rig.gemini.activities() == []


def test_the_sound_just_before_the_press_is_sent_with_it() -> None:
    rig = with_button()
    rig.caller.speaks(1, 50)
    rig.caller.presses()
    rig.caller.speaks(51, 52)
    assert rig.gemini.activities() == ["start", *range(51 - PRE_ROLL, 53)]


def test_old_sound_before_the_press_is_not_sent() -> None:
    rig = with_button()
    rig.caller.speaks(1, 50)
    rig.passes(1)
    rig.caller.presses()
    rig.caller.speaks(51, 52)
    assert rig.gemini.activities() == ["start", 51, 52]


@pytest.mark.parametrize("reports", [True, False])
def test_a_press_soon_after_a_release_waits_until_the_service_has_heard_the_end(*, reports: bool) -> None:
    """Otherwise the two activities would become one (docs/facts.md G111). Not every model reports the end."""
    rig = with_button()
    rig.caller.presses()
    rig.caller.speaks(1, 50)
    rig.caller.releases()
    rig.caller.presses()
    rig.caller.speaks(51, 60)
    first = ["start", *range(1, 51), "end"]
    assert rig.gemini.activities() == first
    if reports:
        rig.gemini.notices("END")
    rig.caller.speaks(61, 75)
    assert rig.gemini.activities() == ([*first, "start", *range(51, 76)] if reports else first)
    rig.caller.speaks(76, 120)
    assert rig.gemini.activities() == [*first, "start", *range(51, 121)]


def test_a_press_stops_an_answer_that_plays_without_a_connection() -> None:
    rig = with_button()
    rig.gemini.answers(seconds=10.0)
    rig.gemini.drops()
    rig.caller.presses()
    rig.caller.pauses(1, 1)
    assert rig.conversation.ends_with("interrupted")


def test_an_interruption_by_pressing_is_one() -> None:
    """Whether the caller says anything yet or not."""
    rig = with_button()
    rig.gemini.answers()
    rig.caller.presses()
    rig.caller.pauses(1, 3)
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    assert rig.conversation.count("interrupted") == 1
    assert rig.causes(Kind.IGNORED) == []


def test_a_lost_connection_loses_nothing_of_an_activity() -> None:
    """The next one begins with a start of its own, and gets the end."""
    rig = with_button()
    rig.caller.presses()
    rig.caller.speaks(1, 50)
    rig.gemini.drops()
    rig.caller.speaks(51, 60)
    rig.connects()
    rig.passes(2)
    rig.caller.speaks(61, 70)
    rig.caller.releases()
    assert rig.gemini.activities() == ["start", *range(1, 71), "end"]


def test_activities_without_a_connection_wait_for_one_and_are_one() -> None:
    rig = with_button()
    rig.gemini.drops()
    rig.caller.presses()
    rig.caller.speaks(1, 50)
    rig.caller.releases()
    rig.caller.presses()
    rig.caller.releases()
    rig.caller.presses()
    rig.caller.speaks(51, 60)
    rig.caller.releases()
    rig.connects()
    rig.passes(3)
    assert rig.gemini.activities() == ["start", *range(1, 61), "end"]


def test_what_is_not_known_to_be_understood_goes_again_with_its_marks() -> None:
    rig = with_button()
    rig.caller.presses()
    rig.caller.speaks(1, 50)
    rig.caller.releases()
    rig.gemini.drops()
    rig.connects()
    rig.passes(2)
    assert rig.gemini.activities() == ["start", *range(1, 51), "end"]


def test_what_was_understood_does_not_go_again() -> None:
    rig = with_button()
    rig.caller.presses()
    rig.caller.speaks(1, 50)
    rig.caller.releases()
    rig.gemini.understands("What time is it?")
    rig.gemini.notices("END")
    rig.gemini.drops()
    rig.connects()
    rig.passes(2)
    assert rig.gemini.activities() == []


def test_an_answer_to_something_else_does_not_make_an_open_activity_understood() -> None:
    rig = with_button()
    rig.caller.types("What time is it?")
    rig.caller.presses()
    rig.caller.speaks(1, 50)
    rig.gemini.says("It is three.")
    rig.gemini.drops()
    rig.connects()
    rig.passes(2)
    rig.caller.releases()
    assert rig.gemini.activities() == ["start", *range(1, 51), "end"]
    assert rig.gemini.received("typed") == [], "it was answered"


def test_the_model_owes_an_answer_to_speech_once_its_end_is_sent() -> None:
    """It is reminded, though the service has said nothing at all."""
    rig = with_button()
    rig.gemini.answers_pings()
    rig.caller.presses()
    rig.caller.speaks(1, 50)
    rig.passes(10)
    assert rig.kinds(Kind.NUDGED, Kind.LOST) == [], "the caller hasn't finished"
    rig.caller.releases()
    rig.passes(2.9)
    assert rig.kinds(Kind.NUDGED) == []
    rig.passes(0.2)
    assert rig.causes(Kind.NUDGED) == [Cause.UNANSWERED]


def test_an_activity_of_silence_is_owed_no_answer() -> None:
    rig = with_button()
    rig.gemini.answers_pings()
    rig.caller.presses()
    rig.caller.pauses(1, 100)
    rig.caller.releases()
    rig.passes(30)
    assert rig.kinds(Kind.NUDGED, Kind.LOST, Kind.WAITING) == []


def test_who_holds_the_button_and_thinks_is_not_reminded_of() -> None:
    rig = with_button()
    rig.gemini.understands("What time is it?")
    rig.caller.presses()
    for number in range(20):
        rig.caller.pauses(50 * number, 50 * number + 49)
    assert rig.kinds(Kind.NUDGED, Kind.LOST) == []


def test_a_closed_microphone_ends_no_activity() -> None:
    rig = with_button()
    rig.caller.presses()
    rig.caller.speaks(1, 10)
    rig.caller.closes_microphone()
    rig.passes(3)
    rig.caller.speaks(11, 20)
    rig.caller.releases()
    assert rig.gemini.activities() == ["start", *range(1, 21), "end"]
    assert {"realtime_input": {"audioStreamEnd": True}} not in rig.gemini.connections[-1]


def test_what_is_typed_is_answered_as_without_a_button() -> None:
    rig = with_button()
    rig.caller.speaks(1, 20)
    rig.caller.types("What time is it?")
    assert rig.gemini.received("typed") == ["What time is it?"]
    rig.gemini.says("Three.")
    rig.gemini.completes()
    rig.passes(30 * FRAME_S)
    assert rig.gemini.activities() == []


def test_sound_of_before_the_call_is_no_more_pre_roll_than_other_sound() -> None:
    """It comes all at once, so that its age doesn't show."""
    rig = with_button()
    rig.caller.bursts(1, 100)
    rig.caller.presses()
    rig.caller.speaks(101, 101)
    assert rig.gemini.activities() == ["start", *range(101 - PRE_ROLL, 102)]


def test_what_is_taken_back_before_it_was_sent_is_not_sent() -> None:
    """An activity that is over is sent all the same."""
    rig = with_button()
    rig.gemini.drops()
    rig.caller.presses()
    rig.caller.speaks(1, 10)
    rig.caller.releases()
    rig.caller.presses()
    rig.caller.speaks(11, 20)
    rig.caller.starts_over()
    rig.connects()
    rig.passes(2)
    rig.caller.releases()
    assert rig.gemini.activities() == ["start", *range(1, 11), "end"]


def test_what_was_sent_before_it_is_taken_back_gets_its_end() -> None:
    rig = with_button()
    rig.caller.presses()
    rig.caller.speaks(1, 10)
    rig.caller.starts_over()
    rig.caller.releases()
    assert rig.gemini.activities() == ["start", *range(1, 11), "end"]


def replaced(rig: Rig) -> None:
    """The connection is replaced, as it is when what it asks for has changed."""
    rig.changes_agent()
    rig.connects()
    rig.passes(1)


def test_what_was_said_before_there_was_a_button_is_a_turn_of_its_own() -> None:
    rig = connected()
    rig.caller.speaks(1, 20)
    rig.uses_push_to_talk()
    replaced(rig)
    rig.caller.speaks(21, 40)
    assert rig.gemini.activities() == ["start", *range(1, 21), "end"]


def test_who_held_the_button_when_it_was_taken_away_is_heard_to_the_end() -> None:
    """Now the service detects the turns: it is sent all sound, without marks."""
    rig = with_button()
    rig.caller.presses()
    rig.caller.speaks(1, 20)
    rig.uses_detection()
    replaced(rig)
    rig.caller.speaks(21, 40)
    rig.caller.releases()
    assert rig.gemini.activities() == list(range(1, 41))


def pressed_over_an_answer(rig: Rig) -> None:
    """A second of speech by the button, into three seconds of an answer."""
    rig.gemini.answers_pings()
    rig.gemini.answers("Once upon a time there was ", seconds=3.0)
    rig.caller.presses()
    rig.caller.speaks(1, 50)
    rig.caller.releases()


def test_a_press_interrupts_nothing_where_voices_do_not() -> None:
    """What was said is answered when the answer is over, and asked about when it isn't."""
    rig = with_button(rules=TurnRules(interruptible=False))
    pressed_over_an_answer(rig)
    assert rig.gemini.activities() == ["start", *range(1, 51), "end"]
    rig.passes(2)
    rig.gemini.completes()
    assert rig.conversation.count("interrupted") == 0
    rig.passes(3.2)
    assert rig.causes(Kind.NUDGED) == [Cause.UNANSWERED]


def test_an_interruption_after_a_press_is_none_where_voices_do_not_interrupt() -> None:
    rig = with_button(rules=TurnRules(interruptible=False))
    pressed_over_an_answer(rig)
    rig.gemini.interrupts()
    assert rig.conversation.count("interrupted") == 0
    assert rig.causes(Kind.IGNORED) == [Cause.PHANTOM]


def test_a_short_press_into_an_answer_is_owed_one_though_the_interruption_comes_after_its_end() -> None:
    rig = with_button()
    pressed_over_an_answer(rig)
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    assert rig.conversation.count("interrupted") == 1
    rig.passes(3.2)
    assert rig.causes(Kind.NUDGED) == [Cause.UNANSWERED]
