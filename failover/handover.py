"""Hands a call over from one live process to another: what each of the two does next. Pure.

The process that has the call, by what happens (rows) in each stage (columns); a dot: nothing changes.

    event    KEEPS    OFFERS   AWAITS   GIVES    LEAVES
    asked    OFFERS   .        .        .        .        the call is to be handed over
    ready    .        AWAITS   .        .        .        another process is in the room and stands by
    pause    .        .        GIVES    .        .        a moment has come in which the change isn't heard
    given    .        .        .        LEAVES   .        the lease and the last checkpoint are the other one's
    missed   .        KEEPS    KEEPS    KEEPS    .        nobody came within COMES_WITHIN_S, it has left, or the store is away

The process that was dispatched to take the call, by the lease of the room (rows):

    lease             at first   after it stood by
    (none)            ACQUIRE    LEAVE
    HELD: itself      ACQUIRE    ACQUIRE
    HELD: another     LEAVE      LEAVE
    LAPSED            ACQUIRE    ACQUIRE
    CLAIMED           ACQUIRE    ACQUIRE
    ASKED             LEAVE      LEAVE
    OFFERED           STAND_BY   STAND_BY
    READY: itself     WAIT       WAIT
    READY: another    LEAVE      LEAVE
    GIVEN: to itself  SUCCEED    SUCCEED
    GIVEN: another    LEAVE      LEAVE

A lease is gone when its call has ended, so who stood by for it leaves. One that is held again is no longer offered. Held by the
process itself: the answer to its first request was lost.
"""

import enum

from failover.lease import Lease, State

COMES_WITHIN_S = 12.0
"""A process that is dispatched stands by within this: a dispatch takes up to 4 s, joining 1 s, and a worker that has just
started needs some seconds more until it has a process."""
SEEN_WITHIN_S = 3.0
"""The room shows a process within this after it has joined."""
SETTLED_S = 0.3
"""The length of a pause, in seconds, before the call is given away: nobody speaks, waits for an answer or owes one."""
PATIENCE_S = 30.0
"""After so long without such a moment, one is enough in which nobody speaks and no tool runs, though an answer is owed."""


class Stage(enum.Enum):
    """What the process that has the call does about its hand-over."""

    KEEPS = enum.auto()
    OFFERS = enum.auto()
    AWAITS = enum.auto()
    GIVES = enum.auto()
    LEAVES = enum.auto()


class Event(enum.Enum):
    """What happens to the process that has the call."""

    ASKED = enum.auto()
    READY = enum.auto()
    PAUSE = enum.auto()
    GIVEN = enum.auto()
    MISSED = enum.auto()


class Pause(enum.IntEnum):
    """How good a moment is for the change from one process to the other. Higher ones are better."""

    NONE = 0
    """The caller or the agent speaks, or a tool runs."""
    SILENT = 1
    """The model owes an answer, nobody speaks and no tool runs. The other process asks for the answer again."""
    QUIET = 2
    """Neither side speaks, waits for an answer or owes one."""


class Step(enum.Enum):
    """What the process that was dispatched does next."""

    ACQUIRE = enum.auto()
    STAND_BY = enum.auto()
    WAIT = enum.auto()
    SUCCEED = enum.auto()
    LEAVE = enum.auto()


TABLE: dict[Event, dict[Stage, Stage]] = {
    Event.ASKED: {Stage.KEEPS: Stage.OFFERS},
    Event.READY: {Stage.OFFERS: Stage.AWAITS},
    Event.PAUSE: {Stage.AWAITS: Stage.GIVES},
    Event.GIVEN: {Stage.GIVES: Stage.LEAVES},
    Event.MISSED: dict.fromkeys((Stage.OFFERS, Stage.AWAITS, Stage.GIVES), Stage.KEEPS),
}


_STEPS = {State.LAPSED: Step.ACQUIRE, State.CLAIMED: Step.ACQUIRE, State.OFFERED: Step.STAND_BY}
_OWN_STEPS = {**_STEPS, State.HELD: Step.ACQUIRE, State.READY: Step.WAIT, State.GIVEN: Step.SUCCEED}
"""Steps if the lease names the process itself."""


class HandOver:
    """The hand-over of one call, at the process that has it. `now` is in seconds, monotonic."""

    def __init__(self) -> None:
        self.stage = Stage.KEEPS
        self._since = 0.0
        """When the stage began."""
        self._quiet_since: float | None = None
        self._has_come = False
        """The process that stands by was seen in the room."""

    def on(self, event: Event, now: float) -> bool:
        """Something has happened. Returns whether the stage is another one now."""
        after = TABLE[event].get(self.stage)
        if after is None:
            return False
        self.stage, self._since, self._quiet_since, self._has_come = after, now, None, False
        return True

    def is_missed(self, lease: Lease, *, is_there: bool, now: float) -> bool:
        """Whether it has come to nothing.

        Args:
            lease: the lease of the call.
            is_there: the process that stands by is in the room.
            now: the time.
        """
        if self.stage is Stage.OFFERS:
            return now - self._since >= COMES_WITHIN_S
        if self.stage is not Stage.AWAITS:
            return False
        is_late = self._has_come or now - self._since >= SEEN_WITHIN_S
        self._has_come = is_there
        return lease.state is not State.READY or (is_late and not is_there)

    def is_due(self, pause: Pause, now: float) -> bool:
        """Whether the call is given away at this moment; asked again and again while the stage is AWAITS."""
        if not self._has_come:
            return False
        if pause is not Pause.QUIET:
            self._quiet_since = None
            return pause is Pause.SILENT and now - self._since >= PATIENCE_S
        self._quiet_since = now if self._quiet_since is None else self._quiet_since
        return now - self._quiet_since >= SETTLED_S


def next_step(lease: Lease | None, own: str, *, has_stood_by: bool) -> Step:
    """What a process that was dispatched does about the lease of its room.

    Args:
        lease: the lease as it is now.
        own: the identity of the process's agent.
        has_stood_by: it has stood by for the call before.
    """
    if lease is None:
        return Step.LEAVE if has_stood_by else Step.ACQUIRE
    named = lease.holder if lease.state is State.HELD else lease.successor
    return (_OWN_STEPS if named == own else _STEPS).get(lease.state, Step.LEAVE)
