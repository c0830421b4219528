"""Proxies of the environment, in real calls: LiveKit on this machine is reached without one, one elsewhere through it."""

import asyncio
import contextlib
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from caller import AgentSound
from demo.parts import Program, running
from tests.e2e.stack import Gemini, Sfu, worker, worker_environment
from tests.ports import free_port

NEVER = re.compile("never said")
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@asynccontextmanager
async def proxy(port: int) -> AsyncIterator[tuple[str, list[str]]]:
    """An HTTP proxy that leads to a port of this machine, whatever it is asked for. Yields its URL and what it was asked."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
            asked.append(f"{method} {target}")
            there_reader, there = await asyncio.open_connection("127.0.0.1", port)
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                parts = urlsplit(target)
                there.write(head.replace(target.encode(), target.partition(parts.netloc)[2].encode(), 1))
            await asyncio.gather(pump(reader, there), pump(there_reader, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    finally:
        target.close()


@pytest.mark.long
async def test_a_livekit_on_this_machine_is_reached_without_any_proxy(server: Sfu, model: Gemini, room: str) -> None:
    """Registration, the room, the end of the room, and the headless caller; NO_PROXY isn't set."""
    with socket.create_server(("127.0.0.1", 0)) as dead:
        nowhere = dict.fromkeys(NAMES, f"http://127.0.0.1:{dead.getsockname()[1]}")
        async with worker(server, model, AGENT_NAME="unproxied", NO_PROXY="", no_proxy="", **nowhere) as part:
            token = server.token(room, "caller", agent_name="unproxied")
            argv = [sys.executable, "-m", "caller", "--url", server.url, "--token", token, "--type", "hello"]
            environment = worker_environment(server, model, **nowhere)
            async with running(Program("caller", argv, environment, NEVER)) as caller, asyncio.timeout(60):
                assert await caller.ended() == 0
            await part.says("call ended: the caller left")
            assert not any("WARN" in line and "proxy" in line.lower() for line in part.lines)
        dead.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            raise AssertionError(f"something came to the proxy: {dead.accept()}")


@pytest.mark.long
async def test_a_livekit_elsewhere_is_reached_through_the_proxy(server: Sfu, model: Gemini, room: str) -> None:
    """Check, registration and room: each asks the proxy; NO_PROXY names others."""
    port = int(server.url.rpartition(":")[2])
    async with proxy(port) as (url, asked):
        elsewhere = Sfu(f"ws://livekit.invalid:{port}")
        settings = {"AGENT_NAME": "proxied", "HTTP_PROXY": url, "NO_PROXY": "127.0.0.1,example.com"}
        async with worker(elsewhere, model, **settings), server.caller(room, agent_name="proxied") as caller:
            await caller.first(AgentSound, within_s=20)
    assert any(f"//livekit.invalid:{port}/twirp/livekit.RoomService/ListRooms" in line for line in asked)
    assert any(f"//livekit.invalid:{port}/agent" in line for line in asked)
    assert f"CONNECT livekit.invalid:{port}" in asked


async def test_what_fails_on_the_way_names_the_proxy(model: Gemini) -> None:
    nowhere = Sfu("wss://livekit.invalid")
    through = f"http://user:secret@127.0.0.1:{free_port()}"
    environment = worker_environment(nowhere, model, LIVEKIT_CONNECT_RETRIES="1", HTTPS_PROXY=through, NO_PROXY="")
    program = Program("lost", [sys.executable, "agent.py", "start"], environment, NEVER)
    async with running(program) as part:
        said = await part.says("no LiveKit at wss://livekit.invalid through the proxy http://127.0.0.1:")
        assert "secret" not in said
