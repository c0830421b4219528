"""Captions at the pace of the voice: a word is shown when it is heard, and one that was cut off is never shown.

Gemini delivers speech and its text several times faster than it plays. Each piece of text knows where in the sound it
belongs (`TimedString.start_time`, set in agent/gemini/generation.py); here it is held back until the playout gets there. What
was passed on is also what the framework keeps as history: what was heard, not what was generated.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterable, AsyncIterator

from livekit import rtc
from livekit.agents.types import TimedString
from livekit.agents.utils import is_given

from agent.voice.playout import Playout


class CaptionClock:
    """The playout of one answer, to be waited for."""

    def __init__(self) -> None:
        self._playout = Playout()
        self._playing = asyncio.Event()
        self._changed = asyncio.Event()

    def playing(self) -> None:
        """The first sound goes out now."""
        self._playout.begins(time.monotonic())
        self._playing.set()
        self._changed.set()

    def delivered(self, length_s: float) -> None:
        """More sound is on its way to the room."""
        self._playout.delivered(length_s, time.monotonic())
        self._changed.set()

    def ended(self) -> None:
        """No more sound comes."""
        self._playout.ends()
        self._changed.set()

    def held(self, *, is_held: bool) -> None:
        """The voice waits from now on, or goes on."""
        (self._playout.stops if is_held else self._playout.goes_on)(time.monotonic())
        self._changed.set()

    async def begun(self) -> None:
        """Wait for the first sound."""
        await self._playing.wait()

    async def reached(self, position_s: float) -> None:
        """Wait until what belongs to that position is heard. If its sound never comes, the end of the rest will do."""
        while (at := self._playout.heard_at(position_s)) is None or at > time.monotonic():
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if at is None else at - time.monotonic()):
                    await self._changed.wait()


async def voiced(audio: AsyncIterable[rtc.AudioFrame], clock: CaptionClock) -> AsyncIterator[rtc.AudioFrame]:
    """Pass the sound on. An answer without any sound starts its clock at its end: its words have nothing to wait for."""
    silent = True
    try:
        async for frame in audio:
            silent = False
            clock.delivered(frame.duration)
            yield frame
    finally:
        clock.ended()
        if silent:
            clock.playing()


async def paced(text: AsyncIterable[str | TimedString], clock: CaptionClock) -> AsyncIterator[str | TimedString]:
    """Pass each piece of text on when it is heard; a piece without a position follows the one before."""
    async for piece in text:
        if isinstance(piece, TimedString) and is_given(piece.start_time):
            await clock.reached(piece.start_time)
        else:
            await clock.begun()
        yield piece
