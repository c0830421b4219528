"""Texts in pieces that the model is to say: each is collected, and then asked for as one reply."""

import asyncio
from collections.abc import AsyncIterable, Callable

from livekit.agents import llm

from agent.gemini.replies import Reply


class SaidStreams:
    """Collects the pieces of one session. `ask` asks the model for a whole text."""

    def __init__(self, ask: Callable[[str], Reply]) -> None:
        self._ask = ask
        self._tasks: set[asyncio.Task[llm.GenerationCreatedEvent]] = set()

    def say(self, pieces: AsyncIterable[str]) -> Reply:
        """Have the text said when all of it is there."""
        task = asyncio.create_task(self._collect(pieces), name="say")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def close(self) -> None:
        """The session is closed: who waits is told so."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()

    async def _collect(self, pieces: AsyncIterable[str]) -> llm.GenerationCreatedEvent:
        try:
            return await self._ask("".join([piece async for piece in pieces]))
        except asyncio.CancelledError:
            if asyncio.current_task() in self._tasks:
                raise
            raise llm.RealtimeError("the session is closed") from None  # `close` has cancelled it, and nobody else
