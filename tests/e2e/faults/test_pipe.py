"""The pipe does to a connection what its name says, and nothing while nothing is asked for."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.e2e.faults.pipe import Pipe, piped
from tests.e2e.stack import until

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def echoing() -> AsyncIterator[Pipe]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, piped(server.sockets[0].getsockname()[1]) as pipe:
        yield pipe


@asynccontextmanager
async def client(pipe: Pipe) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", pipe.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def echoed(streams: Streams, data: bytes) -> bytes:
    reader, writer = streams
    writer.write(data)
    async with asyncio.timeout(5):
        return await reader.readexactly(len(data))


async def test_what_flows_through_is_untouched() -> None:
    data = bytes(range(256)) * 4000
    async with echoing() as pipe, client(pipe) as streams:
        assert await echoed(streams, data) == data
        [connection] = pipe.connections
        assert connection.opening.startswith(data[:100])


async def test_a_side_that_closes_closes_the_other() -> None:
    async with echoing() as pipe:
        async with client(pipe) as streams:
            await echoed(streams, b"x")
        await until(lambda: not pipe.connections)


async def test_a_cut_is_a_reset_or_an_end() -> None:
    async with echoing() as pipe:
        async with client(pipe) as streams:
            await echoed(streams, b"x")
            assert pipe.cut() == 1
            with pytest.raises(ConnectionResetError):
                await streams[0].read()
        async with client(pipe) as streams:
            await echoed(streams, b"x")
            assert pipe.cut(reset=False) == 1
            assert await streams[0].read() == b""
        async with client(pipe) as streams:
            assert await echoed(streams, b"and again") == b"and again"
            assert pipe.cut(where=lambda connection: not connection.opening.startswith(b"and")) == 0


async def test_nothing_flows_while_it_is_stalled_and_all_of_it_after() -> None:
    async with echoing() as pipe, client(pipe) as (reader, writer):
        await echoed((reader, writer), b"x")
        with pipe.stalled():
            writer.write(b"later")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await reader.readexactly(5)
        async with asyncio.timeout(5):
            assert await reader.readexactly(5) == b"later"


async def test_who_comes_while_it_is_away_is_refused_and_the_port_is_kept() -> None:
    async with echoing() as pipe, client(pipe) as before:
        await echoed(before, b"x")
        async with pipe.away():
            with pytest.raises(ConnectionResetError):
                await before[0].read()
            for _ in range(20):
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection("127.0.0.1", pipe.port)
        async with client(pipe) as after:
            assert await echoed(after, b"back") == b"back"


async def test_it_slams_as_often_as_asked() -> None:
    async with echoing() as pipe:
        pipe.slams = 2
        for _ in range(2):
            async with client(pipe) as (reader, _):
                with pytest.raises(ConnectionResetError):
                    await reader.read()
        async with client(pipe) as streams:
            assert await echoed(streams, b"in") == b"in"
        assert len(pipe.attempts) == 3


async def test_each_way_takes_its_delay() -> None:
    async with echoing() as pipe, client(pipe) as streams:
        await echoed(streams, b"x")
        pipe.delay_s = 0.1
        since = time.monotonic()
        await echoed(streams, b"slow")
        assert 0.2 <= time.monotonic() - since < 1.0


async def test_what_is_swallowed_stays_open_and_others_work() -> None:
    async with echoing() as pipe:
        async with client(pipe) as (reader, writer):
            await echoed((reader, writer), b"x")
            assert pipe.swallow() == 1
            writer.write(b"lost")
            async with client(pipe) as other:
                assert await echoed(other, b"works") == b"works"
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await reader.read(1)
        await until(lambda: not pipe.connections)
