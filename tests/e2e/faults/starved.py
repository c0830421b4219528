"""The rows in which the machine has too little: CPU, or room on the disk of the worker's data."""

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from demo.parts import Part, Program, running
from tests.e2e.faults.bounds import Bounds
from tests.e2e.faults.judge import Verdict, judge
from tests.e2e.faults.rig import Rig
from tests.e2e.faults.sentences import FIRST, QUESTIONS, SECOND, STORY
from tests.e2e.faults.stage import Stage, evidence_of
from tests.e2e.faults.timeline import timeline
from tests.e2e.stack import API_KEY, API_SECRET, until
from tests.ports import free_port
from tests.token_server.program import UNLIMITED, TokenServerProcess, running_token_server

_GAP_MS = 200.0
_BUSY_PER_CORE = 2
"""So many programs for each core take all of its time that they get."""
_USUAL_WAIT_S = 0.9
_REFUSED_WITHIN_S = 3.0
_RESTS_WITHIN_S = 30.0
"""After the call no connection holds a session of Gemini any more."""
_STOPPED = "the recording has stopped; the call goes on"
_NO_STORE = "no other process can go on with this call: its store is not available"


async def cpu_starved(rig: Rig, _agent: str) -> Verdict:
    """Every core is busy while a caller hears a long answer; the token server is asked for a further call."""
    name, port = "starved", free_port()
    settings = {"LIVEKIT_URL": rig.server.url, "AGENT_NAME": name, "TOKEN_WORKERS_URL": f"http://127.0.0.1:{port}"}
    pair = {"LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}
    async with (
        rig.sharing_worker(name, CALLS_PER_WORKER="1", HEALTH_PORT=str(port)) as part,
        running_token_server(**settings, **pair, **UNLIMITED) as door,
        _call(rig, name) as stage,
    ):
        await stage.greeted()
        await stage.asks(QUESTIONS[0], FIRST)
        async with _busy_machine():
            stage.struck()
            await stage.types("Tell me the story", STORY)
            await stage.begins(STORY)
            stage.wrong += await _refused(door)
            await stage.hears(STORY, within_s=30)
            await stage.asks(QUESTIONS[1], SECOND)
    await until(rig.is_free, within_s=_RESTS_WITHIN_S)
    bounds = Bounds(causes=None, gap_ms=_GAP_MS, over_s=1.0)
    return _verdict(rig, stage, part, bounds)


async def disk_full(rig: Rig, _agent: str) -> Verdict:
    """The disk of recordings and checkpoints is full from the middle of a call on."""
    name, disk = "disk-full", rig.folder / f"disk-{secrets.token_hex(3)}"
    disk.mkdir()
    settings = {"RECORD": "audio,transcript,timeline", "RECORD_DIR": str(disk / "records"), "RECORD_NOTICE": "off"}
    async with rig.sharing_worker(name, disk=disk, FAILOVER_DIR=str(disk / "calls"), **settings) as part:
        async with _call(rig, name) as stage:
            await stage.greeted()
            await stage.asks(QUESTIONS[0], FIRST)
            stage.struck()
            _fill(part, disk)
            await stage.types("Tell me the story", STORY)
            await stage.hears(STORY, within_s=30)
            await stage.asks(QUESTIONS[1], SECOND)
        said = "\n".join(part.lines)
        stage.wrong += [f"the log does not say {line!r}" for line in (_STOPPED, _NO_STORE) if line not in said]
    await until(rig.is_free, within_s=_RESTS_WITHIN_S)
    return _verdict(rig, stage, part, Bounds(causes=None, gap_ms=_GAP_MS))


@asynccontextmanager
async def _call(rig: Rig, agent_name: str) -> AsyncIterator[Stage]:
    room = f"fault-31-{secrets.token_hex(3)}"
    async with rig.server.caller(room, agent_name=agent_name) as caller:
        yield Stage(rig, caller, room)


@asynccontextmanager
async def _busy_machine() -> AsyncIterator[None]:
    """Programs that take all the time that they get, of the priority of everything else here."""
    argv = [sys.executable, "-c", "print('busy', flush=True)\nwhile True: pass"]
    async with AsyncExitStack() as stack:
        for number in range(_BUSY_PER_CORE * (os.cpu_count() or 1)):
            program = Program(f"busy-{number}", argv, None, re.compile("busy"), show=lambda _: None)
            await (await stack.enter_async_context(running(program))).ready()
        yield


async def _refused(door: TokenServerProcess) -> list[str]:
    """What is wrong with the token server's refusal of a second call."""
    try:
        async with asyncio.timeout(_REFUSED_WITHIN_S):
            answer = await door.ask()
    except TimeoutError:
        return [f"a further caller was not refused within {_REFUSED_WITHIN_S:g} s"]
    is_refused = answer.status == HTTPStatus.SERVICE_UNAVAILABLE and answer.code == "workers_full"
    return [] if is_refused else [f"a further caller got {answer.status}"]


def _fill(part: Part, disk: Path) -> None:
    """Write until nothing more fits. Only the worker sees the disk."""
    seen = Path(f"/proc/{part.pid}/root{disk}/other-data")
    with contextlib.suppress(OSError), seen.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert shutil.disk_usage(seen).free == 0, "the disk is not full"


def _verdict(rig: Rig, stage: Stage, part: Part, bounds: Bounds) -> Verdict:
    verdict = judge(evidence_of(stage), bounds, usual_wait_s=rig.usual_wait_s.get("ours", _USUAL_WAIT_S))
    verdict.wrong.extend(stage.wrong)
    verdict.timeline.extend(timeline(rig, stage, list(part.lines)))
    return verdict
