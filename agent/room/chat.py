"""Typed lines of the humans in a room: text streams on LiveKit's topic `lk.chat`, and data packets of older clients.

LiveKit's own RoomIO drops a text whose sender it doesn't know yet (docs/facts.md L14). A caller who comes back may type before
the room has told the worker of them, so the streams are read here. Older clients and Flutter send JSON with a `message` in a
data packet (topic `lk-chat-topic`); clients that send both set `ignoreLegacy` in it, or give both the same id
(@livekit/components-core `setupChat`).
"""

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from livekit import rtc

from agent.errors import UnreadableLineError
from agent.room.room_events import RoomEvents
from agent.room.typed_lines import TypedLines

TOPIC = "lk.chat"
PACKET_TOPIC = "lk-chat-topic"
LONGEST_LINE = 4000
"""Characters; the rest is not read."""
MOST_OPEN = 6
"""Streams of one sender that are read at a time. A new one ends the oldest, with what it has brought."""
MOST_SENDERS = 16
"""Senders with open streams. Streams of others are closed unread meanwhile; never the caller's."""

_LONGEST_READ_S = 10.0
_LONGEST_PACKET = 4 * LONGEST_LINE + 2000
_MOST_OPEN_OF_STRANGERS = MOST_OPEN * MOST_SENDERS
_MOST_IDS = 50
_MOST_TOLD = 20

logger = logging.getLogger("earshot.chat")


class Chat:
    """Lines that were typed in a room. `caller` gives the caller's identity: their lines come before strangers'."""

    def __init__(self, room: rtc.Room, events: RoomEvents, caller: Callable[[], str]) -> None:
        self._events = events
        self._caller = caller
        self._lines = TypedLines()
        self._open: dict[str, deque[rtc.TextStreamReader]] = {}
        self._opened: asyncio.Queue[tuple[float, rtc.TextStreamReader, str]] = asyncio.Queue(
            maxsize=_MOST_OPEN_OF_STRANGERS + MOST_OPEN
        )
        self._ids: deque[tuple[str, str]] = deque(maxlen=_MOST_IDS)
        self._changed = asyncio.Event()
        self._dropped = 0
        room.register_text_stream_handler(TOPIC, self._on_stream)
        room.on("data_received", self._on_packet)

    @property
    def dropped(self) -> int:
        """Lines that nobody read."""
        return self._dropped

    def look_again(self) -> None:
        """A line that waits may be the caller's now."""
        self._changed.set()

    def forget_before(self, at: float) -> None:
        """Another process has answered what was typed before that time of the event loop. Comes before `listen`."""
        self._lines.forget_before(at)
        for _ in range(self._opened.qsize()):
            opened_at, reader, identity = self._opened.get_nowait()
            if opened_at < at:
                reader.close()
                self._forget(identity, reader)
            else:
                self._opened.put_nowait((opened_at, reader, identity))

    async def listen(self, is_caller: Callable[[str], bool], on_line: Callable[[str], Awaitable[None]]) -> None:
        """Give each line to `on_line` if `is_caller` says so of its sender's identity, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read_streams(), name="typed streams")
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(self._lines.due_at):
                        await self._changed.wait()
                self._changed.clear()
                # lines come and go during `on_line`; the caller's that grow old behind it are answered all the same
                while (line := next((one for one in self._lines.waiting() if is_caller(one.identity)), None)) is not None:
                    self._lines.remove(line)
                    await on_line(line.text)
                for line in self._lines.expired(asyncio.get_running_loop().time()):
                    self._drop(line.identity, "not_the_caller")

    def _on_stream(self, reader: rtc.TextStreamReader, identity: str) -> None:
        readers = self._open.setdefault(identity, deque(maxlen=MOST_OPEN))
        is_crowded = len(self._open) > MOST_SENDERS or self._opened.qsize() >= _MOST_OPEN_OF_STRANGERS
        if self._opened.full() or (is_crowded and identity != self._caller()):
            reader.close()
            self._forget(identity, reader)
            self._drop(identity, "too_many")
            return
        if len(readers) == MOST_OPEN:
            readers.popleft().close()
        readers.append(reader)
        self._opened.put_nowait((asyncio.get_running_loop().time(), reader, identity))

    async def _read_streams(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                _, reader, identity = await self._opened.get()
                tasks.create_task(self._read(reader, identity), name="typed stream")

    async def _read(self, reader: rtc.TextStreamReader, identity: str) -> None:
        """Read as far as it comes: a sender may be silent, or gone in the middle."""
        text = ""
        try:
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(_LONGEST_READ_S):
                    async for part in reader:
                        text += part[: LONGEST_LINE - len(text)]
                        if len(text) == LONGEST_LINE:
                            break
        finally:
            reader.close()  # one that isn't read to its end would go on collecting
            self._forget(identity, reader)
        self._take(identity, text, reader.info.stream_id)

    def _forget(self, identity: str, reader: rtc.TextStreamReader) -> None:
        readers = self._open.get(identity, deque(maxlen=MOST_OPEN))
        if reader in readers:
            readers.remove(reader)
        if not readers:
            self._open.pop(identity, None)

    def _on_packet(self, packet: rtc.DataPacket) -> None:
        if packet.topic != PACKET_TOPIC:
            return
        identity = "" if packet.participant is None else packet.participant.identity
        try:
            message = message_of(packet.data)
        except UnreadableLineError:
            self._drop(identity, "unreadable")
            return
        if message is not None and identity:
            self._take(identity, *message)
        elif message is not None:
            self._drop(identity, "unknown_sender")

    def _take(self, identity: str, text: str, message_id: str) -> None:
        if not text.strip() or (identity, message_id) in self._ids:
            return
        if message_id:
            self._ids.append((identity, message_id))
        lost = self._lines.add(identity, text.strip(), asyncio.get_running_loop().time(), caller=self._caller())
        for line in lost:
            self._drop(line.identity, "too_many")
        if all(line.identity != identity for line in lost):
            self._changed.set()

    def _drop(self, identity: str, reason: str) -> None:
        self._dropped += 1
        if self._dropped == 1:
            logger.warning("a typed line was dropped", extra={"participant": identity, "reason": reason})
        if self._dropped <= _MOST_TOLD:
            self._events.tell("line_dropped", identity=identity, reason=reason)


def message_of(data: bytes) -> tuple[str, str] | None:
    """Text and id of a chat packet; None for one that came as a stream as well.

    Raises:
        UnreadableLineError: it is too long, no JSON, or has no `message`.
    """
    if len(data) > _LONGEST_PACKET:
        raise UnreadableLineError
    try:
        packet = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableLineError from error
    if not isinstance(packet, dict):
        raise UnreadableLineError
    if packet.get("ignoreLegacy") is True:
        return None
    text, message_id = packet.get("message"), packet.get("id")
    if not isinstance(text, str):
        raise UnreadableLineError
    text = text[:LONGEST_LINE].encode(errors="replace").decode()  # JSON can hold halves of surrogate pairs, and UTF-8 can't
    return text, message_id[:100] if isinstance(message_id, str) else ""
