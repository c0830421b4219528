"""The choice of the caller: the table, the rules in it, and events in any order."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.room.caller_choice import MOST_HUMANS, RETURNS_S, TAKES, Bid, CallerChoice, Claim, Hold


def test_the_table() -> None:
    assert {
        Hold.VACANT: {Bid.UNREACHABLE, Bid.MAY_SPEAK, Bid.MICROPHONE, Bid.RETURNS, Bid.TYPES, Bid.TYPES_EARLIER},
        Hold.RETURNING: set(),
        Hold.UNREACHABLE: {Bid.MAY_SPEAK, Bid.MICROPHONE, Bid.RETURNS, Bid.TYPES, Bid.TYPES_EARLIER},
        Hold.SILENT: {Bid.MICROPHONE, Bid.RETURNS, Bid.TYPES_EARLIER},
        Hold.READY: {Bid.RETURNS, Bid.TYPES_EARLIER},
        Hold.ENGAGED: set(),
    } == TAKES


def room(**claims: Claim) -> CallerChoice:
    """Humans who have joined in that order."""
    choice = CallerChoice()
    for identity, claim in claims.items():
        choice.update(identity, claim)
    return choice


@pytest.mark.parametrize("order", list(itertools.permutations(["observer", "speaker"])))
@pytest.mark.parametrize("observer", [Claim.LISTENS, Claim.MAY_SPEAK, Claim.NONE])
def test_who_has_a_microphone_is_the_caller_whoever_came_first(order: tuple[str, ...], observer: Claim) -> None:
    choice = room(**{who: observer if who == "observer" else Claim.MICROPHONE for who in order})
    assert (choice.caller, choice.hold) == ("speaker", Hold.READY)
    assert choice.audience() == (set() if observer is Claim.NONE else {"observer"})


def test_who_only_listens_is_audience_until_they_type() -> None:
    choice = room(listener=Claim.LISTENS)
    assert (choice.hold, choice.audience()) == (Hold.VACANT, {"listener"})
    assert choice.typed("listener")
    assert (choice.caller, choice.hold, choice.audience()) == ("listener", Hold.ENGAGED, set())


def test_a_line_of_the_audience_is_not_the_callers() -> None:
    choice = room(caller=Claim.MICROPHONE, stranger=Claim.MICROPHONE)
    assert not choice.typed("stranger")
    assert choice.typed("caller")


def test_who_reads_silently_keeps_the_call_from_a_stranger_who_types() -> None:
    choice = room(caller=Claim.MAY_SPEAK, stranger=Claim.MAY_SPEAK)
    assert not choice.typed("stranger")
    assert choice.caller == "caller"


def test_who_reads_silently_takes_the_call_back_by_typing_until_the_other_has_spoken() -> None:
    choice = room(reader=Claim.MAY_SPEAK, stranger=Claim.MICROPHONE)
    assert choice.caller == "stranger"
    assert choice.typed("reader")
    assert (choice.caller, choice.hold) == ("reader", Hold.ENGAGED)
    choice = room(reader=Claim.MAY_SPEAK, other=Claim.MICROPHONE)
    choice.spoke("other")
    assert not choice.typed("reader")


def test_whoever_remains_is_the_caller() -> None:
    """A microphone comes before a right to speak, and that before nothing."""
    choice = room(first=Claim.MICROPHONE, listener=Claim.LISTENS, silent=Claim.MAY_SPEAK, loud=Claim.MICROPHONE)
    callers = []
    for identity in ("first", "loud", "silent"):
        callers.append(choice.caller)
        choice.remove(identity, 0.0)
    assert callers == ["first", "loud", "silent"]
    assert (choice.caller, choice.hold) == ("silent", Hold.VACANT)


def test_a_caller_comes_back_as_the_same_or_under_another_name() -> None:
    choice = room(caller=Claim.MICROPHONE)
    choice.remove("caller", 1.0)
    assert choice.hold is Hold.VACANT
    choice.update("caller", Claim.MAY_SPEAK)
    assert (choice.caller, choice.hold) == ("caller", Hold.SILENT)
    choice.remove("caller", 2.0)
    choice.update("caller again", Claim.MAY_SPEAK)
    assert (choice.caller, choice.hold) == ("caller again", Hold.SILENT)


def test_a_connection_that_is_replaced_doesnt_cost_the_call() -> None:
    choice = room(caller=Claim.MICROPHONE, other=Claim.MICROPHONE)
    choice.remove("caller", 1.0, returns=True)
    assert (choice.caller, choice.hold, choice.due_at) == ("caller", Hold.RETURNING, 1.0 + RETURNS_S)
    choice.update("caller", Claim.MICROPHONE)
    choice.elapse(1.0 + RETURNS_S)
    assert (choice.caller, choice.hold, choice.due_at) == ("caller", Hold.READY, None)
    choice.remove("caller", 5.0, returns=True)
    choice.elapse(5.0 + RETURNS_S)
    assert choice.caller == "other"


def test_a_caller_who_cant_be_reached_loses_the_call_to_whoever_is_there() -> None:
    choice = room(caller=Claim.MICROPHONE)
    choice.spoke("caller")
    assert not choice.rivals()
    choice.update("caller anew", Claim.MAY_SPEAK)
    assert choice.rivals()
    choice.unreachable("caller")
    assert choice.caller == "caller anew"
    choice.typed("caller anew")
    choice.spoke("caller")
    assert choice.caller == "caller anew"
    assert choice.audience() == {"caller"}


def test_a_caller_who_cant_be_reached_is_listened_to_when_nobody_else_is_there() -> None:
    choice = room(caller=Claim.MICROPHONE, other=Claim.MICROPHONE)
    choice.spoke("caller")
    choice.unreachable("caller")
    assert (choice.caller, choice.hold) == ("other", Hold.READY)
    choice.remove("other", 1.0)
    assert (choice.caller, choice.hold, choice.audience()) == ("caller", Hold.UNREACHABLE, set())
    choice.update("third", Claim.MAY_SPEAK)
    assert (choice.caller, choice.hold) == ("third", Hold.SILENT)


def test_two_who_both_cant_be_reached_are_not_left_alone() -> None:
    """As after a break in the agent's own connection: the first who answers is the caller."""
    choice = room(first=Claim.MICROPHONE, second=Claim.MICROPHONE)
    choice.unreachable("first")
    choice.unreachable("second")
    assert (choice.caller, choice.hold) == ("second", Hold.UNREACHABLE)
    assert choice.unreached() == {"first", "second"}
    choice.reachable("first")
    assert (choice.caller, choice.hold) == ("first", Hold.READY)
    choice.reachable("second")
    assert (choice.caller, choice.unreached()) == ("first", set())


