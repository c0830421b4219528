"""The lease of a call: which process answers in a room. Pure: a lease, an event and `now` in, the lease after it out.

Rows are events, columns states, cells the next state; a dot: the event is refused. LAPSED isn't written anywhere: a lease is it
when nobody has renewed it for LAPSES_S, or a claim has stayed without a process for CLAIM_S.

    event      (none)   HELD     LAPSED   CLAIMED  OFFERED
    acquire    HELD     .        HELD     HELD     .        a process begins or goes on with the call
    renew      .        HELD     HELD     .        OFFERED  by its holder alone
    lapse      .        LAPSED   LAPSED   .        LAPSED   somebody knows that its holder is dead
    claim      .        .        CLAIMED  .        .        a watch will have the call dispatched
    offer      .        OFFERED  .        .        .        its holder wants another process to go on with the call
    succeed    .        .        .        .        HELD     that process has joined, and its time begins
    release    .        (none)   (none)   .        (none)   by its holder alone: the call has ended
    drop       .        .        (none)   (none)   .        nobody is left in the room, or the room has been told
"""

import enum
from dataclasses import dataclass

RENEWED_EVERY_S = 1.0
LAPSES_S = 2.5
CLAIM_S = 6.0
"""A dispatched process has this long to acquire the lease."""
MOST_TAKEOVERS = 3


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
    """1 for the first holder; each further one has a higher number. A process with a lower one has lost the lease."""
    takeovers: int
    """How often a process has gone on with the call of one that died. Offers don't count."""
    changed_at: float
    """The time of the last event, on the store's clock, in seconds."""
