"""Finds the stretches of voice in sound, by its loudness. Pure.

Sound is looked at in chunks of 10 ms. A stretch begins with the first of six loud chunks in a row, and ends with the last loud
chunk before 0.4 s without one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CHUNK_S = 0.01
LEAST_LEVEL = 120.0
"""Mean of 16 bit samples' sizes, about -47 dBFS: quieter is silence in any room."""
_ONSET_CHUNKS = 6
_PAUSE_S = 0.4
_JUMP_S = 0.005
"""Sound that begins so much after the sound before it has silence in between."""


@dataclass(frozen=True)
class Span:
    """A stretch of voice, in seconds. `end_s` is infinite while it goes on."""

    start_s: float
    end_s: float = math.inf


def levels(samples: npt.NDArray[np.int16], rate_hz: int) -> npt.NDArray[np.float32]:
    """The mean size of the samples in each whole chunk."""
    chunk = round(CHUNK_S * rate_hz)
    whole = samples[: len(samples) // chunk * chunk].astype(np.float32).reshape(-1, chunk)
    found: npt.NDArray[np.float32] = np.abs(whole).mean(axis=1)
    return found


class VoiceSpans:
    """Follows one channel. Sound comes in order, and with the time of its beginning."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        """The newest one may go on."""
        self._rest: npt.NDArray[np.int16] = np.zeros(0, dtype=np.int16)
        """Sound of less than a chunk."""
        self._ends_s = -math.inf
        """The end of the sound so far."""
        self._loud_chunks = 0
        self._loud_since_s = 0.0
        self._last_loud_s = -math.inf

    def hear(self, samples: npt.NDArray[np.int16], rate_hz: int, start_s: float) -> None:
        """Take the sound that begins at that time."""
        if abs(start_s - self._ends_s) > _JUMP_S:
            self._rest, self._loud_chunks = self._rest[:0], 0
        begins_s = start_s - len(self._rest) / rate_hz
        sound = np.concatenate([self._rest, samples])
        found = levels(sound, rate_hz)
        self._rest = sound[len(found) * round(CHUNK_S * rate_hz) :]
        self._ends_s = start_s + len(samples) / rate_hz
        self.hear_levels(found.tolist(), begins_s)

    def hear_levels(self, found: Sequence[float], begins_s: float) -> None:
        """Take the loudness of chunks, the first of which begins at that time."""
        for index, level in enumerate(found):
            self._hear_chunk(begins_s + index * CHUNK_S, is_loud=level > LEAST_LEVEL)

    def passed(self, now_s: float) -> None:
        """Take note of the time, in seconds since the call began: a stretch ends after a pause without sound."""
        if self._goes_on and now_s - self._last_loud_s > _PAUSE_S:
            self._end()

    @property
    def _goes_on(self) -> bool:
        return bool(self.spans) and self.spans[-1].end_s == math.inf

    def _hear_chunk(self, at_s: float, *, is_loud: bool) -> None:
        self.passed(at_s)
        if not is_loud:
            self._loud_chunks = 0
            return
        if self._loud_chunks == 0:
            self._loud_since_s = at_s
        self._loud_chunks += 1
        if self._goes_on:
            self._last_loud_s = at_s + CHUNK_S
        elif self._loud_chunks == _ONSET_CHUNKS:
            self.spans.append(Span(self._loud_since_s))
            self._last_loud_s = at_s + CHUNK_S

    def _end(self) -> None:
        self.spans[-1] = Span(self.spans[-1].start_s, self._last_loud_s)
