"""What a conversation will do and when, and the turns that wait for the floor. Pure: it is told the time."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable

Act = Callable[[float], None]

_MOST_WAITING_TURNS = 16


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


class Waiting:
    """Turns that begin one after the other, each when the floor is free; beyond sixteen the oldest is forgotten."""

    def __init__(self, is_free: Callable[[], bool]) -> None:
        self._is_free = is_free
        self._turns: deque[tuple[str, Act]] = deque(maxlen=_MOST_WAITING_TURNS)

    def add(self, topic: str, act: Act, now: float) -> None:
        """Begin a turn now, or when its time comes."""
        self._turns.append((topic, act))
        self.begin_next(now)

    def begin_next(self, now: float) -> None:
        """The floor may be free now."""
        if self._turns and self._is_free():
            _, act = self._turns.popleft()
            act(now)

    def strike(self, topic: str) -> None:
        """Forget those of a topic."""
        kept = [turn for turn in self._turns if turn[0] != topic]
        self._turns.clear()
        self._turns.extend(kept)
