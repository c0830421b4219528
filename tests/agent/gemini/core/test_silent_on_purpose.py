"""Proactive audio: a model that has heard words which weren't meant for it stays silent, and that is no fault."""

from typing import Any

import pytest

from tests.agent.gemini.rig import Cause, Kind, Rig, TurnRules, connected
from tests.agent.gemini.rig.messages import TURN_COMPLETE, activity, content, thought, transcript

V2_5, V3_8 = "gemini-2.5-flash-native-audio-preview-12-2025", "gemini-3.8-live"
ET = "gemini-3.8-live-extended-thinking"
PROACTIVE = TurnRules(may_stay_silent=True)
ASIDE = "Honey, where are my keys?"
EMPTY_TURN = TURN_COMPLETE | {"usageMetadata": {"promptTokenCount": 700, "totalTokenCount": 700}}
WAITING = content(waitingForInput=True)
HEARD_3_8 = (activity("START"), transcript(ASIDE), activity("END"))
HEARD_2_5 = tuple(transcript(f" {word}") for word in ASIDE.split())


def overheard(model: str, *shown: dict[str, Any]) -> Rig:
    """A caller who has talked to somebody else in the room, and what the service has sent since."""
    rig = connected(model, rules=PROACTIVE)
    rig.gemini.answers_pings()
    rig.passes(1)
    rig.caller.speaks(1, 75)
    rig.caller.pauses(76, 110)
    rig.gemini.sends(*shown)
    return rig


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        (V3_8, HEARD_3_8),
        (V3_8, (*HEARD_3_8, EMPTY_TURN)),
        (V3_8, (*HEARD_3_8, content(), EMPTY_TURN)),
        (ET, HEARD_3_8),
        (ET, (*HEARD_3_8, thought(), EMPTY_TURN)),
        (V2_5, HEARD_2_5),
        (V2_5, (*HEARD_2_5, EMPTY_TURN)),
        (V2_5, (*HEARD_2_5, thought(), EMPTY_TURN)),
    ],
    ids=[
        "3.8: nothing more",
        "3.8: an empty turn",
        "3.8: begins, and an empty turn",
        "extended thinking: nothing more",
        "extended thinking: a thought, and an empty turn",
        "2.5: nothing more",
        "2.5: an empty turn",
        "2.5: a thought, and an empty turn",
    ],
)
@pytest.mark.parametrize(
    "again", [(), (EMPTY_TURN,)], ids=["and nothing when it is asked", "and an empty turn when it is asked"]
)
def test_silence_after_words_for_somebody_else_is_asked_about_once(
    model: str, shown: tuple[dict[str, Any], ...], again: tuple[dict[str, Any], ...]
) -> None:
    """No alarm: the connection stays, nobody is told to wait. The model hears that it may stay silent."""
    rig = overheard(model, *shown)
    rig.passes_connected(13)
    rig.gemini.sends(*again)
    rig.passes_connected(60)
    assert [event.kind for event in rig.events] == [Kind.CONNECTED, Kind.CHECKED]
    assert len([text for text in rig.gemini.texts if "stay silent" in text]) == 1


@pytest.mark.parametrize(
    ("model", "shown"),
    [(V3_8, (*HEARD_3_8, WAITING)), (V2_5, (*HEARD_2_5, WAITING))],
)
def test_a_model_that_says_that_it_waits_is_not_asked(model: str, shown: tuple[dict[str, Any], ...]) -> None:
    rig = overheard(model, *shown)
    rig.passes_connected(60)
    assert [event.kind for event in rig.events] == [Kind.CONNECTED]
    assert rig.gemini.texts == []


@pytest.mark.parametrize("shown", [HEARD_3_8, (*HEARD_3_8, EMPTY_TURN)], ids=["nothing more", "an empty turn"])
def test_a_connection_that_is_dead_is_no_silence(shown: tuple[dict[str, Any], ...]) -> None:
    """The model was asked, and not even the ping is answered: the question goes to a new connection."""
    rig = connected(V3_8, rules=PROACTIVE)
    rig.passes(1)
    rig.caller.speaks(1, 75)
    rig.caller.pauses(76, 110)
    rig.gemini.sends(*shown)
    rig.passes(10)
    assert rig.causes(Kind.CHECKED) == [Cause.UNANSWERED]
    assert rig.causes(Kind.LOST) == [Cause.PONGS]
    rig.connects()
    assert ASIDE in rig.gemini.texts[-1]


def asides(rig: Rig, count: int, *again: dict[str, Any]) -> None:
    """The caller talks to others so many times, and the model shows each time that it has heard, and then `again`."""
    rig.gemini.answers_pings()
    for number in range(count):
        rig.caller.speaks(1000 * number, 1000 * number + 50)
        rig.gemini.sends(*HEARD_3_8)
        rig.caller.pauses(1000 * number + 51, 1000 * number + 80)
        rig.gemini.sends(*again)
        rig.passes_connected(15)


