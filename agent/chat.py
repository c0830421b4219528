"""What callers type, on LiveKit's topic `lk.chat`: one turn after the other.

LiveKit's own RoomIO drops a text whose sender it doesn't know yet (docs/facts.md L14). A caller who comes back may type before
the room has told the worker of them, so the streams are read here.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from livekit import rtc

TOPIC = "lk.chat"
LONGEST_LINE = 4000
"""Characters; the rest is not read."""

_MOST_WAITING = 20
_LONGEST_READ_S = 5.0

logger = logging.getLogger("earshot.chat")


class Chat:
    """Lines that were typed in a room. Twenty wait; what comes then is dropped, with a warning."""

    def __init__(self, room: rtc.Room) -> None:
        self._streams: asyncio.Queue[tuple[rtc.TextStreamReader, str]] = asyncio.Queue(maxsize=_MOST_WAITING)
        room.register_text_stream_handler(TOPIC, self._on_stream)

    async def listen(self, is_heard: Callable[[str], bool], on_line: Callable[[str], Awaitable[None]]) -> None:
        """Give each line to `on_line` if `is_heard` says so of its sender's identity, until cancelled."""
        while True:
            reader, identity = await self._streams.get()
            line = await _read(reader) if is_heard(identity) else ""
            reader.close()  # one that isn't read to its end would go on collecting
            if line:
                await on_line(line)

    def _on_stream(self, reader: rtc.TextStreamReader, identity: str) -> None:
        try:
            self._streams.put_nowait((reader, identity))
        except asyncio.QueueFull:
            reader.close()
            logger.warning("a typed line was dropped: %d are waiting", _MOST_WAITING)


async def _read(reader: rtc.TextStreamReader) -> str:
    """The line as far as it came; a sender may be gone in the middle of it."""
    line = ""
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(_LONGEST_READ_S):
            async for part in reader:
                line += part
                if len(line) >= LONGEST_LINE:
                    break
    return line[:LONGEST_LINE].strip()
