"""The clock of the store that keeps a call's lease, between the moments at which the store tells its time."""

import time
from collections import deque
from collections.abc import Awaitable
from typing import TypeVar

from failover.lease import Lease

L = TypeVar("L", Lease, Lease | None)

_TELLINGS = 10
"""So many of the last times that the store has told are kept. Both clocks run alike for so long."""


class StoreClock:
    """Goes on from the times of the lease's last changes. `now` is `time.monotonic()`, in seconds.

    The store reads its clock after it was asked, by its way there: the change that it made soonest counts. The moment of its
    answer says less, because an event loop that is busy comes late to it.
    """

    def __init__(self) -> None:
        self._told = 0.0
        self._ahead: deque[float] = deque([0.0], maxlen=_TELLINGS)
        """How much the store's clock was ahead of `now` each time, in seconds, at most."""

    def told(self, changed_at: float, asked_at: float) -> None:
        """The lease has this time, on the store's clock. A lease that hasn't changed says nothing new.

        Args:
            changed_at: The time of the lease's last change.
            asked_at: The time at which the store was asked for that change.
        """
        if changed_at == self._told:
            return
        if self._told == 0.0:
            self._ahead.clear()
        self._told = changed_at
        self._ahead.append(changed_at - asked_at)

    async def told_by(self, change: Awaitable[L]) -> L:
        """Have the store make a change of the lease, which tells its time."""
        asked_at = time.monotonic()
        lease = await change
        if lease is not None:
            self.told(lease.changed_at, asked_at)
        return lease

    def at(self, now: float) -> float:
        """The time on the store's clock."""
        return now + min(self._ahead)
