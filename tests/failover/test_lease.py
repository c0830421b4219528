"""The table of the lease is what happens; whatever the order of events, one process has the call, and there is an end."""

import dataclasses

import pytest

from failover import lease as module
from failover.lease import (
    CLAIM_S,
    HOLDER_LIVES,
    LAPSES_S,
    MOST_TAKEOVERS,
    Acquire,
    Adopt,
    Ask,
    Claim,
    Drop,
    Event,
    Give,
    Lapse,
    Lease,
    Offer,
    Refusal,
    Release,
    Renew,
    StandBy,
    State,
    Succeed,
    Withdraw,
    as_of,
    change,
)

NOW = 1000.0
HELD = Lease("room", State.HELD, "agent-1", "worker-1", generation=1, takeovers=0, changed_at=NOW)
STATES: dict[str, Lease | None] = {
    "(none)": None,
    **{state.name: dataclasses.replace(HELD, state=state) for state in State},
    **{state.name: dataclasses.replace(HELD, state=state, successor="agent-2") for state in (State.READY, State.GIVEN)},
}
EVENTS: dict[str, Event] = {
    "acquire": Acquire("room", "agent-2", "worker-2"),
    "renew": Renew(HELD),
    "lapse": Lapse("agent-1"),
    "claim": Claim(1),
    "adopt": Adopt("room", "worker-2"),
    "ask": Ask("agent-1"),
    "offer": Offer("agent-1", 1),
    "stand_by": StandBy("agent-2"),
    "withdraw": Withdraw("agent-1", 1),
    "give": Give("agent-1", 1),
    "succeed": Succeed("agent-2", "worker-2"),
    "release": Release("agent-1", 1),
    "drop": Drop(1),
}


def rows() -> list[list[str]]:
    lines = [line.split() for line in (module.__doc__ or "").splitlines() if line.startswith("    ")]
    return [line[: len(STATES) + 1] for line in lines]


def cell(after: Lease | Refusal | None) -> str:
    match after:
        case Lease():
            return after.state.name
        case None:
            return "(none)"
        case Refusal.REFUSED:
            return "."


def test_the_docstring_is_the_table() -> None:
    header, *lines = rows()
    assert header == ["event", "(none)", "HELD", "LAPSED", "CLAIMED", "ASKED", "OFFERED", "READY", "GIVEN"]
    assert [line[0] for line in lines] == list(EVENTS)
    for event, *cells in lines:
        assert dict(zip(header[1:], cells, strict=True)) == {
            state: cell(change(STATES[state], EVENTS[event], NOW + 0.5)) for state in header[1:]
        }, event


@pytest.mark.parametrize(
    "event",
    [
        Renew(dataclasses.replace(HELD, holder="agent-0")),
        Renew(dataclasses.replace(HELD, generation=2)),
        Offer("agent-0", 1),
        Withdraw("agent-0", 1),
        Give("agent-1", 2),
        Release("agent-1", 2),
    ],
)
def test_only_the_holder_of_this_generation_keeps_offers_or_ends_it(event: Event) -> None:
    for lease in filter(None, STATES.values()):
        assert change(lease, event, NOW) is Refusal.REFUSED


def test_a_holder_brings_back_what_the_store_has_lost() -> None:
    third = dataclasses.replace(HELD, generation=3, takeovers=2, state=State.OFFERED)
    assert change(None, Renew(third), NOW + 9) == dataclasses.replace(third, state=State.HELD, changed_at=NOW + 9)


@pytest.mark.parametrize(
    ("state", "after_s"),
    [*((state, LAPSES_S) for state in State if state in HOLDER_LIVES | {State.GIVEN}), (State.CLAIMED, CLAIM_S)],
)
def test_a_lease_lapses_by_its_time(state: State, after_s: float) -> None:
    lease = dataclasses.replace(HELD, state=state)
    assert as_of(lease, NOW + after_s - 0.01).state is state
    assert as_of(lease, NOW + after_s).state is State.LAPSED


def test_a_slow_holder_goes_on_unless_the_call_was_claimed() -> None:
    late = NOW + LAPSES_S + 1
    assert change(HELD, Renew(HELD), late) == dataclasses.replace(HELD, changed_at=late)
    claimed = change(HELD, Claim(1), late)
    assert isinstance(claimed, Lease)
    for seconds in (0, CLAIM_S - 1, CLAIM_S + 1, 1000):
        assert change(claimed, Renew(HELD), late + seconds) is Refusal.REFUSED
        assert change(claimed, Release("agent-1", 1), late + seconds) is Refusal.REFUSED


def test_the_process_that_has_it_may_ask_again() -> None:
    assert change(HELD, Acquire("room", "agent-1", "worker-1"), NOW + 1) == dataclasses.replace(HELD, changed_at=NOW + 1)
    assert change(HELD, Succeed("agent-1", "worker-1"), NOW + 1) == dataclasses.replace(HELD, changed_at=NOW + 1)


def test_a_call_that_was_taken_over_often_enough_is_taken_over_no_more() -> None:
    worn = dataclasses.replace(HELD, takeovers=MOST_TAKEOVERS, state=State.LAPSED)
    assert change(worn, Claim(1), NOW) is Refusal.REFUSED
    assert change(worn, Acquire("room", "agent-2", "worker-2"), NOW) is Refusal.REFUSED
    assert change(worn, Drop(1), NOW) is None
    last = dataclasses.replace(worn, state=State.CLAIMED)
    assert isinstance(change(last, Acquire("room", "agent-2", "worker-2"), NOW), Lease), "the last claim is used"


def handed(*events: Event) -> Lease:
    """The lease of agent-1 after these events."""
    lease = HELD
    for event in events:
        after = change(lease, event, NOW)
        assert isinstance(after, Lease), event
        lease = after
    return lease


def test_a_call_that_is_given_away_is_the_one_that_stood_by_and_no_takeover() -> None:
    ready = handed(Offer("agent-1", 1), StandBy("agent-2"))
    assert ready.successor == "agent-2"
    assert change(ready, StandBy("agent-3"), NOW) is Refusal.REFUSED
    given = handed(Offer("agent-1", 1), StandBy("agent-2"), Give("agent-1", 1))
    assert change(given, Succeed("agent-3", "worker-3"), NOW) is Refusal.REFUSED
    assert change(given, Lapse("agent-1"), NOW) is Refusal.REFUSED, "its process has ended, as it should"
    taken = change(given, Succeed("agent-2", "worker-2"), NOW + 0.1)
    assert taken == Lease("room", State.HELD, "agent-2", "worker-2", generation=2, takeovers=0, changed_at=NOW + 0.1)


def test_a_holder_does_not_stand_by_for_itself() -> None:
    assert change(handed(Offer("agent-1", 1)), StandBy("agent-1"), NOW) is Refusal.REFUSED


def test_a_call_that_is_withdrawn_or_lost_is_nobody_elses() -> None:
    ready = (Offer("agent-1", 1), StandBy("agent-2"))
    assert handed(*ready, Withdraw("agent-1", 1)) == HELD
    assert handed(*ready, Lapse("agent-1")).successor == ""
    late = change(handed(*ready), Acquire("room", "agent-2", "worker-2"), NOW + LAPSES_S)
    assert isinstance(late, Lease)
    assert (late.holder, late.successor, late.takeovers) == ("agent-2", "", 1)
