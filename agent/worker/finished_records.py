"""Has recorded calls compressed and copied into storage when they are over, by `python -m records finish`.

That is a process of its own with a low priority: calls go on beside it, and it ends with the worker.
"""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterable
from pathlib import Path

import records
from agent.errors import SettingsError
from agent.settings import Settings
from agent.worker.record_metrics import RecordMetrics
from configuration import ValueMistakeError
from records.finishing import Finishing, waiting_calls
from records.s3_address import s3_address

_PAUSE_S = 60.0
"""After a failure it is tried again after so long."""
_ROOT = Path(records.__file__).parents[1]
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from records.__main__ import main; sys.exit(main(['finish']))"
"""`python -m records finish`, wherever the worker was started."""

logger = logging.getLogger("earshot.worker")


def check_record_s3(settings: Settings) -> None:
    """Refuse an address that can't be used.

    Raises:
        SettingsError: RECORD_S3 or RECORD_S3_ENDPOINT can't be used, or obstore isn't installed.
    """
    if settings.record_s3 is None:
        return
    try:
        s3_address(settings.record_s3, settings.record_s3_endpoint)
    except ValueMistakeError as mistake:
        raise SettingsError(mistake.name, mistake.shown, mistake.fix) from None


async def finish_records(settings: Settings, moments: AsyncIterable[object], metrics: RecordMetrics) -> None:
    """Look for calls that are over at each of these moments. The log says once why they can't be finished."""
    finishing = Finishing(compresses=settings.record_format == "opus", uploads=settings.record_s3 is not None)
    if settings.record_dir is None or not (finishing.compresses or finishing.uploads):
        return
    failure, not_before = None, 0.0
    async for _ in moments:
        now = time.time()
        waiting = await asyncio.to_thread(waiting_calls, settings.record_dir, finishing, now)
        metrics.waiting(waiting)
        if now < not_before or not waiting:
            continue
        before, failure = failure, await _finish()
        metrics.finished(failed=failure is not None)
        not_before = 0.0 if failure is None else now + _PAUSE_S
        if failure is None:
            logger.info("recorded calls that are over have been compressed or copied into storage")
        elif failure != before:
            logger.warning("recorded calls can't be compressed, or copied into storage", extra={"reason": failure})


async def _finish() -> str | None:
    """Run the program; returns why something is left to be done."""
    quiet, piped = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM, str(_ROOT), stdin=quiet, stdout=quiet, stderr=piped
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        return None
    last = said.decode(errors="replace").strip().rpartition("\n")[2]
    return last if process.returncode in {1, 2} and last else f"python -m records finish ended with {process.returncode}"
