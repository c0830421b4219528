"""Has a link's state kept for another process: tells when a new snapshot is due, and keeps the ring of sound up to date.

A snapshot is due whenever the state changes in what another process must know, and every `_PLAYS_S` while an answer is heard.
"""

import asyncio
from collections.abc import Callable

from agent.gemini.continuation import Continuation
from agent.gemini.sound_ring import SoundRing

_PLAYS_S = 0.5
"""Words that are heard between two snapshots are said again by another process."""
_TAIL_S = 0.5
"""The end of an answer reaches the caller within this after its sound was due."""


class StateRecorder:
    """The recorder of one link.

    Args:
        continuation: what another process goes on with.
        tell: called when a snapshot is due, in the event loop. It must not raise.
        ring: for the caller's sound. None: it isn't kept.
    """

    def __init__(self, continuation: Continuation, tell: Callable[[], None], ring: SoundRing | None) -> None:
        self._continuation = continuation
        self._tell = tell
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._mark: tuple[object, ...] = ()
        self._timer: asyncio.TimerHandle | None = None
        self._ahead = 0
        """The ring has so many bytes of sound more than the link: an earlier link's. Negative: the link has more."""
        if ring is not None:
            self._ahead = ring.written - continuation.sound_bytes
            continuation.keep_sound(ring.write)

    def look(self) -> None:
        """Something may have changed."""
        if self._ring is not None:
            self._ring.understood(self._ahead + self._continuation.understood_until)
        if (mark := self._continuation.mark) != self._mark:
            self._mark = mark
            self._tell()
        if self._timer is None and self._loop.time() < self._continuation.plays_until + _TAIL_S:
            self._timer = self._loop.call_later(_PLAYS_S, self._plays)

    def close(self) -> None:
        """The conversation is over: nothing is told any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _plays(self) -> None:
        self._timer = None
        self._tell()
        self.look()