@pytest.mark.parametrize("other_speaks", [False, True])
def test_a_caller_who_was_there_after_all_takes_the_call_back_unless_the_other_has_spoken(*, other_speaks: bool) -> None:
    choice = room(caller=Claim.MICROPHONE, other=Claim.MICROPHONE)
    choice.spoke("caller")
    choice.unreachable("caller")
    if other_speaks:
        choice.spoke("other")
    choice.reachable("caller")
    assert (choice.caller, choice.hold) == ("other" if other_speaks else "caller", Hold.ENGAGED)


def test_a_caller_who_had_said_nothing_takes_the_call_back_from_who_has_no_microphone() -> None:
    choice = room(caller=Claim.MICROPHONE, other=Claim.MAY_SPEAK)
    choice.unreachable("caller")
    assert choice.caller == "other"
    choice.reachable("caller")
    assert (choice.caller, choice.hold) == ("caller", Hold.READY)


def test_a_telephone_that_rings_is_nobody_yet() -> None:
    choice = room(phone=Claim.NONE)
    assert (choice.hold, choice.audience()) == (Hold.VACANT, set())
    assert not choice.typed("phone")
    holds = []
    for claim in (Claim.MICROPHONE, Claim.NONE):
        choice.update("phone", claim)
        holds.append(choice.hold)
    assert holds == [Hold.READY, Hold.VACANT]


def test_a_room_full_of_strangers_is_remembered_up_to_a_bound() -> None:
    choice = room(caller=Claim.MICROPHONE, **{f"stranger {number}": Claim.LISTENS for number in range(2 * MOST_HUMANS)})
    assert len(choice.audience()) == MOST_HUMANS - 1


WHO = st.sampled_from(["ann", "bob", "cid", "dot"])
EVENTS = st.one_of(
    st.tuples(st.just("update"), WHO, st.sampled_from(Claim)),
    st.tuples(st.just("remove"), WHO, st.booleans()),
    st.tuples(st.sampled_from(["unreachable", "reachable"]), WHO, st.none()),
    st.tuples(st.just("spoke"), WHO, st.none()),
    st.tuples(st.just("typed"), WHO, st.none()),
    st.tuples(st.just("elapse"), st.just(""), st.floats(0, 5)),
)


@given(st.lists(EVENTS, max_size=60))
def test_in_any_order_somebody_who_may_speak_is_heard(events: list[tuple[str, str, object]]) -> None:
    """And nobody takes the call from a caller who has said something and is there."""
    choice, now = CallerChoice(), 0.0
    present: dict[str, Claim] = {}
    for kind, who, detail in events:
        caller, hold = choice.caller, choice.hold
        if kind == "update":
            choice.update(who, detail)  # type: ignore[arg-type]
            present[who] = detail  # type: ignore[assignment]
        elif kind == "remove":
            choice.remove(who, now, returns=bool(detail))
            present.pop(who, None)
        elif kind == "elapse":
            now += detail  # type: ignore[operator]
            choice.elapse(now)
        elif kind == "typed":
            assert choice.typed(who) == (choice.caller == who and who in present and choice.hold is Hold.ENGAGED)
        else:
            getattr(choice, kind)(who)
        if choice.hold in {Hold.VACANT, Hold.UNREACHABLE}:
            assert not choice.rivals()
        if choice.hold is Hold.VACANT:
            assert all(claim < Claim.MAY_SPEAK for claim in present.values())
        elif choice.hold is Hold.RETURNING:
            assert choice.due_at is not None
            assert choice.caller not in present
        else:
            assert choice.caller in present
            assert choice.audience() == {human for human, claim in present.items() if claim} - {choice.caller}
        if hold is Hold.ENGAGED and choice.caller != caller:
            assert who == caller, "somebody else's doing"
