"""The frames of the caller's sound that wait for LiveKit's session."""

import asyncio

from livekit import rtc

MOST_FRAMES = 250
"""Frames that wait, 5 s of 20 ms: more than sound from before the connection takes."""


class FrameQueue:
    """At most MOST_FRAMES. Then `put` waits, so that the track's own buffer drops its oldest; or the oldest frame goes.

    The latter is so between `keep_newest` and `pass_on`, while no session reads.
    """

    def __init__(self) -> None:
        self._frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue(maxsize=MOST_FRAMES)
        self._keeps_newest = False

    async def get(self) -> rtc.AudioFrame:
        """The oldest frame, waited for."""
        return await self._frames.get()

    async def put(self, frame: rtc.AudioFrame) -> None:
        """Add a frame."""
        if self._keeps_newest and self._frames.full():
            self._frames.get_nowait()
        await self._frames.put(frame)

    def put_if_room(self, frame: rtc.AudioFrame) -> None:
        """Add a frame that isn't worth waiting for."""
        if not self._frames.full():
            self._frames.put_nowait(frame)

    def keep_newest(self) -> None:
        """Keep the newest sound when the queue is full, until `pass_on`: it has no reader meanwhile."""
        self._keeps_newest = True

    def pass_on(self, newest_s: float) -> None:
        """Let the reader go on, with the newest seconds of the sound that waits."""
        self._keeps_newest = False
        waiting = [self._frames.get_nowait() for _ in range(self._frames.qsize())]
        first, kept_s = len(waiting), 0.0
        while first and kept_s < newest_s:
            first -= 1
            kept_s += waiting[first].duration
        for frame in waiting[first:]:
            self._frames.put_nowait(frame)
