"""The agent's voice in a session without a room: played in real time, and kept."""

import asyncio
import time

import numpy as np
from livekit import rtc
from livekit.agents.voice import io

RATE_HZ = 24000


class Loudspeaker(io.AudioOutput):
    """Plays one utterance after the other. `heard` has what was played of each, as it ended."""

    def __init__(self) -> None:
        super().__init__(label="test", sample_rate=RATE_HZ, capabilities=io.AudioOutputCapabilities(pause=False))
        self.heard: list[np.ndarray] = []
        self.began_at: list[float] = []
        self.news = asyncio.Event()
        self._samples = b""
        self._end: asyncio.TimerHandle | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if not self._samples:
            self.began_at.append(time.monotonic())
            self.on_playback_started(created_at=time.time())
            self.news.set()
        self._samples += bytes(frame.data)

    def flush(self) -> None:
        super().flush()
        if self._samples and self._end is None:
            left_s = self.began_at[-1] + len(self._samples) / (2 * RATE_HZ) - time.monotonic()
            self._end = asyncio.get_running_loop().call_later(max(left_s, 0), self._ended)

    def clear_buffer(self) -> None:
        if self._samples:
            self._ended(interrupted=True)

    def _ended(self, *, interrupted: bool = False) -> None:
        if self._end is not None:
            self._end.cancel()
        played_s = time.monotonic() - self.began_at[-1]
        samples = np.frombuffer(self._samples, dtype=np.int16)
        self.heard.append(samples[: int(played_s * RATE_HZ)] if interrupted else samples)
        self._samples, self._end = b"", None
        self.on_playback_finished(playback_position=len(self.heard[-1]) / RATE_HZ, interrupted=interrupted)
        self.news.set()

    async def until(self, *, began: int = 0, ended: int = 0, within_s: float = 8.0) -> None:
        """Wait until so many utterances have begun and ended.

        Raises:
            TimeoutError: they haven't.
        """
        async with asyncio.timeout(within_s):
            while len(self.began_at) < began or len(self.heard) < ended:
                self.news.clear()
                await self.news.wait()
