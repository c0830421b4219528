"""One socket: frames to the session and back, pings and closes, in one task group."""

import asyncio
import contextlib
import logging
import math
import time
import uuid

from aiohttp import WebSocketError, WSCloseCode, WSMsgType, web

from emulator import closes, messages, wire
from emulator.admission import Admission, Endpoint
from emulator.closes import Close
from emulator.errors import RefusedError
from emulator.faults.channel import Frame
from emulator.live_session import LiveSession
from emulator.shared import Emulator

logger = logging.getLogger(__name__)

_LARGEST_FRAME_BYTES = 4 * 1024 * 1024
_CLOSE_S = 2.0
_NO_CLOSE_FRAME = 1006
_MOST_PONGS = 16
_ENDS = {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}


class Connection:
    """One client's socket, from the upgrade to its end."""

    def __init__(self, emulator: Emulator, endpoint: Endpoint, request: web.BaseRequest) -> None:
        self._emulator = emulator
        self._endpoint = endpoint
        self._request = request
        # base64 PCM barely shrinks, and whether Google negotiates deflate is unknown; the service never pings
        self._socket = web.WebSocketResponse(
            compress=False,
            heartbeat=None,
            autoping=False,
            timeout=_CLOSE_S,
            max_msg_size=_LARGEST_FRAME_BYTES,
            decode_text=False,  # what isn't UTF-8 is closed like any other frame that isn't JSON
        )
        self._admission = Admission(emulator, endpoint, credential(request))
        self._stage: Admission | LiveSession = self._admission
        """The part that answers the client: before its setup the admission, after it the session."""
        self._wake = asyncio.Event()
        self._asleep_until = math.inf
        self._pongs: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=_MOST_PONGS)
        """Pings that wait for their pong; beyond `_MOST_PONGS` the oldest gets none, as RFC 6455 allows."""
        self._readable = asyncio.Event()
        self._readable.set()
        self._ended_cleanly = False
        """Whether a close frame was sent or has come. Its code doesn't matter: JavaScript's `close()` sends none (1005)."""
        self._name = uuid.uuid4().hex[:8]

    async def run(self) -> web.StreamResponse:
        """Answer the upgrade, and serve the client until the socket is closed."""
        upgrade = self._emulator.faults.upgrade()
        await asyncio.sleep(upgrade.delay_s)
        if upgrade.status is not None:
            return web.Response(status=upgrade.status)
        try:
            await self._socket.prepare(self._request)
            await self._serve()
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass  # the writer's way of saying that the client is gone
        except* RefusedError as refused:
            for error in refused.exceptions:
                if isinstance(error, RefusedError):
                    await self._close(error.close)
        except* Exception:
            # the service's own mistakes end so as well; ours must not look like a lost connection, which clients take up again
            logger.exception("%s: a mistake of the emulator's own", self._name)
            await self._close(closes.INTERNAL)
        finally:
            self._leave()
        return self._socket

    async def end(self, code: int) -> None:
        """Close the socket because the server goes."""
        if self._socket.prepared:
            self._ended_cleanly = True
            with contextlib.suppress(ConnectionError):
                await self._socket.close(code=code)

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            others = [tasks.create_task(self._pong(), name="pongs")]
            try:
                session = await self._set_up()
                if session is not None:
                    others.append(tasks.create_task(self._write(session), name="writer"))
                    await self._read(session)
            finally:
                for task in others:
                    task.cancel()

    async def _set_up(self) -> LiveSession | None:
        """The session that the client's first message opens; None if the client leaves without one."""
        frame = await self._frame()
        if frame is None:
            return None
        self._stage = session = await self._admission.admit(frame, self._wake.set)
        session.begin(time.monotonic())
        logger.info("%s: %s", self._name, session)
        return session

    async def _read(self, session: LiveSession) -> None:
        while (frame := await self._frame()) is not None:
            message = wire.read(wire.load(frame, self._endpoint.api))
            session.receive(message, time.monotonic())
            if isinstance(message, messages.Audio):
                self._emulator.journal.write_sound(self._name, message.pcm, message.rate_hz)
            if session.wants(self._asleep_until):
                self._wake.set()

    async def _frame(self) -> str | bytes | None:
        """The client's next message; None at the end of the connection. Pings are taken on the way."""
        while (received := await self._socket.receive()).type not in _ENDS:
            await self._readable.wait()
            if received.type == WSMsgType.PING:
                if self._pongs.full():
                    self._pongs.get_nowait()
                self._pongs.put_nowait((time.monotonic() + self._stage.pong_delay_s(), received.data))
            elif received.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                frame: str | bytes = received.data
                self._emulator.journal.write(self._name, "received", frame)
                return frame
        # a frame that RFC 6455 forbids, a close frame with code 1005 among them, aiohttp answers with a close frame of its own
        self._ended_cleanly |= received.type == WSMsgType.CLOSE or isinstance(received.data, WebSocketError)
        return None

    async def _pong(self) -> None:
        while True:
            due_at, data = await self._pongs.get()
            await asyncio.sleep(due_at - time.monotonic())
            await self._socket.pong(data)

    async def _write(self, session: LiveSession) -> None:
        while True:
            now = time.monotonic()
            session.advance(now)
            if session.reads:
                self._readable.set()
            else:
                self._readable.clear()
            for frame in session.take(now):
                if session.writes:  # a message that comes meanwhile may forbid it
                    await self._send(frame)
            if (close := session.close(now)) is not None:
                raise RefusedError(close)
            self._asleep_until = session.next_at
            try:
                async with asyncio.timeout(max(self._asleep_until - time.monotonic(), 0)):
                    await self._wake.wait()
                    self._wake.clear()
            except TimeoutError:
                pass  # something is due

    async def _send(self, frame: Frame) -> None:
        await self._socket.send_bytes(frame if isinstance(frame, bytes) else wire.encode(frame))
        self._emulator.journal.write(self._name, "sent", frame)

    async def _close(self, close: Close) -> None:
        self._ended_cleanly = close.code != _NO_CLOSE_FRAME
        logger.info("%s: closed with %d %s", self._name, close.code, close.reason)
        self._emulator.journal.write(self._name, "event", {"close": close.code, "reason": close.reason})
        transport = self._request.transport
        if (not self._stage.writes or close.code == _NO_CLOSE_FRAME) and transport is not None:
            transport.abort()
            return
        with contextlib.suppress(ConnectionError):
            await self._socket.close(code=close.code, message=close.reason.encode())

    def _leave(self) -> None:
        self._emulator.journal.end(self._name)
        if isinstance(self._stage, LiveSession):
            self._stage.leave(time.monotonic(), clean=self._ended_cleanly)
            logger.info("%s: gone (%s)", self._name, self._socket.close_code or WSCloseCode.ABNORMAL_CLOSURE)


def credential(request: web.BaseRequest) -> str:
    """The key or the token that a client shows, in a header or in the query; empty without one."""
    headers, query = request.headers, request.query
    bearer = headers.get("Authorization", "").rpartition(" ")[2]
    keys = (query.get("access_token"), headers.get("x-goog-api-key"), query.get("key"), bearer)
    return next((key for key in keys if key), "")
