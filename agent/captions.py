"""Captions at the pace of the voice: a word is shown when it is heard, and one that was cut off is never shown.

Gemini delivers speech and its text several times faster than it plays. Each piece of text knows where in the sound it
belongs (`TimedString.start_time`, set in agent/gemini/session.py); here it is held back until the playout gets there. What
was passed on is also what the framework keeps as history: what was heard, not what was generated.
"""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator

from livekit import rtc
from livekit.agents.types import TimedString
from livekit.agents.utils import is_given


class CaptionClock:
    """The playout of one answer."""

    def __init__(self) -> None:
        self._playing = asyncio.Event()
        self._started_at = 0.0

    def playing(self) -> None:
        """The first sound goes out now."""
        if not self._playing.is_set():
            self._started_at = time.monotonic()
            self._playing.set()

    async def reached(self, position_s: float) -> None:
        """Wait until the playout is at that position."""
        await self._playing.wait()
        await asyncio.sleep(max(self._started_at + position_s - time.monotonic(), 0))


async def voiced(audio: AsyncIterable[rtc.AudioFrame], clock: CaptionClock) -> AsyncIterator[rtc.AudioFrame]:
    """Pass the sound on. An answer without any sound starts its clock at its end: its words have nothing to wait for."""
    silent = True
    async for frame in audio:
        silent = False
        yield frame
    if silent:
        clock.playing()


async def paced(text: AsyncIterable[str | TimedString], clock: CaptionClock) -> AsyncIterator[str | TimedString]:
    """Pass each piece of text on when it is heard; a piece without a position follows the one before."""
    async for piece in text:
        if isinstance(piece, TimedString) and is_given(piece.start_time):
            await clock.reached(piece.start_time)
        else:
            await clock.reached(0.0)
        yield piece
