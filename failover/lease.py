"""The lease of a call: which process answers in a room. Pure: a lease, an event and `now` in, the lease after it out.

Rows are events, columns states, cells the next state; a dot: the event is refused. A lease that is written down in another
state is LAPSED when its time is over: LAPSES_S without a renewal, CLAIM_S after a claim, LAPSES_S after it was given away.

    event     (none)   HELD     LAPSED   CLAIMED  ASKED    OFFERED  READY    GIVEN
    acquire   HELD     .        HELD     HELD     .        .        .        .        a process begins or goes on with the call
    renew     HELD     HELD     HELD     .        ASKED    OFFERED  READY    .        by its holder; the store may have lost it
    lapse     .        LAPSED   LAPSED   .        LAPSED   LAPSED   LAPSED   .        somebody knows that its holder is dead
    claim     .        .        CLAIMED  .        .        .        .        .        a watch will have the call dispatched
    adopt     CLAIMED  .        .        .        .        .        .        .        the same for a caller without an agent
    ask       .        ASKED    .        .        ASKED    .        .        .        its holder is asked to hand it over
    offer     .        OFFERED  .        .        OFFERED  OFFERED  .        .        by its holder: another process may come
    stand_by  .        .        .        .        .        READY    READY    .        that process has joined the room
    withdraw  .        HELD     .        .        HELD     HELD     HELD     .        by its holder, which keeps the call
    give      .        .        .        .        .        .        GIVEN    .        by its holder, which says nothing more
    succeed   .        .        .        .        .        .        .        HELD     by the process that stands by
    release   .        (none)   (none)   .        (none)   (none)   (none)   .        by its holder alone: the call has ended
    drop      .        .        (none)   (none)   .        .        .        .        nobody is left, or the room has been told

Every claim, and every process that takes the lease, raises the generation. The events of a holder name the generation that the
process was given, so a process whose lease has been claimed never gets it back, however late it comes. Claim and drop name the
generation that the watch has seen. Acquire and succeed by the process that has the lease already renew it: the answer to its
first request was lost.

A call always ends: claims, adoptions, and processes that take a lapsed lease without a claim, are counted in `takeovers`. At
MOST_TAKEOVERS both are refused, and what is left is a renewal by a holder that was only slow, or the drop.
"""

import enum
from dataclasses import dataclass, replace

RENEWED_EVERY_S = 1.0
LAPSES_S = 2.5
CLAIM_S = 6.0
"""A dispatched process has this long to acquire the lease."""
MOST_TAKEOVERS = 3
EXPIRES_S = 2 * 60 * 60.0
"""A lease that no event has changed for so long is deleted, with its checkpoint."""


class State(enum.Enum):
    """What a lease that is written down says."""

    HELD = "held"
    LAPSED = "lapsed"
    CLAIMED = "claimed"
    ASKED = "asked"
    OFFERED = "offered"
    READY = "ready"
    GIVEN = "given"


HOLDER_LIVES = frozenset({State.HELD, State.ASKED, State.OFFERED, State.READY})
"""States in which the holder answers the call. Its death is the end of each."""
HANDED_OVER = frozenset({State.ASKED, State.OFFERED, State.READY, State.GIVEN})
"""States in which the hand-over to another process is under way."""


@dataclass(frozen=True)
class Lease:
    """A call, and who answers it."""

    room: str
    """The name of its room."""
    state: State
    holder: str
    """The identity of the agent that holds it, or held it last. Each job has its own."""
    worker: str
    """The id of the worker process whose job that is."""
    generation: int
    """1 for the first holder; each claim and each further holder has a higher number."""
    takeovers: int
    """How often the call had to be given to another process because one was lost. Offers don't count."""
    changed_at: float
    """The time of the last event, on the store's clock, in seconds."""
    successor: str = ""
    """READY and GIVEN: the identity of the agent that stands by. Otherwise empty."""


@dataclass(frozen=True)
class Acquire:
    """A process begins the call in a room, or goes on with it."""

    room: str
    holder: str
    worker: str


@dataclass(frozen=True)
class Renew:
    """The holder is alive. Its lease comes back if the store has lost it, as a Redis that saves nothing does at its restart."""

    lease: Lease


@dataclass(frozen=True)
class Lapse:
    """The holder is known to be dead."""

    holder: str


@dataclass(frozen=True)
class Claim:
    """A watch that has seen this generation takes charge of having the call dispatched."""

    generation: int


@dataclass(frozen=True)
class Adopt:
    """A watch takes charge of having an agent dispatched into a room that has no lease."""

    room: str
    worker: str


@dataclass(frozen=True)
class Ask:
    """The holder is to hand its call over to another process."""

    holder: str


@dataclass(frozen=True)
class Offer:
    """The holder asks for another process for its call."""

    holder: str
    generation: int


@dataclass(frozen=True)
class StandBy:
    """A process is in the room, and can take the call that is offered."""

    holder: str


@dataclass(frozen=True)
class Withdraw:
    """The holder keeps its call after all."""

    holder: str
    generation: int


@dataclass(frozen=True)
class Give:
    """The holder gives the call to the process that stands by."""

    holder: str
    generation: int


@dataclass(frozen=True)
class Succeed:
    """The process that stands by takes the call that it was given."""

    holder: str
    worker: str


