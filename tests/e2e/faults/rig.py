"""The parts that all rows share: livekit-server, the emulator with the script of markers, workers, a pipe before each server.

The worker reaches livekit-server's signalling and Gemini through pipes; its media, and the caller, go straight.
"""

import asyncio
import json
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from livekit import api

from demo.parts import Part, Program, running
from emulator.profiles import PROFILES
from tests.e2e.faults.pipe import Pipe, piped
from tests.e2e.faults.private import COLLECTORS_KEY, GOOGLE_KEY, Shown
from tests.e2e.faults.sentences import write_script
from tests.e2e.footprint import Footprint, at_rest, footprint
from tests.e2e.stack import ROOT, Gemini, Sfu, sfu_part, sharing_worker, until, worker, worker_environment
from tests.otlp import Collector, collector

_SETTINGS = {"CALLER_RETURN_S": "3", "STILL_THERE_S": "600"}
"""A caller who is gone is waited for shortly; nobody is asked whether they are still there: that is one sentence more."""
PATIENT = "patient"
"""The agent of a worker that waits for a caller's return as long as it does by default."""
MODEL = "gemini-3.8-live"
_REST_S = 30.0
_DIALS_EARLY_S = 1.0
_GRACE_S = 2.0
"""A supervisor kills a program so long after SIGTERM; really later."""
_WITH_DISK = ("unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=512k none "$0" && exec "$@"')
"""Linux only. Needs no rights where a user may make namespaces."""
_PROGRAMS = {
    "tools": ["-m", "tests.e2e.faults.tools_agent", "start"],
    "stock": ["bench/stock_agent.py", "start"],
}


class RigError(Exception):
    """The emulator couldn't do what a row asks for."""


class Rig:
    """What a row breaks, and what it asks afterwards."""

    def __init__(self, server: Sfu, folder: Path, stack: AsyncExitStack, model_name: str) -> None:
        self.server = server
        """Of the same URL, however often livekit-server is started again."""
        self.folder = folder
        self.model_name = model_name
        self.counts_turns = PROFILES[model_name].connection.handles_cover == "session"
        """The model knows after a loss how often it was asked."""
        self.sounds = folder / "heard"
        self._stack = stack
        self._agents: dict[str, tuple[Part, Footprint]] = {}
        self.usual_wait_s: dict[str, float] = {}
        """By kind of agent: from the caller's last word to the agent's first, without a fault; once it is known."""
        self._workers: list[Part] = []
        """All workers of ours that were ever started."""
        self._spans_read = 0

    gemini: Gemini
    """The emulator itself."""
    emulator: Part
    control: str
    model: Pipe
    """The way to Gemini."""
    signalling: Pipe
    """The workers' way to livekit-server, without the media."""
    livekit: "LivekitServer"
    collector: Collector
    """Of the workers' spans."""
    collector_url: str

    async def agent(self, name: str) -> tuple[Part, Footprint]:
        """The worker of that name, started if it isn't running yet, and what it holds between calls."""
        if name not in self._agents:
            part = await self._stack.enter_async_context(self._worker(name))
            self._agents[name] = part, await at_rest(part)
        return self._agents[name]

    async def breaks(self, name: str, **parameters: Any) -> None:
        """Ask the emulator for a fault."""
        await self._ask("POST", "/faults", {"name": name, **parameters})

    async def mend(self) -> list[dict[str, Any]]:
        """Break nothing any more. Returns what the emulator was asked for, with how often it happened."""
        self.model.slams = 0
        asked: list[dict[str, Any]] = await self._ask("GET", "/faults")
        await self._ask("DELETE", "/faults")
        return asked

    async def announce(self, text: str) -> None:
        """What the caller's next spoken turn will say."""
        await self._ask("POST", "/hears", {"text": text})

    async def left_over(self, room: str, agent: str) -> list[str]:
        """What outlives a call for more than `_REST_S`: participants, connections, sessions, processes, files."""
        if agent == "stock":
            return await self._clear_away(room)
        part, resting = await self.agent(agent)
        deadline = time.monotonic() + _REST_S
        facts: dict[str, Callable[[], Awaitable[bool] | bool]] = {
            "somebody in the room": lambda: self.server.is_empty(room),
            "a connection to Gemini": lambda: not self.model.connections,
            "a session that is held by a socket": self.is_free,
            f"something of the worker, which held {resting}": lambda: footprint(part) == resting,
        }
        found = []
        for what, fact in facts.items():
            try:
                await until(fact, within_s=max(deadline - time.monotonic(), 0.5))
            except TimeoutError:
                found.append(f"{what}, {footprint(part)} now")
        return found

    async def _clear_away(self, room: str) -> list[str]:
        """LiveKit's example stays in the room when its caller has left: nobody else does it, and nobody asks."""
        async with self.server.api() as livekit:
            await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
        await until(lambda: not self.model.connections, within_s=_REST_S)
        return []

    def journal(self, joined_at: float) -> list[dict[str, Any]]:
        """What went over the emulator's sockets in a call. Its agent dials while it joins: perhaps before the caller has."""
        return [line for line in self.gemini.lines() if line["t"] >= joined_at - _DIALS_EARLY_S]

    def connections(self, joined_at: float) -> list[str]:
        """The sessions that were asked for in a call, in order; the last words of the call before belong to none of them."""
        return [line["session"] for line in self.journal(joined_at) if "setup" in line["message"]]

    async def is_free(self) -> bool:
        """Whether no connection holds a session: what the emulator heard is complete."""
        return not any(session["held"] for session in await self._ask("GET", "/sessions"))

    async def shown(self) -> Shown:
        """What an operator sees of all workers of ours, spans that were shown before excepted."""
        lines = [line for part in self._workers for line in part.lines]
        files = [path.read_text(errors="replace").splitlines() for path in self.folder.rglob("worker-*.log")]
        spans = [str(span) for span in self.collector.spans[self._spans_read :]]
        self._spans_read += len(spans)
        ports = [int(port) for line in lines for port in re.findall(r"HTTP server listening on \S+:(\d+)", line)]
        return Shown([*lines, *(line for file in files for line in file)], [await _scraped(port) for port in ports], spans)

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        async with aiohttp.ClientSession() as http, http.request(method, self.control + path, json=body) as response:
            text = await response.text()
            if not response.ok:
                raise RigError(f"{method} {path}: {text}")
            return json.loads(text) if text else None

    @asynccontextmanager
    async def sharing_worker(self, agent_name: str, *, disk: Path | None = None, **settings: str) -> AsyncIterator[Part]:
        """A worker for one run of a row, with settings of its own. Several may have one agent's name.

        `disk`: a folder that is a small disk to this worker, and to nobody else.
        """
        through, model, usual = self._of_worker(agent_name)
        by = () if disk is None else (*_WITH_DISK, str(disk))
        async with sharing_worker(through, model, name=agent_name, by=by, **{**usual, **settings}) as part:
            self._workers.append(part)
            yield part

    def _of_worker(self, name: str) -> tuple[Sfu, Gemini, dict[str, str]]:
        """Its ways to livekit-server and to Gemini, and its settings."""
        temporary = self.folder / f"{name}-{time.monotonic_ns()}"
        temporary.mkdir()
        through = Sfu(f"ws://127.0.0.1:{self.signalling.port}")
        model = Gemini(f"https://127.0.0.1:{self.model.port}", self.gemini.ca_file, self.gemini.journal)
        settings = {**_SETTINGS, "GEMINI_MODEL": self.model_name, "AGENT_NAME": name}
        if name == PATIENT:
            settings.pop("CALLER_RETURN_S")
        exports = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.collector_url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={COLLECTORS_KEY}",
            "GOOGLE_API_KEY": GOOGLE_KEY,  # it is sent to nobody: GEMINI_BASE_URL is set
        }
        return through, model, settings | exports | {"TMPDIR": str(temporary), "SWITCHED": str(self.switched)}

    @asynccontextmanager
    async def _worker(self, name: str) -> AsyncIterator[Part]:
        through, model, settings = self._of_worker(name)
        if name not in _PROGRAMS:
            async with worker(through, model, name=name, **settings) as part:
                self._workers.append(part)
                yield part
            return
        environment = worker_environment(through, model, **settings, PYTHONPATH=str(ROOT))
        program = Program(name, [sys.executable, *_PROGRAMS[name]], environment, re.compile("registered worker"))
        async with running(program) as part:
            await part.ready()
            await part.says("process initialized")
            if name != "stock":
                self._workers.append(part)
            yield part

    @property
    def switched(self) -> Path:
        """The tools' worker writes a line here for each time that a tool really did something."""
        return self.folder / "switched"


