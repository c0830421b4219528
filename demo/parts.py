"""Runs a part of the demo: a program in a process group of its own, its output line by line, its end."""

import asyncio
import contextlib
import os
import re
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from demo.errors import PartDiedError
from demo.terminal import tell_line

Show = Callable[[str], str | None]
T = TypeVar("T")

_LAST_LINES = 12
_KEPT_LINES = 2000
_LAST_WORDS_S = 1.0
_DEATH_S = 0.5
"""Longest time between an error that a part's end causes elsewhere and the end of its process."""
_LONGEST_LINE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Program:
    """A program to run, and how to see that it is ready."""

    name: str
    argv: list[str]
    environment: dict[str, str] | None = field(repr=False)
    """The program's environment; None means this process's own."""
    ready: re.Pattern[str]
    """The pattern of the line that says that the program is ready."""
    ready_within_s: float = 60.0
    hurry_after_s: float | None = None
    """Seconds after which a second SIGTERM is sent, for a program that takes the first one for "when you have time"."""
    end_within_s: float = 8.0
    """Seconds after the (last) SIGTERM; then the program is killed."""
    folder: Path | None = None
    """The program's working directory; None means this process's own."""
    show: Show = lambda line: line
    """Shortens a line of output for a person; None hides it."""
    plain: Callable[[str], str] = lambda line: line
    """A line of output in words, for a person who is told that the program has died."""


class Part:
    """A running program."""

    def __init__(self, program: Program, process: asyncio.subprocess.Process) -> None:
        self.name = program.name
        self._program = program
        self._process = process
        self._ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        """The newest lines of its output."""
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def last_lines(self) -> list[str]:
        """The newest lines of its output, in words."""
        return [line for raw in list(self.lines)[-_LAST_LINES:] for line in self._program.plain(raw).split("\n")]

    @property
    def pid(self) -> int:
        """The process id of the program, which leads its own process group."""
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program alone."""
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for the program's end; returns its exit code."""
        return await self._process.wait()

    async def ready(self) -> str:
        """Wait for the line that says that the part is ready, and return it.

        Raises:
            PartDiedError: it ended, or took too long.
        """
        ended = asyncio.create_task(self._process.wait())
        try:
            async with asyncio.timeout(self._program.ready_within_s):
                waited: set[asyncio.Future[Any]] = {self._ready, ended}
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            what = f"was not ready in {self._program.ready_within_s:g} s"
            raise PartDiedError(self.name, what, self.last_lines) from None
        finally:
            ended.cancel()
        if self._ready.done():
            return self._ready.result()
        raise await self.death()

    async def says(self, words: str | re.Pattern[str], *, within_s: float = 60.0) -> str:
        """Wait for a line that contains the words, from the program's first line on, and return it.

        Raises:
            PartDiedError: it didn't say so in time, or ended without it.
        """
        sought = re.compile(re.escape(words)) if isinstance(words, str) else words
        try:
            async with asyncio.timeout(within_s):
                while True:
                    for line in self.lines:
                        if sought.search(line):
                            return line
                    if self._closed:
                        raise PartDiedError(self.name, f"ended without saying {words!r}", self.last_lines)
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise PartDiedError(self.name, f"did not say {words!r} in {within_s:g} s", self.last_lines) from None

    async def death(self) -> PartDiedError:
        """Wait for the part's end, which nobody asked for."""
        code = await self._process.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):  # a child of it may keep the pipe open
                while not self._closed:
                    self._changed.clear()
                    await self._changed.wait()
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return PartDiedError(self.name, how, self.last_lines)

    async def read(self) -> None:
        """Take the program's output until it closes it."""
        assert self._process.stdout is not None
        while True:
            try:
                raw = await self._process.stdout.readline()
            except ValueError:  # a line longer than the limit: the reader has dropped it
                continue
            if not raw:
                break
            line = raw.decode(errors="replace").rstrip()
            self.lines.append(line)
            self._changed.set()
            if not self._ready.done() and self._program.ready.search(line):
                self._ready.set_result(line)
            shown = self._program.show(line)
            if shown is not None:
                tell_line(self.name, shown)
        self._closed = True
        self._changed.set()

    async def end(self) -> None:
        """SIGTERM, some seconds of grace, then SIGKILL for everything in the process group."""
        hurry_s = self._program.hurry_after_s
        try:
            ended = hurry_s is not None and await self._ends(hurry_s)
            grace_s = self._program.end_within_s
            if not ended and not await self._ends(grace_s):
                tell_line(self.name, f"did not end in {grace_s:g} s and is killed")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    async def _ends(self, within_s: float) -> bool:
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(within_s):
                await self._process.wait()
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def running(program: Program) -> AsyncIterator[Part]:
    """Run a program for as long as the block lasts. It has ended, with all its children, when the block is left."""
    process = await asyncio.create_subprocess_exec(
        *program.argv,
        env=program.environment,
        cwd=program.folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches the demo alone, which ends the parts in order
        limit=_LONGEST_LINE_BYTES,
    )
    part = Part(program, process)
    reader = asyncio.create_task(part.read(), name=f"{program.name} output")
    try:
        yield part
    finally:
        await part.end()
        await reader


async def while_alive(parts: list[Part], awaited: Coroutine[Any, Any, T]) -> T:
    """Await something for as long as all these parts live.

    Raises:
        PartDiedError: the first that ended.
    """
    task = asyncio.create_task(awaited)
    deaths = [asyncio.create_task(part.death()) for part in parts]
    try:
        await asyncio.wait([task, *deaths], return_when=asyncio.FIRST_COMPLETED)
        if deaths and task.done() and not task.cancelled() and task.exception() is not None:
            await asyncio.wait(deaths, timeout=_LAST_WORDS_S + _DEATH_S, return_when=asyncio.FIRST_COMPLETED)
        for death in deaths:
            if death.done():
                raise death.result()
        return await task
    finally:
        for waiting in (task, *deaths):
            waiting.cancel()
        await asyncio.gather(task, *deaths, return_exceptions=True)
