"""The adaptive jitter buffer: payloads in as the network brings them, 10 ms chunks out on time. Pure.

It works on RTP timestamps, not on sequence numbers: one byte of payload is one unit of the clock (codecs.py), so packets of any
length fall into the same 10 ms grid, a packet that came three times fills its place once, and silence suppression is a hole of
the right length. Two seconds of sound are kept at most: of a call that rings nobody pulls any.

A packet's transit is its arrival minus its place in the stream. The smallest of the last seconds is the base, the spread above
it is the jitter, and sound is played so much later that nearly all of it has come by then.
"""

import math
from collections import deque
from dataclasses import dataclass

CHUNK_S = 0.01
CHUNK_BYTES = 80

_WINDOW_PACKETS = 250
_ON_TIME = 0.98
_MARGIN_S = 0.02  # sound is pulled 20 ms at a time
_SHORTEST_DELAY_S = 0.04
_LONGEST_DELAY_S = 0.25
_SPARE_S = 0.02
_SPARE_IN_SPEECH_S = 0.08
_CHUNKS_BETWEEN_CHANGES = 5
_MOST_CHUNKS = 100
_MOST_WAITING = 200  # beyond, the oldest go
_OTHER_STREAM_S = 1.0
_UNITS = 1 << 32


@dataclass(frozen=True, slots=True)
class Pulled:
    """A chunk that is played now."""

    payload: bytes | None
    """The chunk's bytes; None if it is missing, or if the buffer needs more time: conceal it."""
    seam: bool = False
    """Whether the chunk before it was taken out."""


@dataclass(slots=True)
class Counts:
    arrived: int = 0
    late: int = 0
    missing: int = 0
    """Chunks that were concealed although later ones were there."""


class JitterBuffer:
    """The jitter buffer of one incoming stream of sound."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.delay_s = _SHORTEST_DELAY_S
        """The target delay, above the fastest packet's transit."""
        self._transits: deque[float] = deque(maxlen=_WINDOW_PACKETS)
        self._chunks: dict[int, bytes] = {}
        self._last_timestamp: int | None = None
        self._next: int | None = None
        self._units = self._since_change = 0

    def __len__(self) -> int:
        """Chunks that wait."""
        return len(self._chunks)

    def put(self, timestamp: int, payload: bytes, now: float) -> None:
        """Take a packet's payload. One that isn't whole chunks is dropped: no codec of ours sends such."""
        if not payload or len(payload) % CHUNK_BYTES or len(payload) > _MOST_CHUNKS * CHUNK_BYTES:
            return
        place = self._place(timestamp)
        if len(self._transits) > 0 and abs(now - place * CHUNK_S - self._base()) > _OTHER_STREAM_S:
            self.restart()
            place = self._place(timestamp)
        self.counts.arrived += 1
        self._transits.append(now - place * CHUNK_S)
        self._aim()
        for offset in range(len(payload) // CHUNK_BYTES):
            if self._next is not None and place + offset < self._next:
                self.counts.late += 1
            else:
                self._chunks[place + offset] = payload[offset * CHUNK_BYTES : (offset + 1) * CHUNK_BYTES]
        while len(self._chunks) > _MOST_WAITING:
            del self._chunks[min(self._chunks)]

    def pull(self, now: float, *, quiet: bool) -> Pulled:
        """The chunk that is played at `now`. Call it once every 10 ms of playing time.

        Args:
            now: when it is played; the same clock as `put`'s.
            quiet: whether what was played last was. Sound is best shortened there.
        """
        if not self._transits:
            return Pulled(None)
        if self._next is None:
            self._next = math.floor((now - self._base() - self.delay_s) / CHUNK_S)
            for place in [place for place in self._chunks if place < self._next]:
                del self._chunks[place]
        self._since_change += 1
        spare_s = now - self._next * CHUNK_S - self._base() - self.delay_s
        if spare_s < -CHUNK_S:
            self._since_change = 0
            return Pulled(None)
        seam = self._skip(spare_s, quiet=quiet)
        chunk = self._chunks.pop(self._next, None)
        self._next += 1
        self.counts.missing += chunk is None and bool(self._chunks)
        return Pulled(chunk, seam)

    def _skip(self, spare_s: float, *, quiet: bool) -> bool:
        """Take out a chunk if sound is played later than it has to be."""
        assert self._next is not None
        long_ago = self._since_change >= _CHUNKS_BETWEEN_CHANGES
        if not long_ago or spare_s < (_SPARE_S if quiet else _SPARE_IN_SPEECH_S):
            return False
        self._chunks.pop(self._next, None)
        self._next += 1
        self._since_change = 0
        return True

    def _place(self, timestamp: int) -> int:
        """The chunk, counted from the stream's first, that begins at an RTP timestamp."""
        if self._last_timestamp is None:
            self._last_timestamp = timestamp
        ahead = (timestamp - self._last_timestamp + _UNITS // 2) % _UNITS - _UNITS // 2
        self._last_timestamp = timestamp
        self._units += ahead
        return (self._units + CHUNK_BYTES // 2) // CHUNK_BYTES

    def _aim(self) -> None:
        spread = sorted(self._transits)[min(int(_ON_TIME * len(self._transits)), len(self._transits) - 1)] - self._base()
        self.delay_s = min(max(spread + _MARGIN_S, _SHORTEST_DELAY_S), _LONGEST_DELAY_S)

    def _base(self) -> float:
        return min(self._transits)

    def restart(self) -> None:
        """Forget the stream: another one follows."""
        self._transits.clear()
        self._chunks.clear()
        self._last_timestamp = self._next = None
        self._units = self._since_change = 0