@pytest.mark.parametrize("again", [(EMPTY_TURN,), (WAITING,)], ids=["an empty turn", "it waits"])
def test_one_aside_after_the_other_raises_no_alarm(again: tuple[dict[str, Any], ...]) -> None:
    """A model that ends its turns, or says that it waits, is not stuck, however often it stays silent."""
    rig = connected(V3_8, rules=PROACTIVE)
    asides(rig, 8, *again)
    assert rig.kinds(Kind.LOST, Kind.NUDGED, Kind.WAITING) == []


def test_a_caller_who_speaks_again_and_again_is_not_left_to_a_session_that_is_stuck() -> None:
    """Without any sign of the model's: a new connection after the second silence, a new session after the third, then peace."""
    rig = connected(V3_8, rules=PROACTIVE)
    asides(rig, 6)
    assert rig.causes(Kind.LOST) == [Cause.UNANSWERED] * 2
    assert rig.kinds(Kind.WAITING) == []


def test_an_empty_turn_without_a_transcript_is_a_sign_that_the_service_hears() -> None:
    rig = overheard(V2_5, EMPTY_TURN)
    rig.passes_connected(60)
    assert rig.kinds(Kind.LOST, Kind.NUDGED, Kind.WAITING) == []


def test_the_answer_to_a_late_empty_turns_question_has_its_time() -> None:
    """The turn without content comes when the answer is nearly overdue; what is asked then isn't overdue at once."""
    rig = connected(V3_8, rules=PROACTIVE)
    asides(rig, 1)
    rig.caller.speaks(5001, 5050)
    rig.gemini.sends(*HEARD_3_8)
    rig.caller.pauses(5051, 5170)
    rig.gemini.sends(EMPTY_TURN)
    rig.passes_connected(2.5)
    assert rig.kinds(Kind.LOST) == []


def test_what_is_asked_after_a_silence_is_answered_as_ever() -> None:
    rig = overheard(V3_8, *HEARD_3_8)
    rig.passes(10)
    rig.caller.speaks(201, 250)
    rig.gemini.answers("It is noon.", 1.0)
    rig.gemini.completes()
    rig.passes_connected(20)
    assert rig.conversation.ends == 1
    assert [event.kind for event in rig.events] == [Kind.CONNECTED, Kind.CHECKED]


@pytest.mark.parametrize(("model", "begins"), [(V3_8, content()), (ET, thought()), (V2_5, thought())])
def test_a_model_that_has_begun_and_does_not_end_is_stuck(model: str, begins: dict[str, Any]) -> None:
    """The whole of what is done about an answer that is owed: a reminder, a new connection, a new session."""
    rig = overheard(model, *(HEARD_2_5 if model == V2_5 else HEARD_3_8))
    rig.passes(0.5)
    rig.gemini.sends(begins)
    rig.passes(12.2)
    assert rig.causes(Kind.NUDGED) == [Cause.UNANSWERED]
    rig.passes_connected(40)
    assert rig.causes(Kind.LOST)[:2] == [Cause.UNANSWERED] * 2


def test_what_was_done_about_a_stuck_model_is_not_held_against_the_next_line() -> None:
    """A typed line after it is reminded first, and the caller of the next aside isn't told to wait."""
    rig = overheard(V3_8, *HEARD_3_8)
    rig.gemini.sends(content())
    rig.passes_connected(60)
    told, lost = len(rig.kinds(Kind.WAITING)), len(rig.kinds(Kind.LOST))
    rig.caller.speaks(9001, 9050)
    rig.gemini.sends(*HEARD_3_8)
    rig.caller.pauses(9051, 9100)
    rig.passes_connected(3)
    assert len(rig.kinds(Kind.WAITING)) == told
    rig.passes_connected(20)
    nudged = len(rig.kinds(Kind.NUDGED))
    rig.caller.types("What time is it?")
    rig.passes_connected(3.2)
    assert len(rig.kinds(Kind.NUDGED)) == nudged + 1
    assert len(rig.kinds(Kind.LOST)) == lost


def test_a_service_that_shows_nothing_is_deaf() -> None:
    """No transcript, no activity, no turn: it hasn't heard, whatever the model may be silent about."""
    rig = overheard(V2_5)
    rig.passes(8)
    assert rig.causes(Kind.LOST) == [Cause.UNACKNOWLEDGED]


def test_what_was_typed_is_certainly_meant_for_the_model() -> None:
    rig = connected(V3_8, rules=PROACTIVE)
    rig.caller.types("What time is it?")
    rig.passes(3.2)
    assert rig.causes(Kind.NUDGED) == [Cause.UNANSWERED]


def test_a_question_before_a_loss_is_asked_about_since_its_answer_may_be_lost() -> None:
    rig = overheard(V3_8, *HEARD_3_8)
    rig.gemini.drops()
    rig.connects()
    assert any(ASIDE in text for text in rig.gemini.texts)


def test_a_caller_who_is_not_answered_is_not_told_to_wait() -> None:
    """Without the setting the model is reminded, and a reminder that isn't answered makes the caller wait."""
    rig = overheard(V3_8, *HEARD_3_8)
    rig.passes_connected(30)
    assert rig.kinds(Kind.WAITING) == []
