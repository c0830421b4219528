"""Waiting for a time or an event, whichever comes first."""

import asyncio
import math
import time
from contextlib import suppress


async def until(at: float, changed: asyncio.Event) -> None:
    """Wait until `at` on the monotonic clock (infinity: never), or until `changed` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(None if at == math.inf else max(at - time.monotonic(), 0)):
            await changed.wait()


async def first_of(*events: asyncio.Event, within_s: float) -> None:
    """Wait until one of the events is set, for `within_s` at most."""
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(event.wait()) for event in events]
        await asyncio.wait(waiting, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
