"""The decisions of the watch: its tables, and that any order of losses ends with one agent, a told room, or nobody there."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover.lease import (
    CLAIM_S,
    LAPSES_S,
    MOST_TAKEOVERS,
    RENEWED_EVERY_S,
    Acquire,
    Adopt,
    Claim,
    Drop,
    Event,
    Lapse,
    Lease,
    Refusal,
    Renew,
    State,
    as_of,
    change,
)
from failover.watch import (
    ALONE_S,
    EMPTY_S,
    SETTLES_S,
    Action,
    AdoptRoom,
    ClaimCall,
    DropCall,
    GiveUp,
    RemoveGhost,
    Watch,
    WatchedRoom,
)

ROOM = "call-1"
LAPSED = Lease(ROOM, State.LAPSED, "agent-1", "worker-1", generation=1, takeovers=0, changed_at=0.0)
CALLER = WatchedRoom(ROOM, humans=frozenset({"caller"}), asks=True)
EMPTY = WatchedRoom(ROOM, asks=True)
NOW = 100.0


def test_a_lost_call_with_a_human_is_claimed_at_once() -> None:
    watch = Watch(NOW)
    assert watch.recover([LAPSED], {ROOM: CALLER}, NOW) == [ClaimCall(LAPSED)]


def test_after_three_claims_the_room_is_told() -> None:
    lease = replace(LAPSED, takeovers=MOST_TAKEOVERS)
    assert Watch(NOW).recover([lease], {ROOM: CALLER}, NOW) == [GiveUp(lease, CALLER)]


@pytest.mark.parametrize("room", [None, EMPTY])
def test_a_lost_call_without_a_human_waits_a_while_and_is_forgotten(room: WatchedRoom | None) -> None:
    watch = Watch(NOW)
    assert watch.recover([LAPSED], {ROOM: room}, NOW) == []
    assert watch.recover([LAPSED], {ROOM: room}, NOW + EMPTY_S - 0.1) == []
    assert watch.recover([LAPSED], {ROOM: room}, NOW + EMPTY_S) == [DropCall(LAPSED)]


def test_a_caller_who_comes_back_in_time_is_answered_again() -> None:
    watch = Watch(NOW)
    assert watch.recover([LAPSED], {ROOM: None}, NOW) == []
    assert watch.recover([LAPSED], {ROOM: CALLER}, NOW + EMPTY_S + 1) == [ClaimCall(LAPSED)]


def test_a_room_that_could_not_be_asked_about_is_left_to_the_next_look() -> None:
    assert Watch(NOW).recover([replace(LAPSED, takeovers=MOST_TAKEOVERS)], {}, NOW) == []


def test_after_a_time_without_the_store_holders_may_renew_first() -> None:
    """Redis was away, or this process stood still: every lease has lapsed, and the calls live."""
    watch = Watch(NOW)
    assert watch.settled([LAPSED], NOW) == []
    assert watch.settled([LAPSED], NOW + SETTLES_S) == [LAPSED]
    late = NOW + SETTLES_S + LAPSES_S
    assert watch.settled([LAPSED], late) == []
    assert watch.settled([LAPSED], late + SETTLES_S) == [LAPSED]


@pytest.mark.parametrize(
    ("room", "adopted"),
    [
        (CALLER, True),
        (EMPTY, False),
        (replace(CALLER, asks=False), False),
        (replace(CALLER, agents=frozenset({"agent-1"})), False),
        (replace(CALLER, audience=CALLER.humans), False),
        (replace(CALLER, humans=CALLER.humans | {"observer"}, audience=frozenset({"observer"})), True),
    ],
    ids=["waits in vain", "empty", "somebody else's", "answered", "audience", "with audience"],
)
def test_a_caller_without_an_agent_gets_one_after_a_while(room: WatchedRoom, adopted: bool) -> None:
    watch = Watch(NOW)
    assert watch.sweep([room], [], NOW) == []
    assert watch.sweep([room], [], NOW + ALONE_S - 0.1) == []
    assert watch.sweep([room], [], NOW + ALONE_S) == ([AdoptRoom(ROOM)] if adopted else [])


def test_a_room_whose_agent_came_in_time_waits_anew() -> None:
    watch = Watch(NOW)
    watch.sweep([CALLER], [], NOW)
    watch.sweep([replace(CALLER, agents=frozenset({"agent-1"}))], [], NOW + ALONE_S - 1)
    assert watch.sweep([CALLER], [], NOW + ALONE_S) == []


def test_a_worker_whose_turn_comes_again_counts_anew() -> None:
    watch = Watch(NOW)
    watch.sweep([CALLER], [], NOW)
    watch.forget_rooms()
    assert watch.sweep([CALLER], [], NOW + 10 * ALONE_S) == []
    assert watch.sweep([CALLER], [], NOW + 11 * ALONE_S) == [AdoptRoom(ROOM)]


@pytest.mark.parametrize("state", State)
def test_a_room_with_a_lease_is_not_alone(state: State) -> None:
    watch = Watch(NOW)
    lease = replace(LAPSED, state=state)
    watch.sweep([CALLER], [lease], NOW)
    assert watch.sweep([CALLER], [lease], NOW + 10 * ALONE_S) == []


def test_the_process_that_a_second_dispatch_replaces_is_removed() -> None:
    """Nobody claimed the lease: the dispatched process found it lapsed, and the one that had it may only be slow."""
    watch = Watch(NOW)
    assert watch.ghosts([LAPSED]) == []
    taken = replace(LAPSED, state=State.HELD, holder="agent-2", generation=2, takeovers=1)
    assert watch.ghosts([taken]) == [RemoveGhost(ROOM, "agent-1")]
    assert watch.ghosts([taken]) == []


def test_a_process_that_has_offered_its_call_leaves_by_itself() -> None:
    watch = Watch(NOW)
    watch.ghosts([replace(LAPSED, state=State.OFFERED)])
    assert watch.ghosts([replace(LAPSED, state=State.HELD, holder="agent-2", generation=2)]) == []


@dataclass
class Process:
    """A job of the fleet in the room: it renews its lease unless it is slow, and falls silent when it has lost it."""

    identity: str
    lease: Lease | None = None
    renewed_at: float = 0.0
    alive: bool = True
    slow: bool = False
    """Doesn't reach the store."""


