"""The push-to-talk button: which of the caller's sound belongs to an activity. Pure."""

from collections import deque
from dataclasses import dataclass

PRE_ROLL_S = 0.3
"""Sound from so long before the press is sent as well.

A word begins with the press, softly, and the press comes over the network by another way than the sound.
"""
_MOST_CHUNKS = 300
"""Never reached: a third of a second of the shortest chunks."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk of the caller's sound."""

    pcm: bytes
    duration_s: float
    at: float
    """The time at which it came, all of it."""

    @property
    def middle_at(self) -> float:
        """The time at which the middle of it was spoken, but for the way here."""
        return self.at - self.duration_s / 2


class Button:
    """The push-to-talk button: which sound belongs to an activity."""

    def __init__(self) -> None:
        self.is_held = False
        self.has_sound = False
        """Sound has come since the button was pressed."""
        self._before: deque[Chunk] = deque(maxlen=_MOST_CHUNKS)
        """The newest `PRE_ROLL_S` of sound while the button isn't held; the oldest goes."""

    def press(self, now: float) -> None:
        """Hold the button. Pressed again, it stays held."""
        if not self.is_held:
            self.is_held, self.has_sound = True, False
            self._forget_before(now)

    def release(self) -> bool:
        """Let the button go. Returns whether that ends an activity: it was held, and sound has come."""
        ends = self.is_held and self.has_sound
        self.is_held = False
        return ends

    def sound_in(self, chunk: Chunk) -> list[Chunk]:
        """The chunks that are to be sent now that this one has come: none while the button isn't held."""
        if not self.is_held:
            self._before.append(chunk)
            self._forget_before(chunk.at)
            return []
        chunks = [*self._before, chunk]
        self._before.clear()
        self.has_sound = True
        return chunks

    def forget_pre_roll(self) -> None:
        """Forget what came before the press."""
        self._before.clear()

    def forget_sound(self, *, has_sent: bool) -> None:
        """Forget what came since the press, too. `has_sent`: some of it is with the model already."""
        self.forget_pre_roll()
        self.has_sound = has_sent

    def _forget_before(self, now: float) -> None:
        """Keep no more than `PRE_ROLL_S`; sound of before the call comes all at once, and is as old as it is long."""
        while self._before and (self._before[0].middle_at < now - PRE_ROLL_S or self._middle_s > PRE_ROLL_S):
            self._before.popleft()

    @property
    def _middle_s(self) -> float:
        """The sound since the middle of the oldest chunk, in seconds."""
        return sum(chunk.duration_s for chunk in self._before) - self._before[0].duration_s / 2
