"""The caller's microphone in a call without a room: silence in real time, and between it the words that are said."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from livekit import rtc
from livekit.agents.voice.io import AudioInput

from agent.gemini import FRAME_MS, INPUT_RATE_HZ
from speech import synthesize

_FRAME_SAMPLES = INPUT_RATE_HZ * FRAME_MS // 1000
_MOST_FRAMES = 250


class Microphone(AudioInput):
    """`async with` it: it is on. `announce` tells the emulator which words are spoken, since it understands no speech."""

    def __init__(self, announce: Callable[[str], int]) -> None:
        super().__init__(label="microphone of a test")
        self._announce = announce
        self._frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue(maxsize=_MOST_FRAMES)
        """Frames for the session; when it is full, the microphone waits."""
        self._words = b""
        self._is_said = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run(), name="microphone")
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        assert self._running is not None
        self._running.cancel()
        await asyncio.wait({self._running})

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._frames.get()

    async def say(self, text: str) -> None:
        """Speak a text to its end."""
        self._announce(text)
        self._is_said.clear()
        self._words = synthesize(text, sample_rate_hz=INPUT_RATE_HZ).tobytes()
        await self._is_said.wait()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due_at = loop.time()
        while True:
            samples, self._words = self._words[: 2 * _FRAME_SAMPLES], self._words[2 * _FRAME_SAMPLES :]
            if not self._words:
                self._is_said.set()
            whole = samples.ljust(2 * _FRAME_SAMPLES, b"\0")
            await self._frames.put(rtc.AudioFrame(whole, INPUT_RATE_HZ, 1, _FRAME_SAMPLES))
            due_at += FRAME_MS / 1000
            await asyncio.sleep(due_at - loop.time())
