"""Clients that begin a request and don't go on: they are cut off, and others are served meanwhile."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvicorn
from uvicorn.server import ServerState

from records.call_folder import SOUND
from tests.e2e.stack import until
from tests.token_server.program import UNLIMITED, TokenServerProcess, parse_answer, running_token_server
from token_server import connections
from token_server.app import build
from token_server.connections import HEAD_S, MOST_CONNECTIONS, MOST_PER_ADDRESS, DeadlineProtocol
from token_server.settings import read_settings

HALF_HEAD = b"POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow"
HALF_BODY = b"POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n{"


@asynccontextmanager
async def dripping(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """A byte now and then, while the block lasts."""

    async def drip() -> None:
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.2)

    drops = asyncio.create_task(drip())
    try:
        yield
    finally:
        drops.cancel()


@pytest.fixture(scope="module")
async def hasty() -> AsyncIterator[TokenServerProcess]:
    async with running_token_server(TOKEN_BODY_S="1", **UNLIMITED) as running:
        yield running


@asynccontextmanager
async def connection(
    port: int, begun: bytes, local: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(local, 0))
    try:
        writer.write(begun)
        yield reader, writer
    finally:
        writer.close()


async def test_half_sent_requests_hold_nobody_up(hasty: TokenServerProcess) -> None:
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        half = [
            await stack.enter_async_context(connection(hasty.port, begun))
            for _ in range(150)
            for begun in (HALF_HEAD, HALF_BODY)
        ]
        began = loop.time()
        for _ in range(20):
            assert (await hasty.ask()).status == 201
        assert loop.time() - began < HEAD_S
        async with asyncio.timeout(4 * HEAD_S):
            ends = await asyncio.gather(*(reader.read() for reader, _ in half))
    for end in ends:
        assert parse_answer(end[: end.index(b"}") + 1]).status == 408
        assert parse_answer(end[: end.index(b"}") + 1]).code == "too_slow"


async def test_a_drop_now_and_then_is_no_progress(hasty: TokenServerProcess) -> None:
    begun = b"POST /token HTTP/1.1\r\nX: "
    async with (
        connection(hasty.port, begun) as (reader, writer),
        dripping(writer),
        asyncio.timeout(3 * HEAD_S),
    ):
        assert b" 408 " in await reader.readline()


async def test_what_comes_after_a_refusal_keeps_nothing_open(hasty: TokenServerProcess) -> None:
    """A body that goes on after its answer is no new request."""
    begun = b"POST /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n"
    async with connection(hasty.port, begun) as (reader, writer):
        assert b" 404 " in await reader.readline()
        async with dripping(writer), asyncio.timeout(3 * HEAD_S):
            await _read_to_the_end(reader)


async def test_who_waits_longest_makes_room(hasty: TokenServerProcess) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(MOST_CONNECTIONS + 50):
            await stack.enter_async_context(connection(hasty.port, b"G"))
        assert (await hasty.ask()).status == 201
        kept = [one for one in psutil.Process(hasty.part.pid).net_connections() if one.status == psutil.CONN_ESTABLISHED]
        assert len(kept) <= MOST_CONNECTIONS


async def test_who_takes_no_answer_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(os.urandom(2**24))  # no socket's buffers hold so much
    async with running_token_server(WEB_DIR=str(tmp_path), **UNLIMITED) as running, AsyncExitStack() as stack:
        process = psutil.Process(running.part.pid)
        before = process.memory_info().rss
        for _ in range(MOST_CONNECTIONS + 20):
            asked = b"GET /large.png HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            reader, _ = await stack.enter_async_context(connection(running.port, asked))
        await reader.readline()
        assert (await running.ask()).status == 201
        assert process.memory_info().rss - before < 2**24 + MOST_CONNECTIONS * 2**19
        last = await stack.enter_async_context(connection(running.port, b"GET /large.png HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"))
        assert len((await last[0].read()).partition(b"\r\n\r\n")[2]) == 2**24


@asynccontextmanager
async def token_server_in_process(
    folder: Path, protocol: type[DeadlineProtocol] = DeadlineProtocol, **settings: Any
) -> AsyncIterator[tuple[int, ServerState]]:
    """The token server in this process, where times can be made short and buffers small: its port, and what uvicorn knows."""
    app = build(read_settings(None, livekit_api_key="key", livekit_api_secret="secret", web_dir=folder, **settings))
    config, state = uvicorn.Config(app, ws="none", log_config=None), ServerState()
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: protocol(config, state, {}), sock=listening):
        yield listening.getsockname()[1], state


class CountsLoopback(DeadlineProtocol):
    shared = ()


async def test_one_address_has_a_share_of_the_connections(tmp_path: Path) -> None:
    """Whoever opens more loses the oldest ones, and nobody else loses one."""
    async with token_server_in_process(tmp_path, CountsLoopback) as (port, state), AsyncExitStack() as stack:
        other = await stack.enter_async_context(connection(port, b"G", local="127.0.0.2"))
        many = [await stack.enter_async_context(connection(port, b"G")) for _ in range(MOST_PER_ADDRESS + 5)]
        for reader, _ in many[:5]:
            await _read_to_the_end(reader)
        await until(lambda: len(state.connections) == MOST_PER_ADDRESS + 1)
        other[1].write(b"ET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"200" in await other[0].readline()


@pytest.mark.parametrize(
    ("proxies", "host", "counted"),
    [
        ((), "198.51.100.7", "198.51.100.7"),
        ((), "2001:db8::1:2:3:4", "2001:db8::/64"),
        ((), "127.0.0.1", ""),
        ((), "::ffff:127.0.0.1", ""),
        (("198.51.100.0/24",), "198.51.100.7", ""),
        (("198.51.100.0/24",), "198.51.101.7", "198.51.101.7"),
    ],
)
async def test_proxies_and_this_machine_have_as_many_connections_as_they_need(
    tmp_path: Path, proxies: tuple[str, ...], host: str, counted: str
) -> None:
    app = build(read_settings(None, livekit_api_key="key", livekit_api_secret="secret", web_dir=tmp_path))
    made = connections.protocol(proxies)(uvicorn.Config(app, ws="none", log_config=None), ServerState(), {})
    made.client = (host, 1)
    assert made.counted_address() == counted


@pytest.mark.parametrize(("size", "header"), [(2**24, b""), (60_000, b"Connection: close\r\n"), (60_000, b"")])
async def test_an_answer_must_be_taken_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, header: bytes
) -> None:
    """A long one; and one whose end is already on its way when the client stops reading."""
    monkeypatch.setattr(connections, "ANSWERED_S", 0.5)
    monkeypatch.setattr(connections, "HEAD_S", 0.5)
    (tmp_path / "large.png").write_bytes(os.urandom(size))
    async with token_server_in_process(tmp_path) as (port, state):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        with client:
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, ("127.0.0.1", port))
            await loop.sock_sendall(client, b"GET /large.png HTTP/1.1\r\nHost: 127.0.0.1\r\n" + header + b"\r\n")
            assert (await loop.sock_recv(client, 12)).endswith(b"200")
            assert state.connections
            async with asyncio.timeout(10):
                while state.connections or state.tasks:
                    await asyncio.sleep(0.01)


@asynccontextmanager
async def asked_for_sound(tmp_path: Path, content: bytes) -> AsyncIterator[tuple[socket.socket, ServerState]]:
    """A client that has asked for the sound of a recorded call and has taken the first bytes of the answer."""
    call, key = "20261129T083013Z-2b43623d", "the-key-of-the-operator"
    (tmp_path / call).mkdir()
    (tmp_path / call / SOUND).write_bytes(content)
    async with token_server_in_process(tmp_path, operator_key=key, record_dir=tmp_path) as (port, state):
        client, loop = socket.socket(), asyncio.get_running_loop()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        with client:
            await loop.sock_connect(client, ("127.0.0.1", port))
            head = f"GET /records/{call}/sound HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n"
            await loop.sock_sendall(client, head.encode())
            assert (await loop.sock_recv(client, 12)).endswith(b"200")
            yield client, state


async def test_the_sound_of_a_long_call_may_take_as_long_as_its_client_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an hour of sound is 174 MB: a minute is too short for many lines."""
    monkeypatch.setattr(connections, "ANSWERED_S", 1.0)
    content, loop = os.urandom(2**20), asyncio.get_running_loop()
    async with asked_for_sound(tmp_path, content) as (client, _):
        began, taken = loop.time(), b""
        while not taken.endswith(content[-1000:]):
            received = await loop.sock_recv(client, 2**14)
            assert received, "the server has dropped the answer"
            taken += received
            await asyncio.sleep(0.01)
        assert loop.time() - began > 2 * connections.ANSWERED_S
    assert taken.endswith(content)


async def test_the_sound_of_a_call_that_nobody_takes_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "ANSWERED_S", 0.5)
    monkeypatch.setattr(connections, "HEAD_S", 0.5)
    async with asked_for_sound(tmp_path, os.urandom(2**24)) as (_, state):
        await until(lambda: not state.connections)


async def test_one_connection_takes_several_requests(hasty: TokenServerProcess) -> None:
    request = b"POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}"
    async with connection(hasty.port, request * 3) as (reader, _):
        for _ in range(3):
            assert b" 201 " in await reader.readline()
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split()[1])
            assert json.loads(await reader.readexactly(length))["participant_token"]


async def _read_to_the_end(reader: asyncio.StreamReader) -> None:
    try:
        await reader.read()
    except ConnectionError:
        return
