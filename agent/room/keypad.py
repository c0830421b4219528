"""Keys that a caller presses on a telephone, on their way to a turn. Pure."""

from collections import deque
from collections.abc import Callable

KEYS = "0123456789*#ABCD"
"""The keys of a telephone in the order of their codes, RFC 4733."""
BURST_S = 1.5
"""Keys that come closer together are one turn; # ends it at once."""
LONGEST_BURST = 32
"""Keys; the rest of a longer burst is dropped."""


class Keypad:
    """Collects bursts. `now` is in seconds, on one clock."""

    def __init__(self) -> None:
        self._keys = ""
        self._due_at: float | None = None

    @property
    def is_pressed(self) -> bool:
        """Whether a burst has begun that isn't taken."""
        return self._due_at is not None

    @property
    def due_at(self) -> float | None:
        """The time at which `take` has something; None: never."""
        return self._due_at

    def press(self, key: str, now: float) -> None:
        """A key was pressed; what isn't one is passed over."""
        if key not in KEYS or len(key) != 1:
            return
        if len(self._keys) < LONGEST_BURST:
            self._keys += key
        self._due_at = now if key == "#" else now + BURST_S

    def take(self, now: float) -> str:
        """The burst that is complete, or nothing."""
        if self._due_at is None or now < self._due_at:
            return ""
        keys, self._keys, self._due_at = self._keys, "", None
        return keys


class EarlyKeys:
    """Keys that were pressed before it was known whose count, with the time and the identity of each: the newest."""

    def __init__(self) -> None:
        self._pressed: deque[tuple[float, str, str]] = deque(maxlen=LONGEST_BURST)

    def press(self, identity: str, key: str, now: float) -> None:
        """A key was pressed."""
        self._pressed.append((now, identity, key))

    def since(self, at: float, is_caller: Callable[[str], bool]) -> list[tuple[str, float]]:
        """The caller's keys that were pressed at that time or later, with the time of each."""
        return [(key, now) for now, identity, key in self._pressed if now >= at and is_caller(identity)]
