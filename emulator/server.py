"""The sockets: `wss`, one task group per connection, frames to the conversation and back; paths as the service has them."""

import asyncio
import http
import logging
import re
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from emulator import closes, messages, wire
from emulator.acceptance import accept
from emulator.closes import Close
from emulator.conversation import Conversation
from emulator.errors import RefusedError
from emulator.journal import Journal
from emulator.profiles import PROFILES, Profile
from emulator.script import Script
from emulator.sessions import Memory, Sessions
from emulator.voice import speak

logger = logging.getLogger("emulator")

_PATH = re.compile(
    r"^/+ws/google\.ai\.generativelanguage\.(v1|v1beta|v1alpha)\.GenerativeService\.BidiGenerateContent(Constrained)?$"
)
_BAD_KEY_S = 0.085
_LARGEST_FRAME_BYTES = 4 * 1024 * 1024
_NORMAL_CLOSES = {1000, 1001}


@dataclass
class Emulator:
    """What all connections share."""

    script: Script
    journal: Journal
    api_key: str | None = None
    """The only key that is taken; without it any key is."""
    fallback: Profile | None = None
    """The profile of models that the table doesn't know; without it they are refused."""
    sessions: Sessions = field(default_factory=Sessions)

    def profile_for(self, setup: messages.Setup, version: str) -> Profile:
        """The profile of the setup's model.

        Raises:
            RefusedError: no such model.
        """
        profile = PROFILES.get(setup.model.removeprefix("models/"), self.fallback)
        if profile is None or not setup.model.startswith("models/"):
            raise RefusedError(closes.unknown_model(setup.model, version))
        return profile


@asynccontextmanager
async def serving(emulator: Emulator, *, host: str, port: int, tls: ssl.SSLContext) -> AsyncIterator[Server]:
    """Serve until the block is left; open sessions are then closed with 1001."""

    async def connection(socket: ServerConnection) -> None:
        await _Connection(emulator, socket).run()

    async with serve(
        connection,
        host,
        port,
        ssl=tls,
        compression=None,  # base64 PCM barely shrinks, and whether Google negotiates it is unknown
        ping_interval=None,  # the service never pings
        max_size=_LARGEST_FRAME_BYTES,
        process_request=_check_path,
        server_header=None,
    ) as server:
        yield server


def _check_path(_socket: ServerConnection, request: Request) -> Response | None:
    if _PATH.match(request.path.partition("?")[0]) is None:
        return Response(http.HTTPStatus.NOT_FOUND, "Not Found", Headers(), b"the Live API is not at this path\n")
    return None


class _Connection:
    def __init__(self, emulator: Emulator, socket: ServerConnection) -> None:
        self._emulator = emulator
        self._socket = socket
        self._conversation: Conversation | None = None
        self._memory: Memory | None = None
        self._profile: Profile | None = None
        self._wake = asyncio.Event()
        self._name = socket.id.hex[:8]

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write(), name="writer")
                try:
                    await self._read()
                finally:
                    writer.cancel()
        except* ConnectionClosed:
            pass  # the reader's way of saying that the client is gone
        except* RefusedError as refused:
            for error in refused.exceptions:
                if isinstance(error, RefusedError):
                    await self._close(error.close)
        finally:
            self._leave()

    async def _read(self) -> None:
        version, key = self._identify()
        async for frame in self._socket:
            self._emulator.journal.write(self._name, "received", frame)
            if not key:
                raise RefusedError(closes.NO_KEY)
            message = wire.parse(frame)
            now = time.monotonic()
            if self._conversation is None:
                await self._begin(message, version, key, now)
            else:
                self._conversation.receive(message, now)
            self._wake.set()

    def _identify(self) -> tuple[str, str]:
        request = self._socket.request
        assert request is not None
        where, _, asked = request.path.partition("?")  # urlsplit would take the SDK's double slash for a host
        path = _PATH.match(where)
        assert path is not None
        query = parse_qs(asked)
        headers = request.headers
        bearer = headers.get("Authorization", "").rpartition(" ")[2]
        keys = (headers.get("x-goog-api-key"), *query.get("key", []), *query.get("access_token", []), bearer)
        return path[1], next((key for key in keys if key), "")

    async def _begin(self, message: messages.ClientMessage, version: str, key: str, now: float) -> None:
        if not isinstance(message, messages.Setup):
            raise RefusedError(closes.INVALID_ARGUMENT)
        if self._emulator.api_key is not None and key != self._emulator.api_key:
            await asyncio.sleep(_BAD_KEY_S)
            raise RefusedError(closes.BAD_KEY)
        profile = self._emulator.profile_for(message, version)
        accept(message)
        try:
            self._memory = self._emulator.sessions.open(message.handle, now)
        except RefusedError:
            await asyncio.sleep(profile.locked_s)
            raise
        self._profile = profile
        self._conversation = Conversation(profile, message, self._emulator.script, self._memory, speak)
        self._conversation.begin(now, resumed=message.handle is not None)
        logger.info("%s: session %s on %s", self._name, self._memory.handle, profile.model)

    async def _write(self) -> None:
        while True:
            timeout_s = None
            if self._conversation is not None:
                self._conversation.advance(time.monotonic())
                for message in self._conversation.take():
                    await self._send(message)
                if self._conversation.close is not None:
                    raise RefusedError(self._conversation.close)
                next_at = self._conversation.next_at
                timeout_s = None if next_at is None else max(next_at - time.monotonic(), 0)
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake.wait()
                    self._wake.clear()
            except TimeoutError:
                pass  # something of the conversation's is due

    async def _send(self, message: messages.Json) -> None:
        await self._socket.send(wire.encode(message))
        self._emulator.journal.write(self._name, "sent", message)

    async def _close(self, close: Close) -> None:
        logger.info("%s: closed with %d %s", self._name, close.code, close.reason)
        self._emulator.journal.write(self._name, "event", {"close": close.code, "reason": close.reason})
        await self._socket.close(close.code, close.reason)

    def _leave(self) -> None:
        if self._memory is None or self._profile is None or self._conversation is None:
            return
        self._emulator.sessions.leave(
            self._memory,
            time.monotonic(),
            self._profile,
            clean=self._socket.close_code in _NORMAL_CLOSES,
            speaking=self._conversation.turn_open or self._conversation.caller_speaking,
        )
        logger.info("%s: gone (%s)", self._name, self._socket.close_code)
