"""Pictures of the caller's camera and screen on their way to the model. picture_pace.py decides when, jpeg.py encodes."""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from google.genai import types
from livekit import rtc

from agent.gemini import jpeg, wire
from agent.gemini.picture_pace import PicturePace, Viewing

INPUT = "input"
"""The source of frames that come from a video input of LiveKit's session."""

logger = logging.getLogger("earshot.link")


class PictureLink(Protocol):
    """The link that takes pictures."""

    @property
    def viewing(self) -> Viewing:
        """The facts that a picture for the model depends on now."""

    def send_now(self, payload: bytes) -> bool:
        """Send a message, or drop it if no connection takes it now. Returns whether it was sent."""


@dataclass(frozen=True)
class _Frame:
    frame: rtc.VideoFrame
    rotation_deg: int


class Pictures:
    """The newest frame of each source waits until it is due; a newer one takes its place. `run` sends them.

    The frame is kept after that, one of each source, until `forget`: a session that doesn't know it is sent it again.

    Args:
        link: returns the link of the call; None before there is one.
        on_sent: is told the source of each picture that went to the model.
        encode: makes a JPEG of a frame; it runs in a thread.
    """

    def __init__(
        self,
        link: Callable[[], PictureLink | None],
        on_sent: Callable[[str], None],
        encode: Callable[..., bytes] = jpeg.encoded,
    ) -> None:
        self._link = link
        self._on_sent = on_sent
        self._encode = encode
        self._pace = PicturePace()
        self._frames: dict[str, _Frame] = {}
        """The newest frame of each source that hasn't ended."""
        self._encoding: str | None = None
        """The source of the frame that is being encoded; None again if that source has ended meanwhile."""
        self._changed = asyncio.Event()
        self._has_warned = False

    def push(self, frame: rtc.VideoFrame, source: str = INPUT, *, rotation_deg: int = 0) -> None:
        """Offer a frame of a source: `camera`, `screen_share`, or a video input that LiveKit's session was given."""
        self._frames[source] = _Frame(frame, rotation_deg)
        self._pace.offer(source)
        self._changed.set()

    def forget(self, source: str) -> None:
        """No frame of the source that was pushed so far is sent any more."""
        self._frames.pop(source, None)
        self._pace.withdraw(source)
        if self._encoding == source:
            self._encoding = None

    def opened(self, known_until: float) -> None:
        """A connection is open, whose session may not know what was sent from this time on. Minus infinity: it is a new one."""
        self._pace.opened(known_until)
        self._changed.set()

    async def run(self) -> None:
        """Send what is due, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._until_due()
            link, now = self._link(), loop.time()
            if link is None or not link.viewing.takes:
                self._pace.refused(now)
            elif (source := self._pace.take(now, speaks=link.viewing.speaks)) is not None:
                await self._send(link, source, self._frames[source])

    async def _until_due(self) -> None:
        """Wait for the time of the next picture. Each new frame looks at it again: somebody may have begun to speak."""
        loop = asyncio.get_running_loop()
        while (due_at := self._pace.next_at(speaks=self._speaks)) > loop.time():
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(None if due_at == math.inf else due_at):
                    await self._changed.wait()

    @property
    def _speaks(self) -> bool:
        link = self._link()
        return link is not None and link.viewing.speaks

    async def _send(self, link: PictureLink, source: str, frame: _Frame) -> None:
        loop = asyncio.get_running_loop()
        self._encoding = source
        box_px = jpeg.BOXES_PX.get(link.viewing.media_resolution or "", jpeg.BOX_PX)
        try:
            message = await asyncio.to_thread(self._message, frame, box_px)
        except Exception:  # of FFmpeg's or of a frame that came broken: the call goes on without pictures
            if not self._has_warned:
                self._has_warned = True
                logger.exception("a picture can't be encoded and is left out, others like it too")
            self._pace.refused(loop.time())
            return
        is_wanted, self._encoding = self._encoding is not None, None
        if not is_wanted:
            return
        if link.send_now(message):
            self._pace.sent(source, loop.time())
            self._on_sent(source)
        else:  # a screen that doesn't change may bring no other
            self._pace.offer(source)

    def _message(self, frame: _Frame, box_px: int) -> bytes:
        picture = self._encode(frame.frame, box_px=box_px, rotation_deg=frame.rotation_deg)
        blob = types.Blob(data=picture, mime_type=jpeg.MIME_TYPE)
        return wire.live_input(types.LiveClientRealtimeInput(video=blob))
