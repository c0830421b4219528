"""One socket: frames to the conversation and back, in one task group."""

import asyncio
import contextlib
import datetime
import logging
import math
import time
import uuid
from typing import TYPE_CHECKING

from aiohttp import WebSocketError, WSCloseCode, WSMsgType, web

from emulator import closes, messages, protos, wire
from emulator.acceptance import accept
from emulator.closes import Close
from emulator.conversation import Conversation
from emulator.errors import RefusedError
from emulator.faults.asked import InForce
from emulator.faults.faulty import FaultyConversation
from emulator.faults.line import Frame
from emulator.lifetime import Lifetime, Limits
from emulator.profiles import Profile
from emulator.sessions import Memory
from emulator.tokens import Token

if TYPE_CHECKING:
    from emulator.server import Emulator

logger = logging.getLogger("emulator")

_BAD_KEY_S = 0.085
_LARGEST_FRAME_BYTES = 4 * 1024 * 1024
_CLOSE_S = 2.0
_VERTEX_WARNING_S = 30.0
_NO_CLOSE_FRAME = 1006
_MOST_PONGS = 16
_ENDS = {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}


class Connection:
    """One client's socket, from the upgrade to its end."""

    def __init__(self, emulator: "Emulator", version: str, *, vertex: bool, constrained: bool) -> None:
        self._emulator = emulator
        self._version, self._vertex, self._constrained = version, vertex, constrained
        self._api = protos.vertex(version) if vertex else protos.gemini(version)
        # base64 PCM barely shrinks, and whether Google negotiates deflate is unknown; the service never pings
        self._socket = web.WebSocketResponse(
            compress=False,
            heartbeat=None,
            autoping=False,
            timeout=_CLOSE_S,
            max_msg_size=_LARGEST_FRAME_BYTES,
            decode_text=False,  # what isn't UTF-8 is closed like any other frame that isn't JSON
        )
        self._conversation: FaultyConversation | None = None
        self._lifetime: Lifetime | None = None
        self._memory: Memory | None = None
        self._profile: Profile | None = None
        self._in_force: InForce | None = None
        self._wake = asyncio.Event()
        self._pongs: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=_MOST_PONGS)
        """Pings that wait for their pong; beyond `_MOST_PONGS` the oldest gets none, as RFC 6455 allows."""
        self._readable = asyncio.Event()
        self._readable.set()
        self._asleep_until = math.inf
        self._ended_cleanly = False
        """A close frame was sent or has come. Its code doesn't matter: JavaScript's `close()` sends none (1005)."""
        self._name = uuid.uuid4().hex[:8]

    async def run(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve it to its end."""
        upgrade = self._emulator.faults.upgrade()
        await asyncio.sleep(upgrade.delay_s)
        if upgrade.status is not None:
            return web.Response(status=upgrade.status)
        try:
            await self._socket.prepare(request)
            async with asyncio.TaskGroup() as tasks:
                others = [tasks.create_task(self._write(), name="writer"), tasks.create_task(self._pong(), name="pongs")]
                try:
                    await self._read(shown_key(request))
                finally:
                    for task in others:
                        task.cancel()
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass  # the writer's way of saying that the client is gone
        except* RefusedError as refused:
            for error in refused.exceptions:
                if isinstance(error, RefusedError):
                    await self._close(error.close, request)
        except* Exception:
            # the service's own mistakes end so as well; ours must not look like a lost connection, which clients take up again
            logger.exception("%s: a mistake of the emulator's own", self._name)
            await self._close(closes.INTERNAL, request)
        finally:
            self._leave()
        return self._socket

    async def end(self, code: int) -> None:
        """The server goes."""
        if self._socket.prepared:
            self._ended_cleanly = True
            with contextlib.suppress(ConnectionError):
                await self._socket.close(code=code)

    async def _read(self, key: str) -> None:
        while (received := await self._socket.receive()).type not in _ENDS:
            await self._readable.wait()
            if received.type == WSMsgType.PING:
                delay_s = self._conversation.pinged() if self._conversation is not None else 0.0
                if self._pongs.full():
                    self._pongs.get_nowait()
                self._pongs.put_nowait((time.monotonic() + delay_s, received.data))
            elif received.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                await self._take(received.data, key)
        # a frame that RFC 6455 forbids, a close frame with code 1005 among them, aiohttp answers with a close frame of its own
        self._ended_cleanly |= received.type == WSMsgType.CLOSE or isinstance(received.data, WebSocketError)

    async def _pong(self) -> None:
        while True:
            due_at, data = await self._pongs.get()
            await asyncio.sleep(due_at - time.monotonic())
            await self._socket.pong(data)

    async def _take(self, frame: str | bytes, key: str) -> None:
        self._emulator.journal.write(self._name, "received", frame)
        if not key:
            raise RefusedError(closes.NO_KEY)
        loaded = wire.load(frame, self._api)
        if self._conversation is None:
            await self._begin(loaded, key)
        else:
            message, now = wire.read(loaded), time.monotonic()
            self._conversation.receive(message, now)
            self._note(message, now)
        if self._conversation is not None and self._conversation.wants(self._asleep_until):
            self._wake.set()

    def _note(self, message: messages.ClientMessage, now: float) -> None:
        if self._lifetime is not None:
            self._lifetime.received(now, video=isinstance(message, messages.Video))
        if isinstance(message, messages.Audio):
            self._emulator.journal.write_sound(self._name, message.pcm, message.rate_hz)

    async def _begin(self, loaded: messages.Json, key: str) -> None:
        body = loaded.get("setup")
        if body is None:
            raise RefusedError(closes.INVALID_ARGUMENT)
        token = await self._admit(key, resumed="handle" in body.get("session_resumption", {}))
        setup = wire.read({"setup": body if token is None else token.constrain(body)})
        assert isinstance(setup, messages.Setup)
        profile = self._emulator.profile_for(setup, self._version, vertex=self._vertex)
        accept(setup, profile, self._version)
        now = time.monotonic()
        try:
            self._memory = self._emulator.sessions.open(setup.handle, now)
        except RefusedError:
            await asyncio.sleep(profile.locked_s)
            raise
        self._profile = profile
        self._in_force = self._emulator.faults.for_connection(profile.model, setup.handle, self._wake.set)
        if self._in_force.forgets():
            self._memory.forget()
        conversation = Conversation(profile, setup, self._emulator.answers, self._memory, self._emulator.voices)
        self._lifetime = self._limited(setup, token, now)
        self._conversation = FaultyConversation(conversation, self._in_force)
        self._conversation.begin(now, resumed=setup.handle is not None)
        logger.info("%s: session %s on %s", self._name, self._memory.handle, profile.model)

    async def _admit(self, key: str, *, resumed: bool) -> Token | None:
        """The token that the client shows, where it is one that shows tokens.

        Raises:
            RefusedError: the key, or the token, opens nothing.
        """
        if self._constrained:
            return self._emulator.tokens.admit(key, datetime.datetime.now(datetime.UTC), resumed=resumed)
        if key.startswith("auth_tokens/"):
            raise RefusedError(closes.TOKEN_NOT_HERE)
        if self._emulator.api_key is not None and key != self._emulator.api_key:
            await asyncio.sleep(_BAD_KEY_S)
            raise RefusedError(closes.BAD_KEY)
        return None

    def _limited(self, setup: messages.Setup, token: Token | None, now: float) -> Lifetime:
        assert self._memory is not None
        left = None if token is None else token.expires_at - datetime.datetime.now(datetime.UTC)
        limits = Limits(
            warning_s=_VERTEX_WARNING_S if self._vertex else Limits.warning_s,
            token_s=None if left is None else left.total_seconds(),
        )
        scaled = limits.scaled(self._emulator.time_scale)
        return Lifetime(scaled, now, self._memory.age, compressed=setup.compression is not None)

    async def _write(self) -> None:
        while True:
            timeout_s = None
            if self._conversation is not None and self._lifetime is not None:
                now = time.monotonic()
                self._conversation.advance(now)
                if self._conversation.reads:
                    self._readable.set()
                else:
                    self._readable.clear()
                for frame in [*self._conversation.take(), *self._lifetime.due(now)]:
                    if self._conversation.writes:
                        await self._send(frame)
                if (close := self._conversation.close or self._lifetime.close(now)) is not None:
                    raise RefusedError(close)
                self._asleep_until = min(self._lifetime.next_at, self._conversation.next_at or math.inf)
                timeout_s = max(self._asleep_until - time.monotonic(), 0)
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake.wait()
                    self._wake.clear()
            except TimeoutError:
                pass  # something is due

    async def _send(self, frame: Frame) -> None:
        await self._socket.send_bytes(frame if isinstance(frame, bytes) else wire.encode(frame))
        self._emulator.journal.write(self._name, "sent", frame)

    async def _close(self, close: Close, request: web.BaseRequest) -> None:
        self._ended_cleanly = close.code != _NO_CLOSE_FRAME
        logger.info("%s: closed with %d %s", self._name, close.code, close.reason)
        self._emulator.journal.write(self._name, "event", {"close": close.code, "reason": close.reason})
        stalled = self._conversation is not None and not self._conversation.writes
        if (stalled or close.code == _NO_CLOSE_FRAME) and request.transport is not None:
            request.transport.abort()
            return
        with contextlib.suppress(ConnectionError):
            await self._socket.close(code=close.code, message=close.reason.encode())

    def _leave(self) -> None:
        self._emulator.journal.end(self._name)
        if self._in_force is not None:
            self._emulator.faults.leave(self._in_force)
        if self._memory is None or self._profile is None or self._conversation is None:
            return
        code = self._socket.close_code
        self._emulator.sessions.leave(
            self._memory,
            time.monotonic(),
            self._profile,
            clean=self._ended_cleanly,
            speaking=self._conversation.turn_open or self._conversation.caller_speaking,
        )
        logger.info("%s: gone (%s)", self._name, code or WSCloseCode.ABNORMAL_CLOSURE)


def shown_key(request: web.BaseRequest) -> str:
    """Whatever the client shows: a key or a token, in a header or in the query."""
    headers, query = request.headers, request.query
    bearer = headers.get("Authorization", "").rpartition(" ")[2]
    keys = (query.get("access_token"), headers.get("x-goog-api-key"), query.get("key"), bearer)
    return next((key for key in keys if key), "")
