"""Reads a script again whenever its file has been saved, for as long as the emulator runs."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from emulator.answers import Answers
from emulator.errors import ScriptError
from emulator.script import load

LOOKS_EVERY_S = 0.3
"""How often the file is looked at. A watch of the system's would end when an editor replaces the file."""

logger = logging.getLogger(__name__)


@asynccontextmanager
async def rereading(path: Path, take: Callable[[Answers], None]) -> AsyncIterator[None]:
    """Give each script that is saved in the file to `take`. One with a mistake isn't taken: the log says what is wrong."""
    looking = asyncio.create_task(_look(path, await asyncio.to_thread(_state, path), take), name="reads the script again")
    try:
        yield
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking


async def _look(path: Path, known: tuple[int, int] | None, take: Callable[[Answers], None]) -> None:
    while True:
        await asyncio.sleep(LOOKS_EVERY_S)
        found = await asyncio.to_thread(_state, path)
        if found in {known, None}:  # an editor that replaces the file takes it away for a moment
            continue
        known = found
        try:
            take(await asyncio.to_thread(load, path))
        except ScriptError as error:
            logger.warning("%s; sessions go on with the last good script", error)
        else:
            logger.info("%s was read again: sessions that open from now on have it", path)


def _state(path: Path) -> tuple[int, int] | None:
    """The file's time of change in ns and its size in bytes; None if it isn't there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
