"""Sounds for benchmarks: a question with sharp edges and no pauses, an answer of constant loudness. Mono int16."""

import numpy as np

from caller.ear import Samples, spans
from speech import synthesize

ANSWER_RATE_HZ = 24000
_QUESTION = "Would you be so kind as to tell me what the weather is going to be like in the mountains on the day after tomorrow"
_LOUD_RMS = 1000.0
_LONGEST_PAUSE_S = 0.2
_FROM_HZ, _HZ_PER_S = 500.0, 200.0
_AMPLITUDE = 8000


def question(seconds: float, rate_hz: int) -> Samples:
    """Speech that begins and ends loud. Pauses in it are shorter than any voice activity detection waits."""
    said = synthesize(f"{_QUESTION} {_QUESTION} {_QUESTION}", sample_rate_hz=rate_hz)
    block = rate_hz // 100
    levels = np.sqrt(np.mean(said[: len(said) // block * block].astype(np.float32).reshape(-1, block) ** 2, axis=1))
    loud = np.flatnonzero(levels >= _LOUD_RMS)
    last = int(loud[loud < loud[0] + seconds * 100][-1])
    said = said[int(loud[0]) * block : (last + 1) * block]
    assert len(spans(said, sample_rate_hz=rate_hz, pause_s=_LONGEST_PAUSE_S)) == 1
    return said


def answer(seconds: float) -> Samples:
    """A rising tone at 24 kHz: an ear finds its beginning and its end to the sample."""
    at_s = np.arange(int(seconds * ANSWER_RATE_HZ)) / ANSWER_RATE_HZ
    return (_AMPLITUDE * np.sin(2 * np.pi * (_FROM_HZ + _HZ_PER_S / 2 * at_s) * at_s)).astype(np.int16)
