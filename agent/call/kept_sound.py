"""The files with the newest sound of callers, from which another process of this machine plays to the model what it missed.

They lie where the state of running calls does, but with Redis in this machine's memory. There is one for each process of a
call, gone with the call. What a killed process has left goes when another one has read it, else after one or two minutes.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.gemini import SoundRing, SoundRingError
from agent.settings import Settings
from failover.private_folder import make_private
from failover.settings import local_folder

_SUFFIX = ".sound"

logger = logging.getLogger("earshot.call")


class KeptSound:
    """The files of one folder. Without one, nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @contextmanager
    def ring(self, process: str) -> Iterator[SoundRing | None]:
        """The file of a call's process, until the end of the block. None: there is none, which the log says if that is a fault.

        Args:
            process: The room and the identity of the agent in it, which no other process has.
        """
        if self._folder is None:
            yield None
            return
        with contextlib.ExitStack() as opened:
            ring = None
            try:
                make_private(self._folder)
                name = hashlib.sha256(process.encode()).hexdigest()[:32]
                ring = opened.enter_context(SoundRing(self._folder / f"{name}{_SUFFIX}"))
            except (SoundRingError, OSError) as error:
                logger.warning("the caller's sound isn't kept for another process", extra={"reason": str(error)})
            yield ring

    def take(self, name: str) -> bytes:
        """The sound in the file of another process, which is deleted. Empty: it was on another machine, or had nothing."""
        if self._folder is None or not name or Path(name).name != name:
            return b""
        path = self._folder / name
        try:
            return SoundRing.unheard(path)
        except SoundRingError as error:
            logger.info("what the caller said meanwhile isn't there", extra={"reason": str(error)})
            return b""
        finally:
            path.unlink(missing_ok=True)


class LeftSound:
    """Files whose processes have died. The second look that finds a file so deletes it: its call may be taken meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[Path] = set()

    def look(self) -> None:
        """Look for such files, and delete those that were found before."""
        left = {path for path in self._folder.glob(f"*{_SUFFIX}") if not SoundRing.is_open(path)}
        for path in left & self._seen:
            path.unlink(missing_ok=True)
        self._seen = left - self._seen


async def delete_left_sound(settings: Settings, moments: AsyncIterable[object]) -> None:
    """Delete the files of calls that no process goes on with. The moments are as far apart as a call may take to be taken."""
    if (folder := sound_folder(settings)) is not None:
        left = LeftSound(folder)
        async for _ in moments:
            await asyncio.to_thread(left.look)


def sound_folder(settings: Settings) -> Path | None:
    """The folder that the settings ask for. None: no sound is kept."""
    folder = None if settings.failover == "off" else local_folder(settings)
    return None if folder is None else folder / f"earshot-sound-{os.geteuid()}"


def kept_sound(settings: Settings, *, is_console: bool) -> KeptSound:
    """The files of the calls that these settings are for."""
    return KeptSound(None if is_console else sound_folder(settings))
