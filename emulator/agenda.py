"""Planned acts by time, and model turns that wait for one another. Pure: time is an argument, in seconds."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable

Act = Callable[[float], None]

_MOST_WAITING_TURNS = 16


class Agenda:
    """Acts by time. Each has a topic, and all acts of a topic can be cancelled together."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, str, Act]] = []
        self._order = itertools.count()

    def at(self, when: float, topic: str, act: Act) -> None:
        """Plan an act, which is called with the time that it was planned for. Equal times keep their order."""
        heapq.heappush(self._due, (when, next(self._order), topic, act))

    def cancel(self, topic: str) -> bool:
        """Drop all acts of a topic; returns whether there were any."""
        kept = [entry for entry in self._due if entry[2] != topic]
        dropped = len(kept) < len(self._due)
        if dropped:
            self._due = kept
            heapq.heapify(self._due)
        return dropped

    def holds(self, topic: str) -> bool:
        return any(entry[2] == topic for entry in self._due)

    @property
    def next_at(self) -> float | None:
        return self._due[0][0] if self._due else None

    def run(self, now: float) -> None:
        """Do all acts that are due by `now`, also those that are planned meanwhile."""
        while self._due and self._due[0][0] <= now:
            when, _, _, act = heapq.heappop(self._due)
            act(when)


class TurnQueue:
    """Model turns that begin one after the other, each when `is_free` says so. Beyond sixteen the oldest is dropped."""

    def __init__(self, is_free: Callable[[], bool]) -> None:
        self._is_free = is_free
        self._turns: deque[tuple[str, Act]] = deque(maxlen=_MOST_WAITING_TURNS)

    def add(self, topic: str, act: Act, now: float) -> None:
        """Begin a turn now if nobody speaks, or else put it at the end of the queue."""
        self._turns.append((topic, act))
        self.begin_next(now)

    def begin_next(self, now: float) -> None:
        """Begin the first turn of the queue, if nobody speaks."""
        if self._turns and self._is_free():
            _, act = self._turns.popleft()
            act(now)

    def cancel(self, topic: str) -> None:
        """Drop all turns of a topic."""
        kept = [turn for turn in self._turns if turn[0] != topic]
        self._turns.clear()
        self._turns.extend(kept)
