"""The files with the newest sound of callers, from which another process of this machine plays to the model what it missed.

They lie where the state of running calls does, but with Redis in this machine's memory. There is one for each process of a
call, gone with the call. What a killed process has left goes when another one has read it, or after two hours.
"""

import contextlib
import hashlib
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.gemini import SoundRing, SoundRingError
from agent.settings import Settings
from failover.private_folder import make_private
from failover.settings import local_folder

_SUFFIX = ".sound"
_KEPT_S = 2 * 3600.0

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
                self._delete_expired(self._folder)
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

    def _delete_expired(self, folder: Path) -> None:
        for path in folder.glob(f"*{_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _KEPT_S:
                    path.unlink()


def kept_sound(settings: Settings, *, is_console: bool) -> KeptSound:
    """The folder that the settings ask for."""
    if settings.failover == "off" or is_console:
        return KeptSound(None)
    folder = local_folder(settings)
    return KeptSound(None if folder is None else folder / f"earshot-sound-{os.geteuid()}")