@dataclass(frozen=True)
class Release:
    """The call has ended."""

    holder: str
    generation: int


@dataclass(frozen=True)
class Drop:
    """A watch that has seen this generation forgets the call."""

    generation: int


Event = Acquire | Renew | Lapse | Claim | Adopt | Ask | Offer | StandBy | Withdraw | Give | Succeed | Release | Drop


class Refusal(enum.Enum):
    """The answer to an event that the lease doesn't allow."""

    REFUSED = "refused"


_KEPT: dict[State | None, State | None] = {state: state for state in HOLDER_LIVES}

TABLE: dict[type[Event], dict[State | None, State | None]] = {
    Acquire: {None: State.HELD, State.LAPSED: State.HELD, State.CLAIMED: State.HELD},
    Renew: {**_KEPT, None: State.HELD, State.LAPSED: State.HELD},
    Lapse: dict.fromkeys((*HOLDER_LIVES, State.LAPSED), State.LAPSED),
    Claim: {State.LAPSED: State.CLAIMED},
    Adopt: {None: State.CLAIMED},
    Ask: {State.HELD: State.ASKED, State.ASKED: State.ASKED},
    Offer: dict.fromkeys((State.HELD, State.ASKED, State.OFFERED), State.OFFERED),
    StandBy: {State.OFFERED: State.READY, State.READY: State.READY},
    Withdraw: dict.fromkeys(HOLDER_LIVES, State.HELD),
    Give: {State.READY: State.GIVEN},
    Succeed: {State.GIVEN: State.HELD},
    Release: dict.fromkeys((*HOLDER_LIVES, State.LAPSED)),
    Drop: {State.LAPSED: None, State.CLAIMED: None},
}


def lapses_at(lease: Lease) -> float:
    """The time from which a lease is LAPSED if nothing changes it, on the store's clock."""
    match lease.state:
        case State.LAPSED:
            return lease.changed_at
        case State.CLAIMED:
            return lease.changed_at + CLAIM_S
    return lease.changed_at + LAPSES_S


def as_of(lease: Lease, now: float) -> Lease:
    """The lease with the state that it has at `now`."""
    return lease if now < lapses_at(lease) else replace(lease, state=State.LAPSED)


def change(lease: Lease | None, event: Event, now: float) -> Lease | Refusal | None:
    """The lease after an event; None: there is no lease any more."""
    state = None if lease is None else as_of(lease, now).state
    if lease is not None and _holds_already(lease, state, event):
        return replace(lease, changed_at=now)
    if state not in TABLE[type(event)] or (lease is not None and not _is_meant(lease, state, event)):
        return Refusal.REFUSED
    after = TABLE[type(event)][state]
    return None if after is None else _changed(lease, event, after, now)


def holders_generation(event: Event) -> int | None:
    """The generation that an event of a lease's holder names; None: the event is somebody else's."""
    match event:
        case Renew(known):
            return known.generation
        case Offer() | Withdraw() | Give() | Release():
            return event.generation
    return None


def _holds_already(lease: Lease, state: State | None, event: Event) -> bool:
    return isinstance(event, Acquire | Succeed) and state is State.HELD and lease.holder == event.holder


def _is_meant(lease: Lease, state: State | None, event: Event) -> bool:
    """Whether the event is about this lease, and not about an earlier one of the room."""
    is_worn = lease.takeovers >= MOST_TAKEOVERS
    match event:
        case (
            Renew(Lease(holder=holder, generation=generation))
            | Offer(holder, generation)
            | Withdraw(holder, generation)
            | Give(holder, generation)
            | Release(holder, generation)
        ):
            return (holder, generation) == (lease.holder, lease.generation)
        case Lapse(holder) | Ask(holder):
            return holder == lease.holder
        case StandBy(holder):
            return holder == lease.successor or (state is State.OFFERED and holder != lease.holder)
        case Succeed(holder):
            return holder == lease.successor
        case Claim(generation) | Drop(generation):
            return generation == lease.generation and not (is_worn and isinstance(event, Claim))
    return not (is_worn and state is State.LAPSED)


def _changed(lease: Lease | None, event: Event, after: State, now: float) -> Lease:
    if isinstance(event, Adopt):
        return Lease(event.room, after, "", event.worker, generation=1, takeovers=1, changed_at=now)
    if lease is None and isinstance(event, Acquire):
        return Lease(event.room, after, event.holder, event.worker, generation=1, takeovers=0, changed_at=now)
    before = event.lease if isinstance(event, Renew) and lease is None else lease
    assert before is not None
    changed = replace(before, state=after, changed_at=now, successor=_successor(before, event, after))
    if isinstance(event, Acquire | Succeed):
        changed = replace(changed, holder=event.holder, worker=event.worker)
    if isinstance(event, Acquire | Succeed | Claim):
        changed = replace(changed, generation=before.generation + 1)
    if isinstance(event, Claim) or (isinstance(event, Acquire) and as_of(before, now).state is State.LAPSED):
        changed = replace(changed, takeovers=before.takeovers + 1)
    return changed


def _successor(before: Lease, event: Event, after: State) -> str:
    if isinstance(event, StandBy):
        return event.holder
    return before.successor if after in {State.READY, State.GIVEN} else ""
