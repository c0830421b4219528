"""Whether the worker can write the folders that its settings name: a full disk, a lost mount, changed rights."""

import asyncio
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from agent.errors import SettingsError
from agent.settings import Settings

_REMEMBERED_S = 5.0
_ANSWERS_WITHIN_S = 1.0


class FolderCheck:
    """Writes a byte into each folder, at most every five seconds. `folders`: by the setting that names each."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders
        self._sentences: list[str] = []
        self._checked_at = float("-inf")
        self._checking: asyncio.Future[list[str]] | None = None
        """The check that goes on, in a thread. A folder that doesn't answer holds up no second one."""

    async def problems(self) -> list[str]:
        """A sentence for each folder that can't be written; within about a second."""
        if self._checking is None and (not self._folders or time.monotonic() - self._checked_at < _REMEMBERED_S):
            return self._sentences
        if self._checking is None:
            self._checking = asyncio.get_running_loop().run_in_executor(None, self._check)
        checking = self._checking
        await asyncio.wait({checking}, timeout=_ANSWERS_WITHIN_S)
        if not checking.done():
            return [f"{' or '.join(self._folders)} doesn't answer: its disk is slow or away"]
        self._sentences, self._checked_at, self._checking = checking.result(), time.monotonic(), None
        return self._sentences

    def _check(self) -> list[str]:
        found = ((name, folder, _reason(folder)) for name, folder in self._folders.items())
        return [f"{name} is {str(folder)!r}: it can't be written ({reason})" for name, folder, reason in found if reason]


def folders_of(settings: Settings) -> dict[str, Path]:
    """The folders in which the worker and its calls write, by their settings."""
    day_cost_dir = None if settings.day_cost_cap_usd is None else settings.day_cost_dir
    record_dir = settings.record_dir if settings.record else None
    folders = {"DAY_COST_DIR": day_cost_dir, "RESUME_CALLERS_DIR": settings.remembered_calls_dir, "RECORD_DIR": record_dir}
    return {name: folder for name, folder in folders.items() if folder is not None}


def failover_folders_of(settings: Settings) -> dict[str, Path]:
    """The folder for leases and checkpoints, if a setting names it. Calls go on without it, as long as their processes live."""
    folder = None if settings.failover == "off" else settings.failover_dir
    return {} if folder is None else {"FAILOVER_DIR": folder}


def check_failover_dir(settings: Settings) -> None:
    """Make FAILOVER_DIR, if it is set.

    Raises:
        SettingsError: it can't be made.
    """
    for name, folder in failover_folders_of(settings).items():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            fix = f"the state of calls can't be kept there ({error.strerror}); name a folder of this user's in memory"
            raise SettingsError(name, str(folder), fix) from error


def _reason(folder: Path) -> str:
    """The reason why nothing can be written there; empty if it can. The file has no name, so nobody else sees it."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as trial:
            trial.write(b"x")
    except OSError as error:
        return os.strerror(error.errno) if error.errno else type(error).__name__
    return ""
