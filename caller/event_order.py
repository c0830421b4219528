"""Puts events in the order of their times. Pure: events and `now` in, events out.

Some events are noticed late: a silence 0.4 s after the last sound, a speech's end up to 10 ms before it. Each event is held
for a moment, so that one that happened before it and is noticed after it comes first.
"""

import dataclasses
import heapq
import itertools

from caller.events import Event

HOLD_S = 0.6
"""Seconds for which an event is held: longer than `caller.ear.SILENCE_S`, by which a silence is noticed late."""


class EventOrder:
    """Holds events, and gives them back with times that never go backwards.

    An event that is noticed more than `HOLD_S` late comes with the time of the event before it.
    """

    def __init__(self) -> None:
        self._held: list[tuple[float, int, Event]] = []
        """A heap, bounded by the events of `HOLD_S`."""
        self._count = itertools.count()
        self._given_t = float("-inf")

    def put(self, event: Event) -> None:
        """Hold an event."""
        heapq.heappush(self._held, (event.t, next(self._count), event))

    @property
    def next_at(self) -> float | None:
        """The time at which the next event is due; None: none is held."""
        return self._held[0][0] + HOLD_S if self._held else None

    def due(self, now: float) -> list[Event]:
        """Take the events that have been held for long enough, in order."""
        return self._taken(now - HOLD_S)

    def rest(self) -> list[Event]:
        """Take all events that are held, in order."""
        return self._taken(float("inf"))

    def _taken(self, until_t: float) -> list[Event]:
        taken = []
        while self._held and self._held[0][0] <= until_t:
            event = heapq.heappop(self._held)[2]
            self._given_t = max(event.t, self._given_t)
            taken.append(event if event.t == self._given_t else dataclasses.replace(event, t=self._given_t))
        return taken
