"""The places of sound in a call's recording: when the caller's arrived, and when the agent's was heard. Pure.

All times are `time.monotonic()`, in seconds.
"""

from collections import deque
from dataclasses import dataclass, field

_JUMP_S = 0.1
"""Sound that arrives so much later or earlier than the sound before it makes expect begins a new stretch."""
_STEADY_S = 0.015
"""All of the last batches came so much later, or earlier, than their places: the places are wrong, not the arrivals."""
_EXACT_S = 0.002
"""In silence, a place is wrong by so much at most."""
_BATCHES, _SILENT_BATCHES = 12, 3
"""So many batches say where the sound belongs, in speech and in silence."""
ON_ITS_WAY_S = 0.2
"""The sound of a room's output that is lost when it pauses (docs/facts.md L480)."""
MOST_SEGMENTS = 8
"""Answers of which sound waits to be heard at once. LiveKit has one; then the oldest is dropped."""


@dataclass(frozen=True)
class PlacedSound:
    """Sound and the time at which it began."""

    start: float
    pcm: bytes


class ArrivedSound:
    """Places the caller's sound: batches of frames of 16 bits, each with the time at which its last frame arrived.

    Frames arrive a little early or late, so that a batch is put right after the one before. The batch that arrived soonest says
    where they all belong: in silence they are put there, and in speech only if they are far from it. Sound from before the
    connection arrives all at once: it ends when it arrives. What would lie over earlier sound is left out.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._end: float | None = None
        self._offsets: deque[float] = deque(maxlen=_BATCHES)
        """How much later than their places the last batches arrived."""
        self._batch = bytearray()
        """The sound that has no place yet."""
        self._batch_ends = 0.0

    def arrived(self, pcm: bytes, now: float) -> None:
        """A frame has arrived."""
        self._batch += pcm
        self._batch_ends = now

    def take(self, *, is_silent: bool) -> list[PlacedSound]:
        """The frames since this was asked last, with their place. `is_silent`: nobody speaks in them."""
        batch, self._batch = bytes(self._batch), bytearray()
        placed = self.place(batch, self._batch_ends, is_silent=is_silent) if batch else None
        return [] if placed is None else [placed]

    def place(self, pcm: bytes, arrived_at: float, *, is_silent: bool = False) -> PlacedSound | None:
        """The batch with its place. None: there is earlier sound in all of its place.

        Args:
            pcm: The sound of the batch.
            arrived_at: The time at which its end arrived.
            is_silent: Nobody speaks in it.
        """
        duration_s = len(pcm) / 2 / self._rate_hz
        start = arrived_at - duration_s
        if self._end is not None:
            offset = start - self._end
            self._offsets.append(offset)
            if abs(offset) <= _JUMP_S:
                start = self._end + self._correction(is_silent=is_silent)
            else:
                self._offsets.clear()
            late_s = max(self._end - start, 0.0)
            skipped = round(late_s * self._rate_hz)
            pcm, start = pcm[2 * skipped :], start + skipped / self._rate_hz
        if not pcm:
            return None
        self._end = start + len(pcm) / 2 / self._rate_hz
        return PlacedSound(start, pcm)

    def _correction(self, *, is_silent: bool) -> float:
        """The change of place that brings the sound back to when it arrives."""
        least, most = min(self._offsets), max(self._offsets)
        change = 0.0
        if is_silent and len(self._offsets) >= _SILENT_BATCHES and abs(least) > _EXACT_S:
            change = least
        elif len(self._offsets) == _BATCHES:
            change = least if least > _STEADY_S else most if most < -_STEADY_S else 0.0
        self._offsets = deque((offset - change for offset in self._offsets), maxlen=_BATCHES)
        return change


class BackgroundSound:
    """Collects the sound that plays beside the agent's voice: frames of 16 bits, each with the time at which it is heard."""

    def __init__(self) -> None:
        self.rate_hz = 1
        self._waiting: list[tuple[float, bytearray]] = []
        """What wasn't taken yet, by its beginning."""
        self._spans: list[tuple[float, float]] = []
        """The beginnings and ends that weren't taken yet."""

    def played(self, pcm: bytes, rate_hz: int, at: float) -> None:
        """Take a frame. All have the same rate."""
        self.rate_hz = rate_hz
        end = at + len(pcm) / 2 / rate_hz
        follows = bool(self._spans) and abs(at - self._spans[-1][1]) <= _EXACT_S
        if follows:
            self._spans[-1] = (self._spans[-1][0], end)
        else:
            self._spans.append((at, end))
        if follows and self._waiting:
            self._waiting[-1][1].extend(pcm)
        else:
            self._waiting.append((at, bytearray(pcm)))

    def take(self) -> list[PlacedSound]:
        """The sound since this was asked last."""
        taken, self._waiting = self._waiting, []
        return [PlacedSound(start, bytes(pcm)) for start, pcm in taken]

    def over(self, now: float) -> list[tuple[float, float]]:
        """From when to when it has played, where it is over and wasn't asked for."""
        ended = [span for span in self._spans if span[1] < now]
        self._spans = self._spans[len(ended) :]
        return ended


