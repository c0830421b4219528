"""What a conversation will do and when. Pure: it is told the time."""

import heapq
import itertools
from collections.abc import Callable

Act = Callable[[float], None]


class Agenda:
    """Acts by time; those of one topic can be struck off together."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, str, Act]] = []
        self._order = itertools.count()

    def at(self, when: float, topic: str, act: Act) -> None:
        """Plan an act. It is called with the time it was planned for; equal times keep their order."""
        heapq.heappush(self._due, (when, next(self._order), topic, act))

    def strike(self, topic: str) -> bool:
        """Drop all acts of a topic; says whether there were any."""
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
        """Do what is due by `now`, and what that makes due."""
        while self._due and self._due[0][0] <= now:
            when, _, _, act = heapq.heappop(self._due)
            act(when)
