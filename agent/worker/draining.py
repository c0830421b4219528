"""Hands the calls of a worker that ends over to other workers."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Iterable
from typing import Protocol

LATE_S = 20.0
"""With DRAIN=wait, calls that still run after DRAIN_TIMEOUT_S have so long to be handed over. The supervisor's grace period
has half a minute for it."""
ASKS_AGAIN_S = 30.0
"""A call that no other worker has taken is asked again after so long."""
_LOOKS_EVERY_S = 0.2


class OtherWorkers(Protocol):
    """The way of this worker's calls to other workers. A call is a room and its agent's identity."""

    async def ask(self, room: str, agent: str) -> None:
        """Ask the call to hand itself over."""

    async def are_handed_over(self, calls: Collection[tuple[str, str]]) -> bool:
        """Whether one of these calls is being handed over."""


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


async def hand_over(running: Callable[[], Collection[tuple[str, str]]], others: OtherWorkers, hurried: asyncio.Event) -> None:
    """Ask the calls to hand themselves over, until none runs, or `hurried` is set: the calls are to end."""
    asked = AskedCalls()
    while running() and not hurried.is_set():
        for room, agent in asked.due(running(), time.monotonic()):
            await others.ask(room, agent)
        await asyncio.sleep(_LOOKS_EVERY_S)


async def hand_over_late(
    running: Callable[[], Collection[tuple[str, str]]], others: OtherWorkers, hurried: asyncio.Event
) -> None:
    """Ask the calls once to hand themselves over, and wait for that: not longer than LATE_S, nor if no other worker comes."""
    for room, agent in running():
        await others.ask(room, agent)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LATE_S):
            while True:
                await asyncio.sleep(_LOOKS_EVERY_S)
                if hurried.is_set() or not await others.are_handed_over(running()):
                    return
