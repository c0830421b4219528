"""Any order of deaths, slow processes, splits, late messages, duplicate dispatches, claims and jumps of the clock."""

import dataclasses
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from failover.lease import (
    CLAIM_S,
    LAPSES_S,
    MOST_TAKEOVERS,
    Acquire,
    Ask,
    Claim,
    Drop,
    Event,
    Give,
    Lapse,
    Lease,
    Offer,
    Release,
    Renew,
    StandBy,
    State,
    Succeed,
    Withdraw,
    as_of,
    change,
    lapses_at,
)

ROOM = "room"
ORDERS = settings(max_examples=60, stateful_step_count=40, deadline=None)


@dataclass
class Process:
    """A job: what it knows of its lease, and from when on it knows that."""

    holder: str
    lease: Lease | None = None
    believes_until: float = 0.0
    stands_by: bool = False
    is_dead: bool = False


class Fleet(RuleBasedStateMachine):
    """A store with one lease, processes that hold or want it, and watches that act on what they saw earlier."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.step = 0.0
        """How far the store's clock has jumped."""
        self.lease: Lease | None = None
        self.processes: list[Process] = []
        self.seen: list[Lease] = []
        self.under_way: list[tuple[Process, Lease]] = []
        self.moved = 0
        self.claimed: set[tuple[str, int]] = set()
        """Holders and generations whose call a watch has claimed."""

    def tell(self, event: Event) -> bool:
        """Whether the store does what the event asks for."""
        before, after = self.lease, change(self.lease, event, self.now + self.step)
        if after is not None and not isinstance(after, Lease):
            return False
        if before is not None and after is not None:
            assert after.generation >= before.generation, "generations only grow"
            assert after.takeovers >= before.takeovers
            self.moved += after.takeovers > before.takeovers
            if isinstance(event, Claim):
                self.claimed.add((before.holder, before.generation))
            if isinstance(event, Renew):
                assert (event.lease.holder, event.lease.generation) not in self.claimed, "a claim fences"
        if before is None or after is None:
            self.claimed.clear()
            self.moved = after.takeovers if after is not None else 0
        self.lease = after
        return True

    def pick(self, index: int, *, alive: bool = True) -> Process | None:
        chosen = [process for process in self.processes if process.lease is not None and process.is_dead is not alive]
        return chosen[index % len(chosen)] if chosen else None

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, LAPSES_S, CLAIM_S, 20.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: len(self.processes) < 8)
    @rule()
    def a_process_is_dispatched(self) -> None:
        process = Process(f"agent-{len(self.processes)}")
        self.processes.append(process)
        if self.tell(Acquire(ROOM, process.holder, "worker")):
            process.lease, process.believes_until = self.lease, self.now + LAPSES_S
        else:
            process.stands_by = self.tell(StandBy(process.holder))

    @rule(index=st.integers(0, 7))
    def a_process_that_stands_by_looks(self, index: int) -> None:
        waiting = [process for process in self.processes if process.stands_by and not process.is_dead]
        if waiting and self.tell(Succeed((process := waiting[index % len(waiting)]).holder, "worker")):
            process.lease, process.believes_until, process.stands_by = self.lease, self.now + LAPSES_S, False

    @rule(index=st.integers(0, 7), arrives=st.booleans())
    def a_holder_renews(self, index: int, arrives: bool) -> None:
        if (process := self.pick(index)) is not None and process.lease is not None:
            if arrives:
                self.renewal_arrives(process, process.lease, self.now)
            else:
                self.under_way.append((process, process.lease))

    @precondition(lambda self: self.under_way)
    @rule()
    def a_late_renewal_arrives(self) -> None:
        """The answer is lost, so its process believes no longer for it."""
        process, lease = self.under_way.pop(0)
        if process.lease is not None:  # a store refuses renewals of what was released
            self.tell(Renew(lease))

    def renewal_arrives(self, process: Process, lease: Lease, sent_at: float) -> None:
        if self.tell(Renew(lease)):
            process.lease, process.believes_until = self.lease, sent_at + LAPSES_S
        else:
            process.lease = None

    @rule(index=st.integers(0, 7))
    def a_process_dies_and_its_worker_sees_it(self, index: int) -> None:
        if (process := self.pick(index)) is not None:
            process.is_dead = True
            self.tell(Lapse(process.holder))

    @rule(index=st.integers(0, 7))
    def a_machine_dies(self, index: int) -> None:
        if (process := self.pick(index)) is not None:
            process.is_dead = True

    @rule(index=st.integers(0, 7))
    def a_holder_offers(self, index: int) -> None:
        if (process := self.pick(index)) is not None and process.lease is not None:
            self.tell(Offer(process.holder, process.lease.generation))

    @rule(index=st.integers(0, 7))
    def a_holder_gives(self, index: int) -> None:
        """It says nothing more from the moment at which it asks for that."""
        process = self.pick(index)
        if process is not None and process.lease and self.tell(Give(process.holder, process.lease.generation)):
            process.lease = None

    @rule(index=st.integers(0, 7))
    def a_holder_withdraws(self, index: int) -> None:
        if (process := self.pick(index)) is not None and process.lease is not None:
            self.tell(Withdraw(process.holder, process.lease.generation))

    @precondition(lambda self: self.lease is not None)
    @rule()
    def somebody_asks_for_a_hand_over(self) -> None:
        assert self.lease is not None
        self.tell(Ask(self.lease.holder))

    @rule(index=st.integers(0, 7))
    def a_call_ends(self, index: int) -> None:
        if (process := self.pick(index)) is not None and process.lease is not None:
            self.tell(Release(process.holder, process.lease.generation))
            process.lease = None

    @precondition(lambda self: self.lease is not None)
    @rule()
    def a_watch_looks(self) -> None:
        assert self.lease is not None
        self.seen.append(as_of(self.lease, self.now + self.step))

    @precondition(lambda self: self.seen)
    @rule(drops=st.booleans(), index=st.integers(0, 20))
    def a_watch_acts_on_what_it_saw(self, drops: bool, index: int) -> None:
        seen = self.seen[index % len(self.seen)]
        if seen.state is State.LAPSED:
            self.tell(Drop(seen.generation) if drops else Claim(seen.generation))

    @invariant()
    def the_holder_of_an_older_generation_gets_nothing(self) -> None:
        for process in self.processes:
            if process.lease is not None and self.lease is not None and process.lease.generation < self.lease.generation:
                before = self.lease
                assert not self.tell(Renew(process.lease))
                assert not self.tell(Offer(process.holder, process.lease.generation))
                assert not self.tell(Release(process.holder, process.lease.generation))
                assert self.lease == before

    @invariant()
    def a_call_is_moved_at_most_so_often(self) -> None:
        assert self.moved <= MOST_TAKEOVERS

    def teardown(self) -> None:
        """All processes die. Watches alone bring every call to its end."""
        for claims in range(MOST_TAKEOVERS + 2):
            if self.lease is None:
                break
            self.now += CLAIM_S
            self.now = max(self.now, lapses_at(self.lease) - self.step)  # later than CLAIM_S only after a jump backwards
            seen = as_of(self.lease, self.now + self.step)
            assert seen.state is State.LAPSED
            if not self.tell(Claim(seen.generation)):
                assert claims <= MOST_TAKEOVERS + 1
                self.now += CLAIM_S
                self.tell(Drop(self.lease.generation))
        assert self.lease is None