@dataclass
class Fleet:
    """A store, a room, its processes and several watches, on one clock. It does at once what the watches decide."""

    now: float = 0.0
    lease: Lease | None = None
    room: WatchedRoom = CALLER
    processes: list[Process] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    dispatched: list[int] = field(default_factory=list)
    """The generation of each claim that was followed by a dispatch."""
    arrivals: int = 0
    told: int = 0

    def apply(self, event: Event) -> Lease | Refusal | None:
        after = change(self.lease, event, self.now)
        if not isinstance(after, Refusal):
            self.lease = after
        return after

    def arrive(self) -> None:
        """A dispatched job's process joins and asks for the lease."""
        self.arrivals += 1
        process = Process(f"agent-{self.arrivals}")
        after = self.apply(Acquire(ROOM, process.identity, "worker"))
        if isinstance(after, Lease):
            process.lease, process.renewed_at = after, self.now
            self.processes.append(process)

    def answering(self) -> list[Process]:
        """The processes that are in the room and believe that the call is theirs."""
        return [process for process in self.processes if process.alive and process.lease is not None]

    def holding(self) -> list[Process]:
        """Those of them whose lease is fresh. The others are removed by whoever takes the call from them."""
        return [process for process in self.answering() if self.now - process.renewed_at < LAPSES_S]

    def renew(self) -> None:
        for process in self.answering():
            assert process.lease is not None
            if not process.slow:
                after = self.apply(Renew(process.lease))
                process.lease = after if isinstance(after, Lease) else None
                process.renewed_at = self.now

    def look(self, watch: Watch, *, fails: bool) -> None:
        lease = None if self.lease is None else as_of(self.lease, self.now)
        lapsed = watch.settled([lease] if lease is not None and lease.state is State.LAPSED else [], self.now)
        agents = frozenset(process.identity for process in self.answering())
        room = replace(self.room, agents=agents)
        found = watch.recover(lapsed, {ROOM: room}, self.now)
        found += watch.ghosts([lease] if lease is not None else [])
        found += watch.sweep([room], [lease] if lease is not None else [], self.now)
        for action in found:
            self.do(action, fails=fails)

    def do(self, action: Action, *, fails: bool) -> None:
        match action:
            case ClaimCall(lease):
                claimed = self.apply(Claim(lease.generation))
                if isinstance(claimed, Lease):
                    self.remove(lease.holder)
                    self.dispatch(claimed, fails=fails)
            case AdoptRoom(room):
                claimed = self.apply(Adopt(room, "worker"))
                if isinstance(claimed, Lease):
                    self.dispatch(claimed, fails=fails)
            case RemoveGhost(_, identity):
                self.remove(identity)
            case DropCall(lease):
                self.apply(Drop(lease.generation))
            case GiveUp(lease, _):
                if self.apply(Drop(lease.generation)) is None:
                    self.remove(lease.holder)
                    self.told += 1
                    self.room = replace(self.room, asks=False)

    def dispatch(self, claimed: Lease, *, fails: bool) -> None:
        assert claimed.generation not in self.dispatched, "one dispatch for each claim"
        self.dispatched.append(claimed.generation)
        if not fails:
            self.arrive()

    def remove(self, identity: str) -> None:
        self.processes = [process for process in self.processes if process.identity != identity]

    def let_time_pass(self, seconds: float, *, fails: bool) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += RENEWED_EVERY_S
            self.renew()
            for watch in self.watches:
                self.look(watch, fails=fails)
            assert len(self.holding()) <= 1, "two agents answer"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from([0.5, 2.0, 4.0, 8.0])),
        st.sampled_from([("die", 0.0), ("die, seen at once", 0.0), ("slow", 0.0), ("quick", 0.0), ("second dispatch", 0.0)]),
        st.sampled_from([("nobody takes it", 0.0), ("somebody takes it", 0.0), ("caller leaves", 0.0), ("caller comes", 0.0)]),
    ),
    max_size=15,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, watches=st.integers(1, 3))
