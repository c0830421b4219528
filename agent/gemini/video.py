"""Pictures for the model: one a second at most, each encoded in a thread."""

import asyncio
import logging
from collections.abc import Callable

from livekit import rtc
from livekit.agents.utils import images

JPEG = "image/jpeg"

PERIOD_S = 1.0
"""The service takes one picture a second."""
_OPTIONS = images.EncodeOptions(
    format="JPEG",
    quality=75,
    resize_options=images.ResizeOptions(width=1024, height=1024, strategy="scale_aspect_fit"),
)

logger = logging.getLogger("earshot.link")


def jpeg(frame: rtc.VideoFrame) -> bytes:
    """The frame as a JPEG of at most 1024 x 1024 pixels.

    Raises:
        ImportError: Pillow isn't installed.
    """
    return images.encode(frame, _OPTIONS)


class Pictures:
    """Sends frames as pictures. A frame that comes too soon, or while another is encoded, is dropped."""

    def __init__(
        self,
        send: Callable[[bytes], None],
        encode: Callable[[rtc.VideoFrame], bytes] = jpeg,
        period_s: float = PERIOD_S,
    ) -> None:
        self._send = send
        self._encode = encode
        self._period_s = period_s
        self._encoding: asyncio.Future[bytes] | None = None
        self._next_at = 0.0
        self._warned = False

    @property
    def is_busy(self) -> bool:
        """A picture is being encoded."""
        return self._encoding is not None

    def push(self, frame: rtc.VideoFrame) -> None:
        loop = asyncio.get_running_loop()
        if self.is_busy or loop.time() < self._next_at:
            return
        self._next_at = loop.time() + self._period_s
        self._encoding = loop.run_in_executor(None, self._encode, frame)
        self._encoding.add_done_callback(self._encoded)

    def _encoded(self, encoding: "asyncio.Future[bytes]") -> None:
        self._encoding = None
        if encoding.cancelled():
            return
        if (error := encoding.exception()) is None:
            self._send(encoding.result())
        elif not self._warned:
            self._warned = True
            logger.error("a picture can't be encoded, others like it neither", exc_info=error)
