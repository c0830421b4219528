"""The caller's microphone: 10 ms frames on a clock of its own, silence unless something is said."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from livekit import rtc

from caller.ear import Samples, spans
from caller.events import Event, SpeechEnd, SpeechStart

FRAME_MS = 10
_LATE_S = 0.2


@dataclass
class _Utterance:
    samples: Samples
    text: str
    first: int
    """The first audible sample; past the end where nothing is audible."""
    last: int
    position: int = 0
    ended_at: float = 0.0
    spoken: asyncio.Event = field(default_factory=asyncio.Event)


class Microphone:
    """Speaks into a WebRTC source while `run()` runs.

    Args:
        source: takes mono frames at `sample_rate_hz`.
        sample_rate_hz: of the source and of everything that is said.
        tell: called with `SpeechStart` and `SpeechEnd`, timed to the first and the last audible sample.
    """

    def __init__(self, source: rtc.AudioSource, *, sample_rate_hz: int, tell: Callable[[Event], None]) -> None:
        self._source, self._rate_hz, self._tell = source, sample_rate_hz, tell
        self._frame_samples = sample_rate_hz * FRAME_MS // 1000
        self._utterance: _Utterance | None = None

    async def say(self, samples: Samples, text: str) -> float:
        """Speak; returns once the last sample went to WebRTC, with the time of the last audible one.

        Raises:
            RuntimeError: something is being said already.
        """
        if self._utterance is not None:
            raise RuntimeError("this caller is speaking already: wait for the running say() first")
        audible = spans(samples, sample_rate_hz=self._rate_hz)
        first = round(audible[0].start_s * self._rate_hz) if audible else len(samples)
        last = round(audible[-1].end_s * self._rate_hz) - 1 if audible else len(samples)
        self._utterance = _Utterance(samples, text, first, last)
        try:
            await self._utterance.spoken.wait()
            return self._utterance.ended_at
        finally:
            self._utterance = None

    async def run(self) -> None:
        """Send frames until cancelled."""
        due = time.monotonic()
        while True:
            samples = self._next_frame()
            await self._source.capture_frame(rtc.AudioFrame(samples.tobytes(), self._rate_hz, 1, self._frame_samples))
            due += FRAME_MS / 1000
            now = time.monotonic()
            if now - due > _LATE_S:
                due = now
            await asyncio.sleep(max(due - now, 0))

    def _next_frame(self) -> Samples:
        said = self._utterance
        if said is None or said.spoken.is_set():
            return np.zeros(self._frame_samples, dtype=np.int16)
        start, end = said.position, said.position + self._frame_samples
        now = time.monotonic()
        if start <= said.first < min(end, len(said.samples)):
            self._tell(SpeechStart(now + (said.first - start) / self._rate_hz, said.text))
        if start <= said.last < min(end, len(said.samples)):
            said.ended_at = now + (said.last + 1 - start) / self._rate_hz
            self._tell(SpeechEnd(said.ended_at, said.text))
        said.position = end
        if end >= len(said.samples):
            said.ended_at = said.ended_at or now
            said.spoken.set()
        part = said.samples[start:end]
        return np.pad(part, (0, self._frame_samples - len(part)))