def test_any_order_of_losses_has_one_agent_and_an_end(steps: list[tuple[str, float]], watches: int) -> None:
    fleet = Fleet(watches=[Watch(0.0) for _ in range(watches)])
    fleet.arrive()
    fails = False
    for step, seconds in steps:
        process = next(iter(fleet.answering()), None)
        match step:
            case "wait":
                fleet.let_time_pass(seconds, fails=fails)
            case "die" | "die, seen at once" if process is not None:
                process.alive = False
                if step != "die":
                    fleet.apply(Lapse(process.identity))
            case "slow" | "quick" if process is not None:
                process.slow = step == "slow"
            case "second dispatch":
                fleet.arrive()
            case "nobody takes it" | "somebody takes it":
                fails = step == "nobody takes it"
            case "caller leaves" | "caller comes":
                fleet.room = replace(fleet.room, humans=frozenset() if step == "caller leaves" else CALLER.humans)
        assert len(fleet.holding()) <= 1, step
    _end(fleet, fails=fails)


def _end(fleet: Fleet, *, fails: bool) -> None:
    """However it went: soon an agent answers, or the room was told, or nobody is there and nothing is kept."""
    for process in fleet.processes:
        process.slow = False
    fleet.let_time_pass(2 * EMPTY_S + (MOST_TAKEOVERS + 1) * (CLAIM_S + LAPSES_S) + ALONE_S + SETTLES_S, fails=fails)
    assert len(fleet.answering()) <= 1
    if fleet.room.humans:
        assert fleet.answering() or fleet.told == 1
    elif not fleet.answering():
        assert fleet.lease is None
    assert fleet.told <= 1


def test_a_dispatch_that_nobody_takes_is_made_three_times() -> None:
    fleet = Fleet(watches=[Watch(0.0), Watch(0.0)])
    fleet.let_time_pass(60, fails=True)
    assert (len(fleet.dispatched), fleet.told, fleet.lease) == (MOST_TAKEOVERS, 1, None)
