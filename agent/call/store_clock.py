"""The clock of the store that keeps a call's lease, between the moments at which the store tells its time. Pure."""

from collections import deque

_TELLINGS = 10
"""So many of the last times that the store has told are kept. Both clocks run alike for so long."""


class StoreClock:
    """Goes on from the times of the lease's last changes. `now` is `time.monotonic()`, in seconds.

    A time that the store has told is late by the store's way to answer. So the one that was told soonest counts.
    """

    def __init__(self) -> None:
        self._told = 0.0
        self._ahead: deque[float] = deque([0.0], maxlen=_TELLINGS)
        """How much the store's clock was ahead of `now` each time, in seconds."""

    def told(self, changed_at: float, now: float) -> None:
        """The lease has this time, on the store's clock. A lease that hasn't changed says nothing new."""
        if changed_at == self._told:
            return
        if self._told == 0.0:
            self._ahead.clear()
        self._told = changed_at
        self._ahead.append(changed_at - now)

    def at(self, now: float) -> float:
        """The time on the store's clock."""
        return now + max(self._ahead)
