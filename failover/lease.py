"""The lease of a call: which process answers in a room. Pure: a lease, an event and `now` in, the lease after it out.

Rows are events, columns states, cells the next state; a dot: the event is refused. A lease that is written down as HELD,
OFFERED or CLAIMED is LAPSED when its time is over: LAPSES_S without a renewal, CLAIM_S after a claim.

    event      (none)   HELD     LAPSED   CLAIMED  OFFERED
    acquire    HELD     .        HELD     HELD     .        a process begins or goes on with the call
    renew      HELD     HELD     HELD     .        OFFERED  by its holder alone; the store may have lost all it had
    lapse      .        LAPSED   LAPSED   .        LAPSED   somebody knows that its holder is dead
    claim      .        .        CLAIMED  .        .        a watch will have the call dispatched
    adopt      CLAIMED  .        .        .        .        a watch will have an agent dispatched for a caller who has none
    offer      .        OFFERED  .        .        OFFERED  its holder wants another process to go on with the call
    succeed    .        .        .        .        HELD     that process has joined, and its time begins
    release    .        (none)   (none)   .        (none)   by its holder alone: the call has ended
    drop       .        .        (none)   (none)   .        nobody is left in the room, or the room has been told

Every claim, and every process that takes the lease, raises the generation. Renew, offer and release name the generation that
the process was given, so a process whose lease has been claimed never gets it back, however late it comes. Claim and drop name
the generation that the watch has seen. Acquire and succeed by the process that has the lease already renew it: the answer to
its first request was lost.

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
    OFFERED = "offered"


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
class Offer:
    """The holder asks for another process for its call."""

    holder: str
    generation: int


@dataclass(frozen=True)
class Succeed:
    """A process takes the call that its holder offers."""

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


Event = Acquire | Renew | Lapse | Claim | Adopt | Offer | Succeed | Release | Drop


class Refusal(enum.Enum):
    """The answer to an event that the lease doesn't allow."""

    REFUSED = "refused"


TABLE: dict[type[Event], dict[State | None, State | None]] = {
    Acquire: {None: State.HELD, State.LAPSED: State.HELD, State.CLAIMED: State.HELD},
    Renew: {None: State.HELD, State.HELD: State.HELD, State.LAPSED: State.HELD, State.OFFERED: State.OFFERED},
    Lapse: {State.HELD: State.LAPSED, State.LAPSED: State.LAPSED, State.OFFERED: State.LAPSED},
    Claim: {State.LAPSED: State.CLAIMED},
    Adopt: {None: State.CLAIMED},
    Offer: {State.HELD: State.OFFERED, State.OFFERED: State.OFFERED},
    Succeed: {State.OFFERED: State.HELD},
    Release: {State.HELD: None, State.LAPSED: None, State.OFFERED: None},
    Drop: {State.LAPSED: None, State.CLAIMED: None},
}


def lapses_at(lease: Lease) -> float:
    """The time from which a lease is LAPSED if nothing changes it, on the store's clock."""
    match lease.state:
        case State.LAPSED:
            return lease.changed_at
        case State.CLAIMED:
            return lease.changed_at + CLAIM_S
        case State.HELD | State.OFFERED:
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


def _holds_already(lease: Lease, state: State | None, event: Event) -> bool:
    return isinstance(event, Acquire | Succeed) and state is State.HELD and lease.holder == event.holder


def _is_meant(lease: Lease, state: State | None, event: Event) -> bool:
    """Whether the event is about this lease, and not about an earlier one of the room."""
    match event:
        case Renew(known):
            return (known.holder, known.generation) == (lease.holder, lease.generation)
        case Offer() | Release():
            return (event.holder, event.generation) == (lease.holder, lease.generation)
        case Lapse(holder):
            return holder == lease.holder
        case Claim(generation):
            return generation == lease.generation and lease.takeovers < MOST_TAKEOVERS
        case Drop(generation):
            return generation == lease.generation
        case Acquire() | Succeed() | Adopt():
            return state is not State.LAPSED or lease.takeovers < MOST_TAKEOVERS


def _changed(lease: Lease | None, event: Event, after: State, now: float) -> Lease:
    if isinstance(event, Renew):
        return replace(lease or event.lease, state=after, changed_at=now)
    if isinstance(event, Adopt):
        return Lease(event.room, after, "", event.worker, generation=1, takeovers=1, changed_at=now)
    if lease is None:
        assert isinstance(event, Acquire)
        return Lease(event.room, after, event.holder, event.worker, generation=1, takeovers=0, changed_at=now)
    changed = replace(lease, state=after, changed_at=now)
    if isinstance(event, Acquire | Succeed):
        changed = replace(changed, holder=event.holder, worker=event.worker)
    if isinstance(event, Acquire | Succeed | Claim):
        changed = replace(changed, generation=lease.generation + 1)
    if isinstance(event, Claim) or (isinstance(event, Acquire) and as_of(lease, now).state is State.LAPSED):
        changed = replace(changed, takeovers=lease.takeovers + 1)
    return changed