@dataclass
class _Segment:
    """The sound of one answer."""

    waiting: bytearray = field(default_factory=bytearray)
    """The sound after `taken`."""
    runs: list[tuple[int, float]] = field(default_factory=list)
    """Each stretch without a gap: the byte that it begins with, and when that is heard. Those that are past are dropped."""
    taken: int = 0
    """Bytes that `take` has returned."""
    is_cut: bool = False
    resumes: int | None = None
    """The byte that is heard next after a pause in which it has stopped."""
    lost: int = 0
    """Bytes that pauses have taken away."""

    def lose_until(self, position: int) -> None:
        """The byte that playing goes on with: sound before it that wasn't taken was dropped, and isn't heard."""
        skipped = position - self.taken
        del self.waiting[:skipped]
        self.taken += skipped
        self.lost += skipped

    @property
    def captured(self) -> int:
        """The number of bytes that were captured so far."""
        return self.taken + len(self.waiting)


class HeardSound:
    """Places the agent's sound: it is captured faster than it plays, then plays without a gap, pauses, or is cut off.

    Positions are bytes of 16 bit mono sound. Only what has been heard is returned.

    An output that is told to pause stops a little later: `played` says where. It plays on if all of its sound is on its way.
    """

    def __init__(self, rate_hz: int) -> None:
        self._bytes_per_s = 2 * rate_hz
        self._segments: deque[_Segment] = deque(maxlen=MOST_SEGMENTS)
        self._is_open = False
        self._paused_at: float | None = None
        self._captured_in_time = 0
        """The captured bytes of the oldest answer when the output was told to pause: none of the later ones is on its way."""

    def captured(self, pcm: bytes, now: float) -> None:
        """More sound is on its way to the caller."""
        if not self._is_open:
            self._segments.append(_Segment())
            self._is_open = True
        segment = self._segments[-1]
        if segment.runs and self._paused_at is None:
            begins, at = segment.runs[-1]
            if now > at + (segment.captured - begins) / self._bytes_per_s:
                segment.runs.append((segment.captured, now))  # it had run dry
        segment.waiting += pcm

    def flushed(self) -> None:
        """The answer has no more sound."""
        self._is_open = False

    def started(self, at: float) -> None:
        """The caller hears the beginning of the oldest answer at this time."""
        segment = next((each for each in self._segments if not each.runs), None)
        if segment is not None:
            segment.runs.append((0, at))

    def pauses(self, now: float) -> None:
        """The output is told to pause."""
        if self._paused_at is None:
            self._paused_at = now
            self._captured_in_time = self._segments[0].captured if self._segments else 0

    def played(self, until_s: float) -> list[PlacedSound]:
        """The output has played the oldest answer until there, and has stopped. Returns what is new of it."""
        segment = self._segments[0] if self._segments else None
        if self._paused_at is None or segment is None or not segment.runs or segment.is_cut or segment.resumes is not None:
            return []
        stopped = min(self._whole(until_s), segment.captured)
        resumes = min(stopped + self._whole(ON_ITS_WAY_S), self._captured_in_time)
        segment.resumes = max(resumes, stopped, segment.taken)
        return self._until(segment, stopped)

    def goes_on(self, now: float) -> None:
        """The output plays again."""
        segment = self._segments[0] if self._segments else None
        if segment is not None and segment.resumes is not None and not segment.is_cut:
            segment.lose_until(segment.resumes)
            segment.runs, segment.resumes = [(segment.resumes, now)], None
        self._paused_at = None

    def cut(self, now: float) -> list[PlacedSound]:
        """Nothing more is heard of what was captured. Returns what has been heard until now."""
        heard = self.take(now)
        for segment in self._segments:
            segment.is_cut = True
        return heard

    def finished(self, position_s: float) -> list[PlacedSound]:
        """The oldest answer is over, after this much of its sound. Returns what is new of it."""
        if not self._segments:
            return []
        segment = self._segments.popleft()
        if not self._segments:
            self._is_open = False
        end = min(self._whole(position_s) + segment.lost, segment.captured)
        return [] if segment.is_cut and end <= segment.taken else self._until(segment, end)

    def take(self, now: float) -> list[PlacedSound]:
        """The sound that has been heard since this was asked last."""
        heard: list[PlacedSound] = []
        is_paused = self._paused_at is not None
        now = now if self._paused_at is None else min(now, self._paused_at)
        for segment in self._segments:
            if segment.runs and not segment.is_cut and segment.resumes is None:
                begins, at = segment.runs[-1]
                most = self._captured_in_time if is_paused else segment.captured
                heard += self._until(segment, min(begins + self._whole(max(now - at, 0.0)), most))
        return heard

    def _until(self, segment: _Segment, end: int) -> list[PlacedSound]:
        """The sound before a byte that wasn't returned yet, run by run."""
        found: list[PlacedSound] = []
        for index, (begins, at) in enumerate(segment.runs):
            stops = segment.runs[index + 1][0] if index + 1 < len(segment.runs) else segment.captured
            first, last = segment.taken, min(stops, end)
            if begins <= first < last:
                found.append(PlacedSound(at + (first - begins) / self._bytes_per_s, bytes(segment.waiting[: last - first])))
                del segment.waiting[: last - first]
                segment.taken = last
        while len(segment.runs) > 1 and segment.runs[1][0] <= segment.taken:
            del segment.runs[0]
        return found

    def _whole(self, duration_s: float) -> int:
        return 2 * round(duration_s * self._bytes_per_s / 2)
