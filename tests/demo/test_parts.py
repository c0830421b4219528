"""Parts: ready when they say so, named with their last lines when they die, gone with their children at the end."""

import asyncio
import dataclasses
import re
import sys
from pathlib import Path

import psutil
import pytest

from demo.errors import PartDiedError
from demo.parts import Program, running, while_alive

READY = re.compile("^ready$")


def python(code: str, *, ready_within_s: float = 10) -> Program:
    return Program("part", [sys.executable, "-uc", code], None, READY, ready_within_s)


async def test_a_part_is_ready_when_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    async with running(python("print('hello'); print('ready'); import signal; signal.pause()")) as part:
        assert await part.ready() == "ready"
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[part]")]
    assert shown[:2] == ["[part] hello", "[part] ready"]


async def test_a_part_that_dies_is_named_with_its_last_lines() -> None:
    async with running(python("print('oh no'); raise SystemExit(3)")) as part:
        with pytest.raises(PartDiedError) as caught:
            await part.ready()
    assert str(caught.value) == "part ended with exit code 3. Its last lines:\n  oh no"


async def test_a_part_that_is_never_ready_is_named() -> None:
    async with running(python("import signal; signal.pause()", ready_within_s=0.3)) as part:
        with pytest.raises(PartDiedError, match=r"part was not ready in 0\.3 s"):
            await part.ready()


async def test_a_signal_is_named() -> None:
    async with running(python("print('ready'); import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")) as part:
        await part.ready()
        assert "part was killed by SIGSEGV" in str(await part.death())


async def test_children_and_the_deaf_are_ended_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A program that ignores SIGTERM is killed after its grace, its children with it."""
    code = f"""
import signal, subprocess, sys, pathlib
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(child.pid))
print("ready")
signal.pause()
"""
    async with running(dataclasses.replace(python(code), end_within_s=0.5)) as part:
        await part.ready()
        family = [psutil.Process(part.pid), psutil.Process(int((tmp_path / "pid").read_text()))]
        assert all(process.is_running() for process in family)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    assert "[part] did not end in 0.5 s and is killed" in capsys.readouterr().out


async def test_a_line_without_an_end_does_not_stop_the_reading() -> None:
    async with running(python("print('x' * 500_000); print('ready'); import signal; signal.pause()")) as part:
        assert await part.ready() == "ready"


async def test_what_a_program_never_said_is_known_when_it_ends() -> None:
    async with running(python("print('ready')")) as part:
        with pytest.raises(PartDiedError, match="ended without saying 'hello'"):
            await part.says("hello")


async def test_a_death_interrupts_what_is_waited_for() -> None:
    async with running(python("print('ready')")) as part:
        with pytest.raises(PartDiedError, match="part ended with exit code 0"):
            await while_alive([part], asyncio.Event().wait())


async def test_what_is_waited_for_comes_while_all_live() -> None:
    async with running(python("print('ready'); import signal; signal.pause()")) as part:
        assert await while_alive([part], part.ready()) == "ready"
        with pytest.raises(ZeroDivisionError):
            await while_alive([part], failing())


async def test_a_death_explains_what_it_breaks() -> None:
    """A client of a part notices the part's end before the demo does."""
    program = python("import os; print('ready'); print('dying', flush=True); os.kill(os.getpid(), 9)")
    async with running(program) as part:

        async def talk() -> None:
            await part.says("dying")
            raise ZeroDivisionError

        with pytest.raises(PartDiedError, match="was killed by SIGKILL"):
            await while_alive([part], talk())


async def failing() -> None:
    raise ZeroDivisionError


async def test_the_last_lines_of_a_part_that_dies_are_in_words() -> None:
    program = dataclasses.replace(python("print('one'); raise SystemExit(3)"), plain=lambda line: f"{line} in words\nand more")
    async with running(program) as part:
        with pytest.raises(PartDiedError) as caught:
            await part.ready()
    assert str(caught.value) == "part ended with exit code 3. Its last lines:\n  one in words\n  and more"
