"""`--reload` with real processes: a saved change starts a worker beside the one that holds a call, and none is cut."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from demo.parts import Part, Program, running
from tests.test_architecture import ROOT


def write(root: Path, text: str) -> None:
    (root / "agent").mkdir(exist_ok=True)
    (root / "agent" / "tool.py").write_text(text)


@asynccontextmanager
async def reloading(root: Path) -> AsyncIterator[Part]:
    argv = [sys.executable, "-m", "tests.agent.reloading_program", "watch", str(root)]
    async with running(Program("workers", argv, None, re.compile("registered worker"), folder=ROOT)) as part:
        yield part


async def registered(part: Part, version: int) -> tuple[int, int]:
    """The process id and the health port of the worker with that version."""
    line = await part.says(f"registered worker {version} ")
    found = re.search(r"pid=(\d+) port=(\d+)", line)
    assert found is not None
    return int(found[1]), int(found[2])


async def test_a_call_goes_on_in_the_old_worker_while_the_next_one_has_the_change(tmp_path: Path) -> None:
    write(tmp_path, "VERSION = 1\n")
    async with reloading(tmp_path) as part:
        first, port = await registered(part, 1)
        write(tmp_path, "VERSION = 2\n")
        second, other_port = await registered(part, 2)
        assert port != other_port, "both run at the same time"
        await part.says("1 drains")
        order = [line.partition(" pid=")[0] for line in part.lines]
        assert order[:3] == ["registered worker 1", "reload: agent/tool.py changed", "registered worker 2"]
        os.kill(first, signal.SIGUSR1)
        await part.says("1 ends")

        part.signal(signal.SIGTERM)
        await part.says("2 drains")
        os.kill(second, signal.SIGUSR1)
        await part.says("2 ends")
        async with asyncio.timeout(10):
            assert await part.ended() == 0


async def test_a_mistake_is_one_line_with_its_place_and_the_last_good_version_stays(tmp_path: Path) -> None:
    write(tmp_path, "VERSION = 1\n")
    async with reloading(tmp_path) as part:
        await part.ready()
        write(tmp_path, "VERSION = 2\nif :\n")
        await part.says("reload: agent/tool.py:2: invalid syntax; calls go on with the last good version")
        write(tmp_path, "VERSION = 2\nnumber = words\n")
        await part.says(
            "reload: the change can't be used: agent/tool.py:2: NameError: name 'words' is not defined; "
            "calls go on with the last good version"
        )
        assert not any("drains" in line for line in part.lines)
        write(tmp_path, "VERSION = 3\n")
        await registered(part, 3)


async def test_a_second_signal_ends_the_calls_of_all_workers(tmp_path: Path) -> None:
    write(tmp_path, "VERSION = 1\n")
    async with reloading(tmp_path) as part:
        await part.ready()
        write(tmp_path, "VERSION = 2\n")
        await registered(part, 2)
        await part.says("1 drains")
        part.signal(signal.SIGTERM)
        await part.says("2 drains")
        assert "1 ends" not in part.lines, "the first signal lets it drain on"
        part.signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await part.ended() == 0
        assert {"1 ends", "2 ends"} <= set(part.lines)


async def test_a_worker_that_cannot_start_ends_the_program_with_its_exit_code(tmp_path: Path) -> None:
    write(tmp_path, "import sys\nprint('GOOGLE_API_KEY is not set', file=sys.stderr)\nsys.exit(2)\n")
    async with reloading(tmp_path) as part:
        async with asyncio.timeout(20):
            assert await part.ended() == 2
        await part.says("GOOGLE_API_KEY is not set")