class LivekitServer:
    """livekit-server, which can be ended and started again on the same port."""

    def __init__(self, part: Part, port: int, stack: AsyncExitStack) -> None:
        self._part = part
        self._port = port
        self._stack = stack

    async def end(self, *numbers: signal.Signals) -> None:
        """End it by these signals, two seconds apart."""
        for number in numbers:
            self._part.signal(number)
            if number != numbers[-1]:
                await asyncio.sleep(_GRACE_S)
        await self._part.ended()

    async def start(self) -> None:
        _, self._part = await self._stack.enter_async_context(sfu_part(self._port))


@asynccontextmanager
async def rig(folder: Path, model_name: str = MODEL) -> AsyncIterator[Rig]:
    """All parts but the workers, which start when they are asked for; their calls are with that model."""
    async with AsyncExitStack() as stack:
        server, livekit = await stack.enter_async_context(sfu_part())
        made = Rig(server, folder, stack, model_name)
        made.livekit = LivekitServer(livekit, _port(server.url), stack)
        ca_file, journal = folder / "ca.pem", folder / "journal.jsonl"
        argv = [sys.executable, "-m", "emulator", "--port", "0", "--control-port", "0", "--ca-file", str(ca_file)]
        argv += ["--journal", str(journal), "--journal-audio", str(made.sounds), "--script", str(write_script(folder))]
        program = Program("emulator", argv, None, re.compile("^ready "), show=lambda _: None)
        made.emulator = await stack.enter_async_context(running(program))
        made.gemini = Gemini((await made.emulator.ready()).split()[1], ca_file, journal)
        made.control = (await made.emulator.says("control ")).split()[1]
        made.model = await stack.enter_async_context(piped(_port(made.gemini.url)))
        made.signalling = await stack.enter_async_context(piped(_port(made.server.url)))
        made.switched.touch()
        made.collector, made.collector_url = await stack.enter_async_context(collector())
        yield made


async def _scraped(port: int) -> str:
    """The metrics of the worker at that port; nothing, if it has ended."""
    try:
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/metrics") as response:
            return await response.text()
    except aiohttp.ClientConnectionError:
        return ""


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
