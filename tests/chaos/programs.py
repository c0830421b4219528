"""Programs that are started again some seconds after their end, as systemd does it."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from demo.errors import PartDiedError
from demo.parts import Part, Program, running


class LastingProgram:
    """A program that runs until the block of `lasting` ends, however often it is killed."""

    def __init__(self, program: Program, again_after_s: float) -> None:
        self.name = program.name
        self.starts = 0
        self._program = program
        self._again_after_s = again_after_s
        self._part: Part | None = None
        self._is_up = asyncio.Event()

    @property
    def is_up(self) -> bool:
        return self._is_up.is_set()

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._part is not None
        return self._part.pid

    async def up(self) -> None:
        """Wait until it is ready."""
        async with asyncio.timeout(self._program.ready_within_s):
            await self._is_up.wait()

    def kill(self) -> None:
        """As `kill -9` does."""
        self._is_up.clear()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def terminate(self) -> None:
        """As systemd stops it."""
        self._is_up.clear()
        os.kill(self.pid, signal.SIGTERM)

    async def run(self) -> None:
        """Run it until cancelled."""
        while True:
            async with running(self._program) as part:
                self._part = part
                self.starts += 1
                with contextlib.suppress(PartDiedError):
                    await part.ready()
                    self._is_up.set()
                    await part.ended()
                self._is_up.clear()
            await asyncio.sleep(self._again_after_s)


@asynccontextmanager
async def lasting(program: Program, *, again_after_s: float, waits: bool = True) -> AsyncIterator[LastingProgram]:
    """Run it for as long as the block lasts; with `waits` the block begins when it is ready."""
    lasts = LastingProgram(program, again_after_s)
    task = asyncio.create_task(lasts.run(), name=f"runs {program.name}")
    try:
        if waits:
            await lasts.up()
        yield lasts
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
