"""The delay of the worker's event loop, and a line in the log while it is blocked.

LiveKit logs that a loop was blocked, and where, once the block is over (docs/facts.md L320). What is told here is a block that
isn't over: by then nothing on the loop can speak, so a thread does.
"""

import asyncio
import logging
import threading
import time
from collections import deque

TICK_S = 0.25
_TICKS = 8
BLOCKED_S = 5.0
"""A loop that hasn't run for this many seconds is told in the log, once for each block."""

logger = logging.getLogger("earshot.worker")


class LoopLag:
    """The last ticks of an event loop. Any thread may ask; `now` is in seconds, monotonic."""

    def __init__(self, now: float) -> None:
        self._ticked_at = now
        self._lags_s: deque[float] = deque([0.0] * _TICKS, maxlen=_TICKS)
        self._lasting_s = 0.0

    def tick(self, now: float) -> None:
        """The loop runs. Called every TICK_S, if it isn't late."""
        self._lags_s.append(max(0.0, now - self._ticked_at - TICK_S))
        self._lasting_s = min(self._lags_s)
        self._ticked_at = now

    def age_s(self, now: float) -> float:
        """The seconds since the last tick."""
        return now - self._ticked_at

    def lasting_s(self, now: float) -> float:
        """The least delay of the ticks of the last 2 s, or the delay of a tick that has been due for longer than 2 s.

        So one slow callback counts as no delay.
        """
        overdue_s = self.age_s(now) - TICK_S
        return overdue_s if overdue_s > _TICKS * TICK_S else self._lasting_s


class LoopMonitor:
    """Has the loop tick, and a thread look at the ticks."""

    def __init__(self) -> None:
        self.lag = LoopLag(time.monotonic())
        self._ended = threading.Event()

    async def run(self) -> None:
        """Tick until cancelled."""
        thread = threading.Thread(target=self._watch, name="event loop watch", daemon=True)
        self.lag = LoopLag(time.monotonic())
        thread.start()
        try:
            while True:
                await asyncio.sleep(TICK_S)
                self.lag.tick(time.monotonic())
        finally:
            self._ended.set()

    def _watch(self) -> None:
        is_told, looked_at = False, time.monotonic()
        while not self._ended.wait(1.0):
            now = time.monotonic()
            # a process that was stopped as a whole (SIGSTOP, a suspended machine) has no blocked loop
            was_stopped, looked_at = now - looked_at > BLOCKED_S, now
            age_s = self.lag.age_s(now)
            if age_s >= BLOCKED_S and not is_told and not was_stopped:
                logger.error(
                    "the worker's event loop is blocked: /healthz doesn't answer", extra={"blocked_s": round(age_s, 1)}
                )
            is_told = age_s >= BLOCKED_S
