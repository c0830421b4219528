"""The way of one call's costs into those of the day: in a thread, so that a slow disk never holds up the call's sound."""

import asyncio
import contextlib
import time

from agent.day_costs import DayCosts

_FLUSH_S = 2.0
"""The longest time, in seconds, that the end of a call waits for its last costs to be written."""


class DaySpending:
    """Adds the costs of a call to `costs`; None: nothing caps them. What is spent during a write is one sum, for the next."""

    def __init__(self, costs: DayCosts | None) -> None:
        self._costs = costs
        self._unwritten_usd = 0.0
        self._is_spent = asyncio.Event()
        self._writing: asyncio.Future[None] | None = None

    def spend(self, cost_usd: float) -> None:
        """A turn has cost so much. It is written soon, and this doesn't wait for it."""
        self._unwritten_usd += cost_usd
        self._is_spent.set()

    async def run(self) -> None:
        """Write what is spent, until cancelled."""
        while await self._is_spent.wait():
            self._is_spent.clear()
            await self._write()

    async def flush(self) -> None:
        """Write the rest, at the end of the call; in bounded time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_S):
                if self._writing is not None:
                    await asyncio.shield(self._writing)
                await self._write()

    async def _write(self) -> None:
        cost_usd, self._unwritten_usd = self._unwritten_usd, 0.0
        if self._costs is None or not cost_usd:
            return
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(None, self._costs.add, cost_usd, time.time())
        await asyncio.shield(self._writing)  # cancelled, the thread still writes
