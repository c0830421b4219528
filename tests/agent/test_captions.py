"""Captions stay with the voice: also when the sound runs dry in mid-answer, and when words have no place in it."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from livekit import rtc
from livekit.agents.types import TimedString

from agent.voice.captions import CaptionClock, paced, voiced


async def pieces(*texts: str | TimedString) -> AsyncIterator[str | TimedString]:
    for text in texts:
        yield text


async def test_words_behind_a_gap_are_shown_when_their_sound_has_come() -> None:
    clock, more = CaptionClock(), asyncio.Event()

    async def sound() -> AsyncIterator[rtc.AudioFrame]:
        frame = rtc.AudioFrame(bytes(4800), 24000, 1, 2400)
        yield frame
        await more.wait()
        yield frame

    async def play() -> None:
        async for _ in voiced(sound(), clock):
            clock.playing()

    shown: list[str] = []

    async def show() -> None:
        text = pieces(TimedString("One ", start_time=0.0), TimedString("two.", start_time=0.1))
        shown.extend([str(piece) async for piece in paced(text, clock)])

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(play())
        showing = tasks.create_task(show())
        done, _ = await asyncio.wait({showing}, timeout=0.3)
        assert not done, "the second word's sound hasn't come"
        resumed_at = time.monotonic()
        more.set()
    assert shown == ["One ", "two."]
    assert time.monotonic() - resumed_at < 0.1


@pytest.mark.parametrize("text", ["Nothing was said aloud.", TimedString("Nor this.", start_time=0.0)])
async def test_words_without_any_sound_are_shown(text: str) -> None:
    clock = CaptionClock()

    async def nothing() -> AsyncIterator[rtc.AudioFrame]:
        return
        yield

    assert [frame async for frame in voiced(nothing(), clock)] == []
    assert [piece async for piece in paced(pieces(text), clock)] == [text]
