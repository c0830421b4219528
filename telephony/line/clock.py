"""Waiting for a deadline that may come nearer."""

import asyncio
import math
import time
from contextlib import suppress


async def until(at: float, changed: asyncio.Event) -> None:
    """Wait until `at` on the monotonic clock (infinity: never), or until `changed` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(None if at == math.inf else max(at - time.monotonic(), 0)):
            await changed.wait()
