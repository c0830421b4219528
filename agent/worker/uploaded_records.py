"""Has recorded calls copied into RECORD_S3 when they are over, again and again until the storage has them."""

import asyncio
import logging
import time
from collections.abc import AsyncIterable

from agent.errors import SettingsError
from agent.settings import Settings
from configuration import ValueMistakeError
from records.errors import RecordsError
from records.s3_address import s3_address
from records.uploading import TakesFiles, Uploaded, upload_calls

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


async def upload_records(settings: Settings, moments: AsyncIterable[object]) -> None:
    """Upload at the beginning, and at each of these moments. The log says once why it can't be done."""
    if settings.record_dir is None or settings.record_s3 is None:
        return
    from records.s3 import open_s3  # noqa: PLC0415  obstore may not be installed, and is large

    try:
        storage = open_s3(s3_address(settings.record_s3, settings.record_s3_endpoint))
    except RecordsError as error:
        logger.warning("recorded calls can't be uploaded", extra={"reason": str(error)})
        return
    failure = await _upload(settings, storage, None)
    async for _ in moments:
        failure = await _upload(settings, storage, failure)


async def _upload(settings: Settings, storage: TakesFiles, failure: str | None) -> str | None:
    """Upload what is over; returns why it can't be, if it can't."""
    assert settings.record_dir is not None
    deletes = settings.record_s3_delete == "on"
    try:
        found = await asyncio.to_thread(upload_calls, settings.record_dir, storage, time.time(), deletes=deletes)
    except OSError as error:
        found = Uploaded([], error.strerror or type(error).__name__)
    if found.done:
        logger.info("recorded calls are in the storage", extra={"calls": len(found.done)})
    if found.failure is not None and found.failure != failure:
        logger.warning("recorded calls can't be uploaded; it is tried again", extra={"reason": found.failure})
    return found.failure
