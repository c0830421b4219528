"""The folder in which calls are recorded, as the worker sees it: ready at its start, and without what has expired."""

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterable, Callable
from pathlib import Path

from agent.errors import SettingsError
from agent.settings import Settings
from records import CallFolder
from records.retention import Retention, purge
from records.uploading import is_uploaded

logger = logging.getLogger("earshot.worker")


def check_record_dir(folder: Path) -> None:
    """Make RECORD_DIR, and write in it.

    Raises:
        SettingsError: it can't be used.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, buffering=0) as trial:
            trial.write(b"x")
    except OSError as error:
        fix = f"calls can't be recorded there ({error.strerror or error}); name a folder that the worker can write"
        raise SettingsError("RECORD_DIR", str(folder), fix) from error


async def delete_expired_records(settings: Settings, moments: AsyncIterable[object]) -> None:
    """Delete what RECORD_KEEP_DAYS and RECORD_KEEP_GB don't keep: at the beginning, and at each of these moments."""
    kept = Retention(settings.record_keep_days, settings.record_keep_gb)
    if settings.record_dir is None or (kept.days is None and kept.gb is None):
        return
    may_go = None if settings.record_s3 is None else is_uploaded
    await _delete(settings.record_dir, kept, may_go)
    async for _ in moments:
        await _delete(settings.record_dir, kept, may_go)


async def _delete(folder: Path, kept: Retention, may_go: Callable[[CallFolder], bool] | None) -> None:
    try:
        deleted, failed = await asyncio.to_thread(purge, folder, kept, time.time(), may_go)
    except OSError as error:
        logger.warning("expired recordings can't be deleted", extra={"reason": error.strerror or type(error).__name__})
        return
    if deleted or failed:
        level = logging.WARNING if failed else logging.INFO
        logger.log(level, "expired recordings are deleted", extra={"deleted": len(deleted), "failed": len(failed)})
