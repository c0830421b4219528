"""A TCP pipe that can be cut, stalled, slowed and closed to newcomers. What flows through it, TLS included, stays untouched."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from tests.ports import free_port

_PIECE_BYTES = 64 * 1024
_MOST_DELAYED = 1000
"""Pieces on their way in one direction; then the sender is not read any more."""
_OPENING_BYTES = 200
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection:
    """One client's way through."""

    def __init__(self, pipe: "Pipe", here: asyncio.StreamWriter, there: asyncio.StreamWriter) -> None:
        self.opening = b""
        """The first bytes that the client sent: of plain HTTP, the request line."""
        self.is_swallowed = False
        """Both sides' bytes are taken and go nowhere; that a side closes is passed on."""
        self._pipe = pipe
        self._here, self._there = here, there

    async def carry(self, from_client: asyncio.StreamReader, from_server: asyncio.StreamReader) -> None:
        """Until one side closes, or it is cut."""
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._direction(from_client, self._there))
                both.create_task(self._direction(from_server, self._here))
        except* (ConnectionError, _SideClosedError):
            pass
        finally:
            for writer in (self._here, self._there):
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

    def cut(self, *, reset: bool) -> None:
        for writer in (self._here, self._there):
            if reset:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                writer.transport.abort()
            else:
                writer.close()

    async def _direction(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=_MOST_DELAYED)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._deliver(waiting, target))
            while True:
                await self._pipe.flows.wait()
                data = await source.read(_PIECE_BYTES)
                if target is self._there and len(self.opening) < _OPENING_BYTES:
                    self.opening += data[:_OPENING_BYTES]
                if data and self.is_swallowed:
                    continue
                await waiting.put((time.monotonic() + self._pipe.delay_s, data))

    async def _deliver(self, waiting: asyncio.Queue[tuple[float, bytes]], target: asyncio.StreamWriter) -> None:
        while True:
            due_at, data = await waiting.get()
            await asyncio.sleep(max(due_at - time.monotonic(), 0))
            await self._pipe.flows.wait()
            if not data:
                raise _SideClosedError
            target.write(data)
            await target.drain()


class _SideClosedError(Exception):
    """One side has closed; so does the other."""


class Pipe:
    """Clients' way to a port of this machine: connect to `port` instead. Made by `piped`."""

    def __init__(self, target_port: int) -> None:
        self.delay_s = 0.0
        """Each piece is on its way for so long."""
        self.connections: list[Connection] = []
        """Those that are open, oldest first."""
        self.attempts: list[float] = []
        """When clients came, let in or not; those that found nobody listening can't be known."""
        self.flows = asyncio.Event()
        self.flows.set()
        self._target_port = target_port
        # bound and never listening: who connects while nobody else listens is refused, and nobody takes the port
        self._holder = _bound(free_port())
        self.port = int(self._holder.getsockname()[1])
        self._server: asyncio.Server | None = None
        self.slams = 0
        """So many of the next connections are reset before their first byte: TLS handshakes that fail."""

    async def listen(self) -> None:
        """Let clients in."""
        self._server = self._server or await asyncio.start_server(self._serve, sock=_bound(self.port))

    def refuse(self) -> None:
        """Nobody listens any more; connections that are open stay so."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def cut(self, *, reset: bool = True, where: Callable[[Connection], bool] = lambda _: True) -> int:
        """End the connections, with RST or FIN; returns how many there were."""
        found = [connection for connection in self.connections if where(connection)]
        for connection in found:
            connection.cut(reset=reset)
        return len(found)

    def swallow(self) -> int:
        """Of the connections that are open nothing arrives any more, for good; new ones work. Returns how many there were."""
        for connection in self.connections:
            connection.is_swallowed = True
        return len(self.connections)

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Nothing flows, either way; the connections stay open, and new ones are taken."""
        self.flows.clear()
        try:
            yield
        finally:
            self.flows.set()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """What is open is reset, and nobody listens."""
        self.refuse()
        self.cut()
        try:
            yield
        finally:
            await self.listen()

    async def close(self) -> None:
        self.refuse()
        self.cut()
        self.flows.set()
        self._holder.close()
        async with asyncio.timeout(5):
            while self.connections:
                await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts.append(time.monotonic())
        if self.slams:
            self.slams -= 1
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()
            return
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        connection = Connection(self, writer, there_writer)
        self.connections.append(connection)
        try:
            await connection.carry(reader, there_reader)
        finally:
            self.connections.remove(connection)


@asynccontextmanager
async def piped(target_port: int) -> AsyncIterator[Pipe]:
    """A pipe to a port of this machine, for as long as the block lasts."""
    pipe = Pipe(target_port)
    await pipe.listen()
    try:
        yield pipe
    finally:
        await pipe.close()


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound
