"""The microphone: a speech begins and ends with its sound, whatever silence is around it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from livekit import rtc

from caller.events import Event, SpeechEnd, SpeechStart
from caller.microphone import FRAME_MS, Microphone
from tests.caller.sounds import RATE_HZ, loud, quiet


class Frames(rtc.AudioSource):
    """A WebRTC source that notes when it got each frame, and whether something can be heard in it."""

    def __init__(self) -> None:
        super().__init__(RATE_HZ, 1, queue_size_ms=0)
        self.got: list[tuple[float, bool]] = []

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        self.got.append((time.monotonic(), any(frame.data)))
        await super().capture_frame(frame)

    def around(self, index: int) -> tuple[float, float]:
        """When the audible frame with this index came, and the frame before it."""
        at = [position for position, (_, audible) in enumerate(self.got) if audible][index]
        return self.got[at - 1][0], self.got[at][0]


@asynccontextmanager
async def microphone(told: list[Event], source: rtc.AudioSource | None = None) -> AsyncIterator[Microphone]:
    source = source or rtc.AudioSource(RATE_HZ, 1, queue_size_ms=0)
    speaking = Microphone(source, sample_rate_hz=RATE_HZ, tell=told.append)
    task = asyncio.create_task(speaking.run())
    yield speaking
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await source.aclose()


async def test_the_events_are_at_the_first_and_the_last_audible_sample() -> None:
    """However late a frame is sent on a busy machine: an event's time lies in the frame with its sample."""
    told: list[Event] = []
    source = Frames()
    async with microphone(told, source) as speaking:
        began = time.monotonic()
        ended_at = await speaking.say(np.concatenate([quiet(0.3), loud(0.5), quiet(0.4)]), "tone")
        took_s = time.monotonic() - began
    start, end = told
    assert isinstance(start, SpeechStart)
    assert isinstance(end, SpeechEnd)
    for event, audible_frame in ((start, 0), (end, -1)):
        frame_before, frame = source.around(audible_frame)
        assert frame_before <= event.t <= frame + FRAME_MS / 1000
    assert sum(audible for _, audible in source.got) == 50, "half a second"
    assert ended_at == end.t
    assert took_s > 1.1, "the silence after the sound is spoken too"


async def test_silence_is_no_speech() -> None:
    told: list[Event] = []
    async with microphone(told) as speaking:
        before = time.monotonic()
        assert await speaking.say(quiet(0.2), "nothing") > before
    assert told == []


async def test_there_is_one_mouth() -> None:
    async with microphone([]) as speaking:
        first = asyncio.create_task(speaking.say(loud(0.3), "first"))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="speaking already"):
            await speaking.say(loud(0.1), "second")
        await first
