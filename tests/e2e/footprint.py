"""What a program and its children hold: processes, files, sockets, temporary files."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from agent.worker.process_folder import FOLDER_PREFIX
from demo.parts import Part
from tests.e2e.stack import until


@dataclass(frozen=True)
class Footprint:
    """What a worker and its children hold."""

    processes: int
    files: int
    """Open ones, sockets included."""
    connections: int
    temporary: frozenset[str]
    """Names of temporary files, but for the folders of processes that live."""


async def at_rest(part: Part) -> Footprint:
    """The worker's footprint once it has not changed for four seconds: as long as a call's process may take to end."""
    last, since = footprint(part), time.monotonic()
    async with asyncio.timeout(30):
        while time.monotonic() - since < 4:
            await asyncio.sleep(0.2)
            if footprint(part) != last:
                last, since = footprint(part), time.monotonic()
    return last


async def returns_to(part: Part, before: Footprint) -> None:
    """Wait until the worker's footprint is as it was."""
    with contextlib.suppress(TimeoutError):
        await until(lambda: footprint(part) == before, within_s=30)
    assert footprint(part) == before


def footprint(part: Part) -> Footprint:
    worker = psutil.Process(part.pid)
    family = [worker, *worker.children(recursive=True)]
    files = connections = 0
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            files += process.num_fds()
            connections += len(process.net_connections(kind="inet"))
    of_processes = {f"{FOLDER_PREFIX}{process.pid}" for process in family}
    names = frozenset(path.name for path in Path(worker.environ()["TMPDIR"]).iterdir())
    return Footprint(len(family), files, connections, names - of_processes)
