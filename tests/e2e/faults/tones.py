"""Speech whose place can be read from its sound: marker n is 200 ms of a tone of its own. Pure.

Frequencies survive Opus, resampling and jitter buffers that stretch time; so what a recording holds of a sequence can be read
marker by marker: what is there, when, how often, and what isn't. Sound that is no marker is somebody's voice.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

from caller.ear import AUDIBLE_RMS, Samples

MARKER_S = 0.2
MOST_MARKERS = 120

_FIRST_HZ, _STEP_HZ = 500.0, 25.0
_AMPLITUDE = 8000.0
_FADE_S = 0.005
_READ_RATE_HZ = 12000
_BLOCK_S, _WINDOW_S = 0.01, 0.05
_BINS = 4096
_LOBE_HZ = 60.0
_TONE_SHARE = 0.75
"""Of the energy near one frequency, in a tone; a voice has several."""
_SHORTEST_S = 0.05
_SILENT, _VOICE = -1, -2
_HEARD_SHARE = 0.4
"""A marker of which less is heard is lost; a jitter buffer may take some of it."""


@dataclass(frozen=True)
class Stretch:
    """A marker, or with None a voice, from when to when; in seconds of the recording."""

    marker: int | None
    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


def sound(markers: Iterable[int], *, sample_rate_hz: int) -> Samples:
    """Speak markers one after the other, without a click between them."""
    each = round(MARKER_S * sample_rate_hz)
    hz = np.repeat([_FIRST_HZ + _STEP_HZ * marker for marker in markers], each)
    spoken = _AMPLITUDE * np.sin(2 * np.pi * np.cumsum(hz) / sample_rate_hz)
    fade = np.linspace(0, 1, round(_FADE_S * sample_rate_hz))
    spoken[: len(fade)] *= fade
    spoken[len(spoken) - len(fade) :] *= fade[::-1]
    return spoken.astype(np.int16)


def read(samples: Samples, *, sample_rate_hz: int) -> list[Stretch]:
    """What a recording holds, in order; silence is what is left out."""
    if len(samples) < sample_rate_hz * _WINDOW_S:
        return []
    blocks = _without_blips(_classified(samples, sample_rate_hz))
    edges = np.flatnonzero(np.diff(blocks, prepend=_SILENT - 10, append=_SILENT - 10))
    return [
        Stretch(None if blocks[start] == _VOICE else int(blocks[start]), float(start * _BLOCK_S), float(end * _BLOCK_S))
        for start, end in itertools.pairwise(edges)
        if blocks[start] != _SILENT
    ]


def lost(markers: Iterable[int], heard: Sequence[Stretch]) -> list[int]:
    """Those that were not heard, or hardly."""
    return [
        marker
        for marker in markers
        if sum(stretch.duration_s for stretch in heard if stretch.marker == marker) < _HEARD_SHARE * MARKER_S
    ]


def repeated_s(markers: Iterable[int], heard: Sequence[Stretch]) -> float:
    """For how long words were heard that had been passed already. A word that a jitter buffer stretches is none of them."""
    wanted, furthest, last, found = set(markers), -1, -1, 0.0
    for stretch in heard:
        if stretch.marker is None or stretch.marker not in wanted:
            continue
        if stretch.marker < furthest or (stretch.marker == furthest and stretch.marker != last):
            found += stretch.duration_s
        furthest, last = max(furthest, stretch.marker), stretch.marker
    return found


def silences(heard: Sequence[Stretch]) -> list[Stretch]:
    """The pauses between what was heard; `marker` is the one after which the pause came."""
    return [
        Stretch(before.marker, before.end_s, after.start_s)
        for before, after in itertools.pairwise(heard)
        if after.start_s > before.end_s
    ]


def _classified(samples: Samples, sample_rate_hz: int) -> npt.NDArray[np.int_]:
    """For each 10 ms: which marker, a voice, or silence."""
    level = _levels(samples, sample_rate_hz)
    slow = soxr.resample(samples.astype(np.float32), sample_rate_hz, _READ_RATE_HZ)
    window, hop = round(_WINDOW_S * _READ_RATE_HZ), round(_BLOCK_S * _READ_RATE_HZ)
    padded = np.pad(slow, ((window - hop) // 2, window))
    views = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop][: len(level)]
    found = np.full(len(level), _SILENT)
    audible = np.flatnonzero(level >= AUDIBLE_RMS)
    for part in np.array_split(audible, len(audible) // 500 + 1):  # of spectra, only so many at once
        if len(part):
            found[part] = _identified(views[part])
    return found


def _identified(windows: npt.NDArray[np.float32]) -> npt.NDArray[np.int_]:
    power = np.abs(np.fft.rfft(windows * np.hanning(windows.shape[1]), _BINS)) ** 2
    bin_hz = _READ_RATE_HZ / _BINS
    peak = np.argmax(power, axis=1)
    lobe = round(_LOBE_HZ / bin_hz)
    sums = np.cumsum(np.pad(power, ((0, 0), (1, 0))), axis=1)
    rows = np.arange(len(power))
    near = sums[rows, np.minimum(peak + lobe + 1, power.shape[1])] - sums[rows, np.maximum(peak - lobe, 0)]
    marker = np.round((peak * bin_hz - _FIRST_HZ) / _STEP_HZ).astype(np.int_)
    is_tone = (near >= _TONE_SHARE * sums[:, -1]) & (marker >= 0) & (marker < MOST_MARKERS)
    return np.where(is_tone, marker, _VOICE)


def _without_blips(blocks: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
    """A voice passes through tones, and a cut tone ends in a noise: what is too short to be a marker goes to its neighbour."""
    edges = np.flatnonzero(np.diff(blocks, prepend=_SILENT - 10, append=_SILENT - 10))
    runs = [(int(blocks[start]), int(end - start)) for start, end in itertools.pairwise(edges)]
    shortest = round(_SHORTEST_S / _BLOCK_S)
    kept = [what == _SILENT or length >= shortest for what, length in runs]
    told: list[int] = []
    for index, (what, length) in enumerate(runs):
        beside = [runs[other][0] for other in (index - 1, index + 1) if 0 <= other < len(runs) and kept[other]]
        sounding = [other for other in beside if other != _SILENT]
        told += [what if kept[index] else sounding[0] if sounding else _VOICE] * length
    return np.array(told, dtype=np.int_)


def _levels(samples: Samples, sample_rate_hz: int) -> npt.NDArray[np.float32]:
    block = round(_BLOCK_S * sample_rate_hz)
    whole = samples[: len(samples) // block * block].astype(np.float32).reshape(-1, block)
    levels: npt.NDArray[np.float32] = np.sqrt(np.mean(whole**2, axis=1))
    return levels
