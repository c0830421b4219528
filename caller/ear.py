"""Detects onsets and silences in sound. Pure: samples and times in, onsets and silences out.

Sound is mono int16. A 10 ms block is audible above -50 dBFS RMS; inside the first audible block the onset is found to the
sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

AUDIBLE_RMS = 104.0
"""-50 dBFS."""
SILENCE_S = 0.4
"""Quiet for this long means silent; shorter pauses belong to the speech."""

_GAP_IN_STREAM_S = 0.2
_STRETCH_BLOCKS = 3
_LONGEST_RECORDING_S = 3600.0


@dataclass(frozen=True)
class Span:
    """A stretch of sound, in seconds."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Onset:
    t: float


@dataclass(frozen=True)
class Silence:
    t: float
    """The last audible moment, not the moment of the decision."""


class Ear:
    """Listens to one track, frame by frame, and keeps what it heard."""

    def __init__(self, *, sample_rate_hz: int, start: float) -> None:
        self.sample_rate_hz = sample_rate_hz
        self._start = start
        self._recorded: list[Samples] = []
        self._recorded_samples = 0
        self._last_audible: float | None = None
        self._sounding = False

    @property
    def sounding(self) -> bool:
        """Whether the track sounds, pauses of up to `SILENCE_S` included."""
        return self._sounding

    @property
    def recording(self) -> Samples:
        """Everything since `start`, silence included; the first hour of it."""
        return np.concatenate([np.zeros(0, dtype=np.int16), *self._recorded])

    def restart(self, start: float) -> None:
        """Begin the recording at that time, and forget the one before."""
        self._start, self._recorded, self._recorded_samples = start, [], 0

    def hear(self, samples: Samples, at: float) -> list[Onset | Silence]:
        """Take a frame whose first sample arrived at `at`. Returns what it changed, oldest first."""
        self._record(samples, at)
        heard: list[Onset | Silence] = []
        block = self.sample_rate_hz // 100
        for offset in range(0, len(samples), block):
            change = self._hear_block(samples[offset : offset + block], at + offset / self.sample_rate_hz)
            if change is not None:
                heard.append(change)
        return heard

    def track_ended(self) -> list[Onset | Silence]:
        """The track is gone: whatever sounded is silent now."""
        if not self._sounding or self._last_audible is None:
            return []
        self._sounding = False
        return [Silence(self._last_audible)]

    def _hear_block(self, block: Samples, at: float) -> Onset | Silence | None:
        if _rms(block) >= AUDIBLE_RMS:
            self._last_audible = at + len(block) / self.sample_rate_hz
            if self._sounding:
                return None
            self._sounding = True
            return Onset(at + _first_audible(block) / self.sample_rate_hz)
        if self._sounding and self._last_audible is not None and at - self._last_audible >= SILENCE_S:
            self._sounding = False
            return Silence(self._last_audible)
        return None

    def _record(self, samples: Samples, at: float) -> None:
        recorded_s = self._recorded_samples / self.sample_rate_hz
        missing_s = at - self._start - recorded_s
        if missing_s > _GAP_IN_STREAM_S or (self._recorded_samples == 0 and missing_s > 0):
            self._keep(np.zeros(int(missing_s * self.sample_rate_hz), dtype=np.int16))
        self._keep(samples)

    def _keep(self, samples: Samples) -> None:
        room = int(_LONGEST_RECORDING_S * self.sample_rate_hz) - self._recorded_samples
        kept = samples[: max(room, 0)]
        self._recorded.append(kept)
        self._recorded_samples += len(kept)


def mixed(recordings: Sequence[Samples], shortest: int = 0) -> Samples:
    """The sum of recordings that begin at the same time, with silence after their end up to so many samples."""
    length = max([shortest, *map(len, recordings)])
    if len(recordings) == 1:
        return np.concatenate([recordings[0], np.zeros(length - len(recordings[0]), dtype=np.int16)])
    total = np.zeros(length, dtype=np.int32)
    for recording in recordings:
        total[: len(recording)] += recording
    return np.clip(total, -32768, 32767).astype(np.int16)


def spans(samples: Samples, *, sample_rate_hz: int, pause_s: float = SILENCE_S) -> list[Span]:
    """The stretches of sound in a recording; pauses shorter than `pause_s` don't divide one."""
    audible = np.flatnonzero(_block_rms(samples, sample_rate_hz) >= AUDIBLE_RMS)
    return _joined(audible.tolist(), pause_s)


def dropouts(heard: Samples, spoken: Samples, *, sample_rate_hz: int) -> list[Span]:
    """The stretches in which a recording is silent although the spoken utterance isn't.

    The two are laid on each other by their loudness, 10 ms by 10 ms, so Opus and jitter buffers don't matter; a jitter
    buffer may stretch time by some milliseconds, so a block counts as lost only if the neighbours within 30 ms are silent too:
    holes are found from 70 ms on.

    Args:
        heard: the recording, with the utterance somewhere in it.
        spoken: the utterance as it was synthesised, at the same rate.
        sample_rate_hz: of both.

    Returns:
        Spans in seconds from the start of the utterance, in order.
    """
    heard_rms, spoken_rms = _block_rms(heard, sample_rate_hz), _block_rms(spoken, sample_rate_hz)
    padded = np.pad(heard_rms, (0, len(spoken_rms)))
    lag = int(np.argmax(np.correlate(np.log1p(padded), np.log1p(spoken_rms) - np.log1p(spoken_rms).mean(), "valid")))
    aligned = padded[lag : lag + len(spoken_rms)]
    around = np.lib.stride_tricks.sliding_window_view(np.pad(aligned, _STRETCH_BLOCKS), 2 * _STRETCH_BLOCKS + 1).max(axis=1)
    lost = np.flatnonzero((spoken_rms >= AUDIBLE_RMS * 2) & (around < AUDIBLE_RMS))
    stretch_s = _STRETCH_BLOCKS / 100
    return [Span(max(span.start_s - stretch_s, 0), span.end_s + stretch_s) for span in _joined(lost.tolist(), 2 * stretch_s)]


def _joined(blocks: list[int], pause_s: float) -> list[Span]:
    """Spans from the ordered indices of 10 ms blocks; gaps shorter than `pause_s` don't divide one."""
    found: list[Span] = []
    for index in blocks:
        start_s, end_s = index / 100, (index + 1) / 100
        if found and start_s - found[-1].end_s < pause_s:
            found[-1] = Span(found[-1].start_s, end_s)
        else:
            found.append(Span(start_s, end_s))
    return found


def _rms(block: Samples) -> float:
    return float(np.sqrt(np.mean(block.astype(np.float32) ** 2))) if len(block) else 0.0


def _first_audible(block: Samples) -> int:
    return int(np.argmax(np.abs(block.astype(np.int32)) >= AUDIBLE_RMS))


def _block_rms(samples: Samples, sample_rate_hz: int) -> npt.NDArray[np.float32]:
    block = sample_rate_hz // 100
    whole = samples[: len(samples) // block * block].astype(np.float32).reshape(-1, block)
    return np.sqrt(np.mean(whole**2, axis=1)) if len(whole) else np.zeros(0, dtype=np.float32)
