"""The worker's readiness, for `/readyz`: Gemini is asked again when its last answer is old."""

import asyncio
from collections.abc import Awaitable, Callable

from agent.worker.gemini_check import GeminiProblem

ASKED_AGAIN_S = 180.0
"""Gemini is asked at most this often, whoever asks for `/readyz`."""


class Readiness:
    """Gemini's last answer, and when it was given."""

    def __init__(self, ask: Callable[[], Awaitable[GeminiProblem | None]], now: float) -> None:
        """Gemini has just been asked, and calls have a model as far as is known.

        Args:
            ask: asks Gemini; None if all is well.
            now: on the clock of `problem`.
        """
        self._ask = ask
        self._problem: GeminiProblem | None = None
        self._next_at = now + ASKED_AGAIN_S
        self._one_asks = asyncio.Lock()

    async def problem(self, now: float) -> GeminiProblem | None:
        """The reason why calls would have no model; None if they have one."""
        async with self._one_asks:  # who waits here finds the answer that another has asked for
            if now >= self._next_at:
                self._problem = await self._ask()
                self._next_at = now + ASKED_AGAIN_S
            return self._problem
