"""The parts of a fleet: workers, Redis, livekit-server, the emulator, and a pipe between the workers and the emulator."""

import asyncio
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psutil
import yaml
from livekit import api

from demo.livekit_server import locate
from demo.parts import Program, running
from demo.settings import read_settings
from failover.redis_client import redis_client
from tests.chaos.programs import LastingProgram, lasting
from tests.chaos.words import script
from tests.e2e.faults.pipe import Pipe, piped
from tests.e2e.stack import API_KEY, API_SECRET, ROOT, Gemini, Sfu, until, worker_environment
from tests.ports import free_port, free_ports

AGENT_NAME = "chaos"
STOCK_NAME = "stock"
AGAIN_AFTER_S = 3.0
"""A program that was killed is started again after so long."""
_STARTS_WITHIN_S = 180.0
"""The time in which a worker must be warm; on two cores beside calls and other workers that start."""
_REST_S = 40.0
_SETTINGS = {
    "AGENT_NAME": AGENT_NAME,
    "GEMINI_MODEL": "gemini-3.8-live",
    "STILL_THERE_S": "600",
    "IDLE_PROCESSES": "2",
    "CALLS_PER_WORKER": "12",
    "DRAIN_TIMEOUT_S": "1",
}


@dataclass
class Fleet:
    """What can be killed, and what is known of the calls from the workers' logs."""

    folder: Path
    livekit: LastingProgram
    redis: LastingProgram | None
    """None: the workers keep their leases in a directory."""
    gemini: Pipe
    model: Gemini
    control_url: str
    sounds: Path
    server: Sfu
    redis_url: str | None
    workers: list[LastingProgram] = field(default_factory=list)
    answering: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By room: the number of the worker and the process that answers, or answered last."""

    def worker_line(self, number: int, line: str) -> None:
        """Take a line of a worker's log."""
        with (self.folder / f"worker-{number}.log").open("a") as log:
            log.write(line + "\n")
        if '"call started"' in line:
            entry = json.loads(line)
            self.answering[entry["room"]] = number, int(entry["pid"])

    def rooms_of(self, number: int) -> list[str]:
        """The rooms that a worker answers, or answered last."""
        return [room for room, (worker, _) in self.answering.items() if worker == number]

    async def ask(self, path: str) -> Any:
        """A question to the emulator's control endpoint."""
        async with aiohttp.ClientSession() as http, http.get(self.control_url + path) as response:
            return await response.json()

    async def left_over(self, processes_before: int) -> list[str]:
        """What outlives the calls for more than `_REST_S`: rooms, sessions, processes, keys, files."""
        facts: dict[str, Callable[[], Any]] = {
            "rooms": self._rooms,
            "sessions of Gemini that a socket holds": self._held,
            "keys in Redis, or files": self._kept,
            f"processes of the workers, {processes_before} before": lambda: self.processes(beyond=processes_before),
        }
        found = []
        async with asyncio.timeout(4 * _REST_S):
            for what, look in facts.items():
                left: list[Any] = []

                async def is_gone(look: Callable[[], Any] = look, left: list[Any] = left) -> bool:
                    seen = look()
                    left[:] = await seen if asyncio.iscoroutine(seen) else seen
                    return not left

                try:
                    await until(is_gone, within_s=_REST_S)
                except TimeoutError:
                    found.append(f"{what}: {left}")
        return found

    def processes(self, *, beyond: int = 0) -> list[int]:
        """The workers' processes; none, if they are no more than so many."""
        found = [child.pid for worker in self.workers for child in psutil.Process(worker.pid).children(recursive=True)]
        return found if len(found) > beyond else []

    async def _rooms(self) -> list[str]:
        async with self.server.api() as livekit:
            rooms = (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms
        return [room.name for room in rooms]

    async def _held(self) -> list[Any]:
        return [session for session in await self.ask("/sessions") if session["held"]]

    async def _kept(self) -> list[str]:
        files = [str(path) for path in (self.folder / "run").rglob("*") if path.is_file() and path.stem != "sweep"]
        if self.redis_url is None:
            return files
        async with redis_client(self.redis_url, decode_responses=True) as redis:
            keys = [key async for key in redis.scan_iter("*") if not key.endswith(":sweeper")]
        return files + keys


@asynccontextmanager
async def fleet(folder: Path, *, workers: int, with_redis: bool = True, **settings: str) -> AsyncIterator[Fleet]:
    """Start all of it; the block begins when the workers are warm. `settings`: of the workers."""
    async with AsyncExitStack() as stack:
        port = free_ports()
        livekit = await stack.enter_async_context(lasting(await _livekit(port, folder), again_after_s=AGAIN_AFTER_S))
        redis = url = None
        if with_redis:
            redis_port = free_port()
            redis = await stack.enter_async_context(lasting(_redis(redis_port), again_after_s=AGAIN_AFTER_S))
            url = f"redis://127.0.0.1:{redis_port}/0"
        model, control_url = await stack.enter_async_context(_emulator(folder))
        pipe = await stack.enter_async_context(piped(urlsplit(model.url).port or 0))
        server = Sfu(f"ws://127.0.0.1:{port}")
        made = Fleet(folder, livekit, redis, pipe, model, control_url, folder / "heard", server, url)
        (folder / "run").mkdir(mode=0o700)
        made.workers = [
            await stack.enter_async_context(lasting(_worker(made, number, settings), again_after_s=AGAIN_AFTER_S, waits=False))
            for number in range(workers)
        ]
        await asyncio.gather(*(worker.up() for worker in made.workers))
        yield made


@asynccontextmanager
async def stock_worker(made: Fleet) -> AsyncIterator[LastingProgram]:
    """LiveKit's own example, on the same livekit-server and model. It is restarted, too."""
    environment = worker_environment(made.server, _through_pipe(made), AGENT_NAME=STOCK_NAME, PYTHONPATH=str(ROOT))
    ready = re.compile("registered worker")  # a call that comes earlier is dispatched to nobody
    argv = [sys.executable, "bench/stock_agent.py", "start"]
    program = Program("stock", argv, environment, ready, show=_to_file(made.folder / "stock.log"))
    async with lasting(program, again_after_s=AGAIN_AFTER_S) as worker:
        yield worker


def _worker(made: Fleet, number: int, given: Mapping[str, str]) -> Program:
    temporary = made.folder / f"tmp-{number}"
    temporary.mkdir()
    settings = {**_SETTINGS, "TMPDIR": str(temporary), "XDG_RUNTIME_DIR": str(made.folder / "run")}
    if made.redis_url is not None:
        settings["REDIS_URL"] = made.redis_url

    def show(line: str) -> None:
        made.worker_line(number, line)

    environment = worker_environment(made.server, _through_pipe(made), **{**settings, **given})
    # the process of a call is ready before the worker is registered, or soon afterwards
    argv = [sys.executable, "agent.py", "start"]
    ready = re.compile('"process initialized"')
    return Program(f"worker-{number}", argv, environment, ready, ready_within_s=_STARTS_WITHIN_S, show=show)


def _through_pipe(made: Fleet) -> Gemini:
    return Gemini(f"https://127.0.0.1:{made.gemini.port}", made.model.ca_file, made.model.journal)


@asynccontextmanager
async def _emulator(folder: Path) -> AsyncIterator[tuple[Gemini, str]]:
    ca_file, journal = folder / "ca.pem", folder / "journal.jsonl"
    argv = [sys.executable, "-m", "emulator", "--port", "0", "--control-port", "0", "--ca-file", str(ca_file)]
    argv += ["--journal", str(journal), "--journal-audio", str(folder / "heard"), "--script", str(script(folder))]
    program = Program("emulator", argv, None, re.compile("^ready "), show=_to_file(folder / "emulator.log"))
    async with running(program) as part:
        url = (await part.ready()).split()[1]
        yield Gemini(url, ca_file, journal), (await part.says("control ")).split()[1]


async def _livekit(port: int, folder: Path) -> Program:
    config = yaml.safe_load((ROOT / "livekit.yaml").read_text())
    config["port"], config["rtc"]["udp_port"] = port, free_port(socket.SOCK_DGRAM)
    config["keys"] = {API_KEY: API_SECRET}
    path = await locate(read_settings(), print)
    environment = {**os.environ, "LIVEKIT_CONFIG": yaml.safe_dump(config)}
    show = _to_file(folder / "livekit.log")
    return Program("livekit", [str(path)], environment, re.compile("starting LiveKit server"), hurry_after_s=1, show=show)


def _redis(port: int) -> Program:
    program = shutil.which("redis-server")
    assert program is not None, "there is no redis-server; `sh scripts/packages` says how to get it"
    argv = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    return Program("redis", argv, None, re.compile("Ready to accept connections"), show=lambda _: None)


def _to_file(path: Path) -> Callable[[str], None]:
    def show(line: str) -> None:
        with path.open("a") as log:
            log.write(line + "\n")

    return show
