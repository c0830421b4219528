"""Start and end of the caller's turns, by voice activity detection or by the client's activityStart and activityEnd."""

import numpy as np
import soxr

from emulator.hearing import RATE_HZ, Ended, Hearing, Started
from emulator.messages import ActivityDetection
from emulator.profile import Profile
from emulator.voice import RATE_HZ as VOICE_RATE_HZ

_MOST_KEPT_S = 60
"""Seconds of the caller's sound that are kept for answers that repeat it."""


class Listening:
    """The caller's turns on one connection. Offsets are in seconds of received sound."""

    def __init__(self, vad: ActivityDetection, profile: Profile, *, keeps_sound: bool = False) -> None:
        self.manual = vad.disabled
        """Whether the client marks the caller's turns, and no detection does."""
        self._hearing = Hearing(vad, profile)
        self._rate_hz = RATE_HZ
        self._resampler = soxr.ResampleStream(RATE_HZ, RATE_HZ, 1, dtype="int16")
        self._keeps_sound = keeps_sound
        self._kept = bytearray()
        """The caller's newest sound, PCM16; of more than `_MOST_KEPT_S` the oldest goes."""
        self._started_s: float | None = None
        self._sound_since_start = False
        self._speech_since_start = False

    @property
    def offset_s(self) -> float:
        return self._hearing.offset_s

    @property
    def speaking(self) -> bool:
        return self._started_s is not None if self.manual else self._hearing.active

    def sound(self, pcm: bytes, rate_hz: int) -> list[Started | Ended]:
        """Take PCM16, mono, at any rate; returns the starts and ends of turns that it brings."""
        samples = np.frombuffer(pcm, dtype="<i2")
        if rate_hz != RATE_HZ:
            if rate_hz != self._rate_hz:
                self._rate_hz, self._resampler = rate_hz, soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="int16")
            samples = self._resampler.resample_chunk(samples)
        self._sound_since_start = True
        if self._keeps_sound:
            self._kept += samples.tobytes()
            del self._kept[: -_MOST_KEPT_S * 2 * RATE_HZ]
        found = self._hearing.feed(samples)
        self._speech_since_start |= any(isinstance(change, Started) for change in found)
        return [] if self.manual else found

    def recorded(self, ended: Ended) -> bytes:
        """The caller's sound of an activity that has just ended, as far as it is kept: mono PCM16 at 24 kHz."""
        kept = np.frombuffer(bytes(self._kept), dtype=np.int16)
        end = len(kept) - max(round((self._hearing.offset_s - ended.offset_s) * RATE_HZ), 0)
        part = kept[max(end - round(ended.speech_s * RATE_HZ), 0) : end]
        return bytes(soxr.resample(part, RATE_HZ, VOICE_RATE_HZ).astype("<i2").tobytes())

    def stream_end(self) -> list[Started | Ended]:
        """Take an audioStreamEnd: a turn that was detected ends."""
        return [] if self.manual else self._hearing.flush()

    def manual_start(self) -> list[Started | Ended]:
        """Take an activityStart; inside of an activity it means nothing."""
        if self._started_s is not None:
            return []
        self._started_s, self._sound_since_start = self.offset_s, False
        self._speech_since_start = self._hearing.active
        return [Started(self._started_s)]

    def manual_end(self) -> list[Started | Ended] | None:
        """Take an activityEnd; without a start it means nothing. Returns None if there was no sound since the start.

        An activity of nothing but silence and noise has 0 seconds of speech.
        """
        if self._started_s is None:
            return []
        started_s, self._started_s = self._started_s, None
        speech_s = self.offset_s - started_s if self._speech_since_start else 0.0
        return [Ended(self.offset_s, speech_s)] if self._sound_since_start else None