class SteadyFleet(Fleet):
    """On a clock that doesn't jump, no two processes believe at the same time that the call is theirs."""

    @invariant()
    def one_process_believes_that_it_holds_the_call(self) -> None:
        believing = [
            process.holder
            for process in self.processes
            if process.lease is not None and not process.is_dead and self.now < process.believes_until
        ]
        assert len(believing) <= 1, believing


class JumpingFleet(Fleet):
    """On a clock that jumps, or with a store that forgets all, the store still has one holder, and each call an end."""

    @rule(seconds=st.sampled_from([-3600.0, -2.0, 2.0, 3600.0]))
    def the_clock_jumps(self, seconds: float) -> None:
        self.step += seconds

    @rule()
    def the_store_forgets_all(self) -> None:
        self.lease = None
        self.moved = 0
        self.claimed.clear()

    @invariant()
    def a_renewal_is_of_the_one_that_is_written_down(self) -> None:
        if self.lease is not None and self.lease.state is State.HELD:
            others = [each for each in self.processes if each.lease is not None and each.holder != self.lease.holder]
            assert not any(self.tell(Renew(dataclasses.replace(each.lease, state=State.HELD))) for each in others if each.lease)


TestSteadyFleet = SteadyFleet.TestCase
TestSteadyFleet.settings = ORDERS
TestJumpingFleet = JumpingFleet.TestCase
TestJumpingFleet.settings = ORDERS
