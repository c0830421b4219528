"""Keeps lines that were typed until they are taken. Pure: `now` in seconds, on one clock.

Bounds: five lines at once and then one in two seconds from each sender, ten lines that wait, ten seconds for each line, and a
number of senders. A line that isn't the caller's waits as well: the human who typed it may become the caller within that time.
"""

from collections import deque
from dataclasses import dataclass, field

BURST = 5
"""Lines that a sender may type at once."""
EVERY_S = 2.0
"""After BURST lines, a sender may type one line in this time, in seconds."""
KEPT_S = 10.0
"""A line waits for this long, in seconds."""
MOST_KEPT = 10
"""Lines of one sender that wait. Then the new ones are refused."""
MOST_SENDERS = 16
"""The sender who was silent for longest is forgotten for a new one, with the lines that wait; never the caller."""


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
    """The time at which the line is too old."""


@dataclass
class _Sender:
    rate: Rate = field(default_factory=Rate)
    lines: deque[TypedLine] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))


class TypedLines:
    """The lines of one room."""

    def __init__(self) -> None:
        self._senders: dict[str, _Sender] = {}

    def add(self, identity: str, text: str, now: float, *, caller: str = "") -> list[TypedLine]:
        """Keep a line. `caller` is the caller's identity. Returns the lines that are lost: this one, a forgotten sender's."""
        lost: list[TypedLine] = []
        sender = self._senders.pop(identity, None) or _Sender()
        if len(self._senders) == MOST_SENDERS:
            longest_silent = next(who for who in self._senders if who != caller)
            lost += self._senders.pop(longest_silent).lines
        self._senders[identity] = sender
        line = TypedLine(identity, text, now + KEPT_S)
        if len(sender.lines) < MOST_KEPT and sender.rate.take(now):
            sender.lines.append(line)
        else:
            lost.append(line)
        return lost

    @property
    def due_at(self) -> float | None:
        """The time at which `expired` has something; None: never."""
        return min((line.until for line in self.waiting()), default=None)

    def expired(self, now: float) -> list[TypedLine]:
        """Lines that are too old. They are not kept any more."""
        found = [line for line in self.waiting() if line.until <= now]
        for line in found:
            self.remove(line)
        return found

    def forget_before(self, at: float) -> None:
        """Another process has answered the lines that came before that time."""
        for line in self.waiting():
            if line.until - KEPT_S < at:
                self.remove(line)

    def waiting(self) -> list[TypedLine]:
        """All lines, the oldest first."""
        return sorted((line for sender in self._senders.values() for line in sender.lines), key=lambda line: line.until)

    def remove(self, line: TypedLine) -> None:
        """The line was taken. One that is lost already is passed over."""
        sender = self._senders.get(line.identity)
        if sender is not None and line in sender.lines:
            sender.lines.remove(line)
