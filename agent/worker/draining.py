"""Hands the calls of a worker that ends over to other workers."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

LATE_S = 20.0
"""With DRAIN=wait, calls that still run after DRAIN_TIMEOUT_S have so long to be handed over. The supervisor's grace period
has half a minute for it."""
ASKS_AGAIN_S = 30.0
"""A call that no other worker has taken is asked again after so long."""
_LOOKS_EVERY_S = 0.2


class RunningCalls(Protocol):
    """The calls of the worker."""

    def __call__(self) -> Iterable[tuple[str, str]]:
        """The room of each call that runs, and its agent's identity."""


class AskedCalls:
    """The calls that were asked to hand themselves over. Pure; `now` is in seconds, monotonic."""

    def __init__(self) -> None:
        self._asked_at: dict[tuple[str, str], float] = {}

    def due(self, running: Iterable[tuple[str, str]], now: float) -> list[tuple[str, str]]:
        """Those of the running calls that are to be asked now."""
        before, self._asked_at = self._asked_at, {}
        found = []
        for call in running:
            asked_at = before.get(call)
            if asked_at is None or now - asked_at >= ASKS_AGAIN_S:
                found.append(call)
                asked_at = now
            self._asked_at[call] = asked_at
        return found


async def hand_over(
    running: RunningCalls, ask: Callable[[str, str], Awaitable[None]], hurried: asyncio.Event, within_s: float | None
) -> bool:
    """Ask the calls to hand themselves over, until none runs, `hurried` is set, or the time is over.

    Args:
        running: the calls that run.
        ask: asks the call in a room whose agent has this identity.
        hurried: the calls are to end.
        within_s: the longest time, in seconds; None: there is no limit.

    Returns:
        Whether none runs any more.
    """
    asked = AskedCalls()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while list(running()) and not hurried.is_set():
                for room, agent in asked.due(running(), time.monotonic()):
                    await ask(room, agent)
                await asyncio.sleep(_LOOKS_EVERY_S)
    return not list(running())
