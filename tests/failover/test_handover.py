"""The tables of a hand-over are what happens; in any order of events, one process has the call, and there is an end."""

import dataclasses

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from failover import handover as module
from failover.handover import (
    COMES_WITHIN_S,
    PATIENCE_S,
    SEEN_WITHIN_S,
    SETTLED_S,
    TABLE,
    Event,
    HandOver,
    Pause,
    Stage,
    Step,
    next_step,
)
from failover.lease import Acquire, Give, Lapse, Lease, Offer, Renew, StandBy, State, Succeed, Withdraw, change
from failover.lease import Event as LeaseEvent

NOW = 1000.0
HELD = Lease("room", State.HELD, "agent-1", "worker-1", generation=1, takeovers=0, changed_at=NOW)
READY = dataclasses.replace(HELD, state=State.READY, successor="agent-2")


def tables() -> tuple[list[str], list[str]]:
    lines = [line.strip() for line in (module.__doc__ or "").splitlines() if line.startswith("    ")]
    second = next(number for number, line in enumerate(lines) if line.startswith("lease "))
    return lines[:second], lines[second:]


def test_the_docstring_is_the_table_of_the_process_that_has_the_call() -> None:
    header, *rows = [line.split()[:6] for line in tables()[0]]
    stages = [Stage[name] for name in header[1:]]
    for name, *cells in rows:
        found = {stage: TABLE[Event[name.upper()]].get(stage) for stage in stages}
        assert [after.name if after else "." for after in found.values()] == cells, name
    assert [row[0] for row in rows] == [event.name.lower() for event in Event]


def test_the_docstring_is_the_table_of_the_process_that_is_dispatched() -> None:
    for line in tables()[1][1:]:
        *words, first, later = line.split()
        name, *whose = " ".join(words).split(": ")
        own = "agent-2" if whose in (["itself"], ["to itself"]) else "agent-3"
        lease = None if name == "(none)" else dataclasses.replace(READY, state=State[name], holder="agent-2" if whose else "x")
        if name == "HELD":
            assert lease is not None
            lease = dataclasses.replace(lease, successor="")
        for has_stood_by, step in ((False, first), (True, later)):
            assert next_step(lease, own, has_stood_by=has_stood_by) is Step[step], line


def awaiting() -> HandOver:
    machine = HandOver()
    machine.on(Event.ASKED, NOW)
    machine.on(Event.READY, NOW)
    assert not machine.is_missed(READY, is_there=True, now=NOW)
    return machine


def test_the_call_is_given_once_all_is_quiet_for_a_moment() -> None:
    machine = awaiting()
    assert not machine.is_due(Pause.QUIET, NOW + 1)
    assert not machine.is_due(Pause.NONE, NOW + 1 + SETTLED_S)
    assert not machine.is_due(Pause.QUIET, NOW + 2)
    assert machine.is_due(Pause.QUIET, NOW + 2.1 + SETTLED_S)


def test_after_long_a_silent_moment_is_enough_and_never_one_in_which_somebody_speaks() -> None:
    machine = awaiting()
    assert not machine.is_due(Pause.SILENT, NOW + PATIENCE_S - 1)
    assert not machine.is_due(Pause.NONE, NOW + PATIENCE_S + 1)
    assert machine.is_due(Pause.SILENT, NOW + PATIENCE_S + 1)


def test_the_call_is_kept_if_nobody_comes_in_time() -> None:
    machine = HandOver()
    machine.on(Event.ASKED, NOW)
    offered = dataclasses.replace(HELD, state=State.OFFERED)
    assert not machine.is_missed(offered, is_there=False, now=NOW + COMES_WITHIN_S - 0.1)
    assert machine.is_missed(offered, is_there=False, now=NOW + COMES_WITHIN_S)


def test_a_process_that_the_room_shows_late_is_waited_for_and_one_that_has_left_is_not() -> None:
    machine = HandOver()
    machine.on(Event.ASKED, NOW)
    machine.on(Event.READY, NOW)
    assert not machine.is_missed(READY, is_there=False, now=NOW + SEEN_WITHIN_S - 0.1)
    assert not machine.is_due(Pause.QUIET, NOW + 1), "not before it is there"
    assert machine.is_missed(READY, is_there=False, now=NOW + SEEN_WITHIN_S)
    assert awaiting().is_missed(READY, is_there=False, now=NOW + 0.1)


