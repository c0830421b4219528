"""What calls leave in this machine's folders: it is deleted when it expires, uploaded or sent, as long as the worker runs."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine

from agent.call.caller_store import delete_as_they_expire
from agent.call.kept_sound import delete_left_sound
from agent.settings import Settings
from agent.worker.finished_records import finish_records
from agent.worker.kept_records import delete_expired_records
from agent.worker.late_webhooks import send_late_webhooks
from agent.worker.metrics import WorkerMetrics

_DELETES_EVERY_S = 300.0
_DELETES_RECORDS_EVERY_S = 3600.0
_DELETES_SOUND_EVERY_S = 60.0
_FINISHES_RECORDS_EVERY_S = 15.0
_SENDS_WEBHOOKS_EVERY_S = 15.0


def stored_calls_work(settings: Settings, metrics: WorkerMetrics) -> dict[str, Coroutine[None, None, None]]:
    """The work, by the names of its tasks. It goes on until it is cancelled, or ends at once if no setting asks for it."""
    work = {
        "deletes expired recordings": delete_expired_records(settings, every(_DELETES_RECORDS_EVERY_S)),
        "deletes lost calls' sound": delete_left_sound(settings, every(_DELETES_SOUND_EVERY_S)),
        "compresses and uploads recordings": finish_records(settings, every(_FINISHES_RECORDS_EVERY_S), metrics.records),
        "sends webhooks that wait": send_late_webhooks(settings, every(_SENDS_WEBHOOKS_EVERY_S), metrics.measured),
    }
    if (folder := settings.remembered_calls_dir) is not None:
        work["deletes expired calls"] = delete_as_they_expire(folder, every(_DELETES_EVERY_S))
    return work


async def every(interval_s: float) -> AsyncIterator[float]:
    """The time of each moment, in seconds of `time.monotonic()`."""
    while True:
        await asyncio.sleep(interval_s)
        yield time.monotonic()
