"""PCM in, start and end of speech out: the service's voice activity detection. Pure, on the clock of the received samples.

A 10 ms block is speech when it is loud enough in itself and well above the room's noise. Enough speech starts an activity,
enough silence *as audio* ends it: if a client simply stops sending, no end ever comes (docs/facts.md G5).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emulator.messages import ActivityDetection
from emulator.profile import Profile

RATE_HZ = 16000
Samples = npt.NDArray[np.int16]

_BLOCK = RATE_HZ // 100
_BLOCK_S = 0.01
_MIN_RMS = 180.0
_MIN_RMS_LOW_SENSITIVITY = 500.0
_ABOVE_NOISE = 3.0
_NOISE_RISE = 1.005
_MOST_NOISE_RMS = 1000.0
_BLIP_BLOCKS = 3
_SLOW_END = 1.5


@dataclass(frozen=True)
class Started:
    """The caller has begun to speak."""

    offset_s: float
    """The beginning of the speech, in seconds of received audio."""


@dataclass(frozen=True)
class Ended:
    """The caller has stopped to speak."""

    offset_s: float
    """The end of the speech, in seconds of received audio."""
    speech_s: float
    """Seconds from the beginning of the speech to its end."""


class Hearing:
    """The voice activity detection of one connection."""

    def __init__(self, vad: ActivityDetection, profile: Profile) -> None:
        start, end = vad.start_of_speech_sensitivity, vad.end_of_speech_sensitivity
        low_start = start == "START_SENSITIVITY_LOW" or (start is None and profile.hearing.low_sensitivity)
        slow_end = end == "END_SENSITIVITY_LOW" or (end is None and profile.hearing.low_sensitivity)
        padding_ms = profile.hearing.prefix_padding_ms if vad.prefix_padding_ms is None else vad.prefix_padding_ms
        silence_ms = profile.hearing.silence_ms if vad.silence_duration_ms is None else vad.silence_duration_ms
        if vad.silence_duration_ms is None and slow_end:
            silence_ms = int(silence_ms * _SLOW_END)
        self._min_rms = _MIN_RMS_LOW_SENSITIVITY if low_start else _MIN_RMS
        self._blocks_to_start = max(padding_ms // 10, 1)
        self._blocks_to_end = max(silence_ms // 10, 1)
        self._rest: Samples = np.zeros(0, dtype=np.int16)
        self._blocks = 0
        self._noise_rms = 0.0
        self._speech_blocks = self._quiet_blocks = self._loud_run = 0
        self._first_speech = self._last_speech = 0
        self.active = False

    @property
    def offset_s(self) -> float:
        return self._blocks * _BLOCK_S

    def feed(self, samples: Samples) -> list[Started | Ended]:
        """Take samples at 16 kHz; returns the starts and ends of speech that they bring, oldest first."""
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // _BLOCK
        self._rest = samples[whole * _BLOCK :]
        blocks = samples[: whole * _BLOCK].astype(np.float32).reshape(whole, _BLOCK)
        found = [self._feed_block(rms) for rms in np.sqrt(np.mean(blocks**2, axis=1)).tolist()]
        return [change for change in found if change is not None]

    def flush(self) -> list[Started | Ended]:
        """End the stream (audioStreamEnd): an activity ends at once."""
        self._rest = self._rest[:0]
        return [self._end()] if self.active else []

    def _feed_block(self, rms: float) -> Started | Ended | None:
        self._blocks += 1
        if self._is_speech(rms):
            return self._speech_block()
        return self._quiet_block()

    def _is_speech(self, rms: float) -> bool:
        if rms < self._noise_rms:
            self._noise_rms = rms
        elif not self.active and not self._speech_blocks:
            self._noise_rms = min(max(self._noise_rms, 1.0) * _NOISE_RISE, rms, _MOST_NOISE_RMS)
        return rms >= max(self._min_rms, _ABOVE_NOISE * self._noise_rms)

    def _speech_block(self) -> Started | None:
        self._loud_run += 1
        if not self._speech_blocks:
            self._first_speech = self._blocks - 1
        self._speech_blocks += 1
        if self._loud_run >= _BLIP_BLOCKS or not self.active:
            self._quiet_blocks = 0
            self._last_speech = self._blocks
        if not self.active and self._speech_blocks >= self._blocks_to_start:
            self.active = True
            return Started(self._first_speech * _BLOCK_S)
        return None

    def _quiet_block(self) -> Ended | None:
        self._loud_run = 0
        self._quiet_blocks += 1
        if self.active and self._quiet_blocks >= self._blocks_to_end:
            return self._end()
        if not self.active and self._quiet_blocks > self._blocks_to_start:
            self._speech_blocks = 0  # a click, not speech
        return None

    def _end(self) -> Ended:
        ended = Ended(self._last_speech * _BLOCK_S, (self._last_speech - self._first_speech) * _BLOCK_S)
        self.active = False
        self._speech_blocks = self._quiet_blocks = self._loud_run = 0
        return ended