@pytest.mark.parametrize("state", [state for state in State if state is not State.READY])
def test_a_lease_that_has_changed_meanwhile_is_not_given(state: State) -> None:
    assert awaiting().is_missed(dataclasses.replace(READY, state=state), is_there=True, now=NOW)


class TwoProcesses(RuleBasedStateMachine):
    """One that hands its call over, some that are dispatched for it, a store, and deaths at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.lease: Lease | None = HELD
        self.machine = HandOver()
        self.is_dead = False
        self.newcomers: dict[str, bool] = {}
        """By identity, whether each has stood by. One that has left or died isn't among them."""
        self.speaking: str | None = None
        """The newcomer that has the call."""

    def tell(self, event: LeaseEvent) -> Lease | None:
        after = change(self.lease, event, self.now)
        if after is None or isinstance(after, Lease):
            self.lease = after
        return after if isinstance(after, Lease) else None

    @property
    def old_speaks(self) -> bool:
        return not self.is_dead and self.machine.stage is not Stage.LEAVES

    @rule(seconds=st.sampled_from([0.05, 0.3, 1.0, 5.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        if self.old_speaks and self.lease is not None:
            self.tell(Renew(self.lease))
        if self.speaking is not None and self.lease is not None and self.lease.holder == self.speaking:
            self.tell(Renew(self.lease))

    @precondition(lambda self: self.old_speaks)
    @rule()
    def the_call_is_to_be_handed_over(self) -> None:
        if self.machine.on(Event.ASKED, self.now):
            assert self.tell(Offer("agent-1", 1)) is not None

    @precondition(lambda self: self.old_speaks and self.machine.stage in {Stage.OFFERS, Stage.AWAITS})
    @rule(pause=st.sampled_from(Pause), arrives=st.booleans())
    def the_old_one_looks(self, pause: Pause, arrives: bool) -> None:
        assert self.lease is not None
        if self.lease.state is State.READY:
            self.machine.on(Event.READY, self.now)
        if self.machine.is_missed(self.lease, is_there=self.lease.successor in self.newcomers, now=self.now):
            self.machine.on(Event.MISSED, self.now)
            self.tell(Withdraw("agent-1", 1))
        elif self.machine.stage is Stage.AWAITS and self.machine.is_due(pause, self.now):
            self.machine.on(Event.PAUSE, self.now)
            if arrives:
                assert self.tell(Give("agent-1", 1)) is not None
                self.machine.on(Event.GIVEN, self.now)
            else:
                self.machine.on(Event.MISSED, self.now)
                self.tell(Withdraw("agent-1", 1))

    @precondition(lambda self: len(self.newcomers) < 3 and self.speaking is None)
    @rule(name=st.integers(2, 9))
    def a_process_is_dispatched(self, name: int) -> None:
        self.newcomers.setdefault(f"agent-{name}", False)

    @precondition(lambda self: self.newcomers)
    @rule(index=st.integers(0, 2))
    def a_newcomer_looks(self, index: int) -> None:
        own = sorted(self.newcomers)[index % len(self.newcomers)]
        if own == self.speaking:
            return
        taken = None
        match next_step(self.lease, own, has_stood_by=self.newcomers[own]):
            case Step.STAND_BY:
                self.newcomers[own] = self.tell(StandBy(own)) is not None
                return
            case Step.WAIT:
                return
            case Step.SUCCEED:
                taken = self.tell(Succeed(own, "worker"))
            case Step.ACQUIRE:
                taken = self.tell(Acquire("room", own, "worker"))
        if taken is None:
            del self.newcomers[own]
        else:
            self.speaking = own

    @precondition(lambda self: self.newcomers)
    @rule(index=st.integers(0, 2))
    def a_newcomer_dies(self, index: int) -> None:
        own = sorted(self.newcomers)[index % len(self.newcomers)]
        del self.newcomers[own]
        self.tell(Lapse(own))
        if own == self.speaking:
            self.speaking = None

    @precondition(lambda self: not self.is_dead)
    @rule()
    def the_old_one_dies(self) -> None:
        self.is_dead = True
        self.tell(Lapse("agent-1"))

    @invariant()
    def one_at_most_has_the_call(self) -> None:
        assert not (self.old_speaks and self.speaking is not None)

    @invariant()
    def the_call_is_always_somebodys_or_lapses(self) -> None:
        assert self.lease is not None
        if self.old_speaks:
            assert self.lease.holder == "agent-1"
            assert self.lease.state is not State.GIVEN


TestTwoProcesses = TwoProcesses.TestCase
TestTwoProcesses.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
