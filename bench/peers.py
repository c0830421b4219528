"""The peers of bench/calls.py and bench/recording.py: how each is started, and how each is brought into a room."""

import asyncio
import contextlib
import itertools
import json
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from livekit import api

from bench.floor_agent import SILENCE_MS
from demo.parts import Part, Program, running
from tests.e2e.stack import API_KEY, API_SECRET, ROOT, Gemini, Sfu, sfu, until, worker_environment
from tests.telephony.stack import redis

FLOOR, APART, STOCK, OURS, OFF, REDIS, RECORDED = "floor", "apart", "stock", "ours", "off", "redis", "recorded"
"""`apart` is the floor with a process for each call; `off` and `redis` are ours with FAILOVER=off, and with leases in Redis;
`recorded` is ours with recorded calls."""
RECORD = "audio,transcript,timeline"
MOST_APART = 8
IDLE_PROCESSES = 2
"""LiveKit's default on two cores, and ours."""

Invite = Callable[[str], AbstractAsyncContextManager[None]]
"""Brings the peer into the room of that name, if its caller's token doesn't; it leaves at the end of the block."""


@dataclass(frozen=True)
class Peer:
    """A running peer that waits for calls."""

    part: Part
    invite: Invite
    token: Callable[[str], str]
    """The caller's, for a room."""


def hide(_line: str) -> None:
    """Hide a part's line of output."""


@asynccontextmanager
async def servers(answer_s: float) -> AsyncIterator[tuple[Sfu, Gemini]]:
    """What all peers share: livekit-server, and a model that takes no time (bench/tone_model.py)."""
    with tempfile.TemporaryDirectory() as folder:
        ca_file = Path(folder) / "ca.pem"
        argv = [sys.executable, "-m", "bench.tone_model", "--ca-file", str(ca_file), "--answer-s", str(answer_s)]
        program = Program("model", argv, None, re.compile("^ready "), folder=ROOT, show=hide)
        async with sfu() as server, running(program) as part:
            yield server, Gemini((await part.ready()).split()[1], ca_file, Path(folder) / "journal.jsonl")


@asynccontextmanager
async def peer(name: str, server: Sfu, model: Gemini, answer_s: float) -> AsyncIterator[Peer]:
    """Start a peer and wait until it is warm."""
    floors = {FLOOR: 0, APART: MOST_APART}
    async with _floor(server, answer_s, floors[name]) if name in floors else _worker(name, server, model) as started:
        yield started


@asynccontextmanager
async def _worker(name: str, server: Sfu, model: Gemini) -> AsyncIterator[Peer]:
    argv = ["-m", "bench.stock_agent", "start"] if name == STOCK else ["agent.py", "start"]
    settings = {"GEMINI_SILENCE_MS": str(SILENCE_MS), "IDLE_PROCESSES": str(IDLE_PROCESSES), "CALLS_PER_WORKER": "100"}
    settings |= {"FAILOVER": "off"} if name == OFF else {}
    async with contextlib.AsyncExitStack() as stack:
        if name == REDIS:
            settings["REDIS_URL"] = f"redis://127.0.0.1:{await stack.enter_async_context(redis())}/0"
        if name == RECORDED:
            settings |= {"RECORD": RECORD, "RECORD_DIR": stack.enter_context(tempfile.TemporaryDirectory())}
        environment = worker_environment(server, model, **settings, DRAIN_TIMEOUT_S="1")
        program = Program(name, [sys.executable, *argv], environment, re.compile('"registered worker"'), folder=ROOT, show=hide)
        part = await stack.enter_async_context(running(program))
        await part.ready()
        await until(lambda: _processes(part) >= IDLE_PROCESSES, within_s=60)
        yield Peer(part, lambda _room: contextlib.nullcontext(), lambda room: server.token(room, "caller"))


def _processes(part: Part) -> int:
    return sum('"process initialized"' in line for line in part.lines)


@asynccontextmanager
async def _floor(server: Sfu, answer_s: float, processes: int) -> AsyncIterator[Peer]:
    argv = [sys.executable, "-m", "bench.floor_agent", "--answer-s", str(answer_s), "--processes", str(processes)]
    async with running(Program(FLOOR, argv, None, re.compile("^ready "), folder=ROOT, show=hide)) as part:
        ports = itertools.cycle(int(port) for port in (await part.ready()).split()[1:])

        @asynccontextmanager
        async def invite(room: str) -> AsyncIterator[None]:
            _, writer = await asyncio.open_connection("127.0.0.1", next(ports))
            writer.write(json.dumps({"url": server.url, "token": _agents_token(room)}).encode() + b"\n")
            try:
                yield
            finally:
                writer.close()
                await writer.wait_closed()

        yield Peer(part, invite, _callers_token)


def _agents_token(room: str) -> str:
    grants = api.VideoGrants(room_join=True, room=room, agent=True, can_publish=True, can_subscribe=True)
    return api.AccessToken(API_KEY, API_SECRET).with_identity("floor").with_kind("agent").with_grants(grants).to_jwt()


def _callers_token(room: str) -> str:
    grants = api.VideoGrants(room_join=True, room=room)
    return api.AccessToken(API_KEY, API_SECRET).with_identity("caller").with_grants(grants).to_jwt()
