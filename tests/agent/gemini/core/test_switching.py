"""Planned changes of the connection: when the service warns, when it is old, when what it asks for has changed."""

import pytest

from tests.agent.gemini.rig import STEP_S, Cause, Kind, connected, messages


def test_a_planned_end_waits_for_the_sentence_and_a_handle() -> None:
    rig = connected()
    rig.gemini.answers()
    rig.gemini.warns("50s")
    rig.passes(3)
    assert rig.socket == "open", "in mid-sentence"
    rig.gemini.completes()
    rig.gemini.gives_handle("h2")
    rig.passes(STEP_S)
    assert rig.socket == "closing"
    rig.connects()
    assert rig.gemini.handles == [None, "h2"]
    event = rig.events[-1]
    assert (event.kind, event.cause, event.gap_ms, event.replayed_ms) == (Kind.HANDED_OVER, Cause.GOAWAY, 0, 0)
    assert rig.gemini.texts == [], "nobody needs to be told"


def test_without_a_fresh_handle_it_waits_a_moment_only() -> None:
    rig = connected()
    rig.gemini.answers()
    rig.gemini.warns("50s")
    rig.passes(1)
    rig.gemini.completes()
    rig.passes(0.5)
    assert rig.socket == "open"
    rig.passes(0.3)
    assert rig.socket == "closing"


def test_a_warning_with_minutes_left_does_not_cut_a_caller_off() -> None:
    rig = connected()
    rig.caller.speaks(1, 5)
    rig.gemini.warns("300s")
    rig.caller.speaks(6, 50)
    assert rig.socket == "open"


def test_the_deadline_forces_the_change_and_the_answer_goes_on() -> None:
    rig = connected()
    rig.gemini.answers("Once upon a time there was a lighthouse keeper", 3.0)
    rig.gemini.warns("4s")
    for _ in range(20):
        rig.passes(0.1)
        rig.gemini.says(seconds=0.2)
    assert rig.socket == "open"
    rig.passes(1.1)
    assert rig.socket == "closing"
    rig.connects()
    [reminder] = rig.gemini.texts
    assert "cut off" in reminder
    assert "lighthouse keeper" in reminder
    rig.gemini.says(" who lived on a rock. ")
    assert rig.conversation.captions == "Once upon a time there was a lighthouse keeper who lived on a rock. "
    assert rig.conversation.ends == 0, "one answer, not two"
    assert rig.events[-1].kind is Kind.HANDED_OVER


def test_an_old_connection_is_changed_when_nobody_speaks() -> None:
    rig = connected(oldest_s=20)
    rig.passes(21)
    assert rig.socket == "closing"
    rig.connects()
    assert (rig.events[-1].kind, rig.events[-1].cause) == (Kind.HANDED_OVER, Cause.AGE)


def test_a_connection_is_kept_between_a_question_and_its_answer() -> None:
    """Gemini 3.1 shows nothing of its hearing until it has understood a whole turn."""
    rig = connected("gemini-3.1-flash-live-preview", oldest_s=10)
    began_at = rig.now
    rig.gemini.answers_pings()
    rig.passes(8)
    rig.caller.speaks(1, 100)
    rig.caller.pauses(101, 140)
    rig.passes(1)
    assert rig.now - began_at > 11
    assert rig.socket == "open"
    rig.gemini.answers()
    rig.gemini.completes()
    rig.gemini.gives_handle("h2")
    rig.passes(1)
    assert rig.socket == "closing"


@pytest.mark.parametrize("left", ["0s", "50s"])
def test_a_service_that_always_warns_is_changed_at_a_pace(left: str) -> None:
    """A service that warns each new connection at once isn't asked for one after the other."""
    rig = connected()
    for _ in range(600):
        if rig.socket == "dialing":
            rig.connects()
            rig.gemini.warns(left)
        rig.gemini.confirms_close() if rig.socket == "closing" else rig.passes(STEP_S)
        if rig.socket == "open" and len(rig.gemini.connections) == 1:
            rig.gemini.warns(left)
    assert len(rig.gemini.handles) <= 35


def test_a_connection_that_the_worker_replaced_is_no_failure() -> None:
    """Ten changes of what a connection asks for, each as soon as it is open, take no longer than they need."""
    rig = connected()
    began_at = rig.now
    for _ in range(10):
        rig.changes_agent()
        rig.gemini.confirms_close()
        rig.connects()
    assert rig.socket == "open"
    assert rig.now - began_at < 2


def test_a_setup_that_is_not_wanted_any_more_is_not_waited_for() -> None:
    """Otherwise the connection would keep to it until it is replaced for another reason."""
    rig = connected()
    rig.gemini.drops()
    rig.until_dialing()
    rig.gemini.upgrades()
    rig.changes_agent()
    assert rig.socket == "closing"
    rig.connects()
    assert rig.socket == "open"
    assert rig.gemini.handles == [None, "h1", "h1"]


def test_how_long_nothing_was_heard_of_an_answer_without_sound_is_not_known() -> None:
    rig = connected()
    rig.gemini.sends(messages.words("there was "))
    rig.gemini.warns("5s")
    rig.passes(5)
    rig.connects()
    rig.gemini.says("a lighthouse.")
    assert rig.causes(Kind.HANDED_OVER) == [Cause.GOAWAY]
    assert rig.events[-1].gap_ms is None
