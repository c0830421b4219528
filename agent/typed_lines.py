"""Keeps lines that were typed until they are taken. Pure: `now` in seconds, on one clock.

Bounds: five lines in ten seconds from each sender, ten seconds for each line, and a number of senders. A line that isn't the
caller's waits as well: the human who typed it may become the caller within that time.
"""

from collections import deque
from dataclasses import dataclass, field

BURST = 5
"""Lines that a sender may type at once."""
EVERY_S = 2.0
"""After that, one line in this time, in seconds."""
KEPT_S = 10.0
"""A line waits for this long, in seconds."""
MOST_SENDERS = 16
"""The sender who was silent for longest is forgotten for a new one."""


class Rate:
    """BURST events at once, then one in EVERY_S."""

    def __init__(self) -> None:
        self._left = float(BURST)
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Whether one more is allowed now."""
        since_s = 0.0 if self._at is None else now - self._at
        self._at = now
        self._left = min(self._left + since_s / EVERY_S, BURST)
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass(frozen=True)
class TypedLine:
    identity: str
    text: str
    until: float
    """When it is too old."""


@dataclass
class _Sender:
    rate: Rate = field(default_factory=Rate)
    lines: deque[TypedLine] = field(default_factory=lambda: deque(maxlen=2 * BURST))


class TypedLines:
    """The lines of one room."""

    def __init__(self) -> None:
        self._senders: dict[str, _Sender] = {}

    def add(self, identity: str, text: str, now: float) -> bool:
        """Keep a line; False if it is one too many of its sender's."""
        sender = self._senders.pop(identity, None) or _Sender()
        if len(self._senders) == MOST_SENDERS:
            del self._senders[next(iter(self._senders))]
        self._senders[identity] = sender
        if not sender.rate.take(now):
            return False
        sender.lines.append(TypedLine(identity, text, now + KEPT_S))
        return True

    @property
    def due_at(self) -> float | None:
        """When `expired` has something."""
        return min((line.until for line in self.waiting()), default=None)

    def expired(self, now: float) -> list[TypedLine]:
        """Lines that are too old. They are not kept any more."""
        found = [line for line in self.waiting() if line.until <= now]
        for line in found:
            self.remove(line)
        return found

    def waiting(self) -> list[TypedLine]:
        """All lines, the oldest first."""
        return sorted((line for sender in self._senders.values() for line in sender.lines), key=lambda line: line.until)

    def remove(self, line: TypedLine) -> None:
        """The line was taken."""
        self._senders[line.identity].lines.remove(line)
