"""The worker's readiness, for `/readyz`: Gemini is asked again when its last answer is old."""

import asyncio
from collections.abc import Awaitable, Callable

from agent.worker.gemini_check import GeminiProblem

ASKED_AGAIN_S = 180.0
"""Gemini is asked at most this often, whoever asks for `/readyz`; only the first time may come sooner."""
AFTER_A_BAD_START_S = 15.0
"""Gemini is asked again this long after a start that found a problem: what the worker needs may be starting as well."""


class Readiness:
    """Gemini's last answer, and when it was given."""

    def __init__(
        self, ask: Callable[[], Awaitable[GeminiProblem | None]], now: float, problem: GeminiProblem | None = None
    ) -> None:
        """Gemini has just been asked.

        Args:
            ask: asks Gemini; None if all is well.
            now: on the clock of `problem`.
            problem: what Gemini's answer was; None if all is well.
        """
        self._ask = ask
        self._problem = problem
        self._next_at = now + (ASKED_AGAIN_S if problem is None else AFTER_A_BAD_START_S)
        self._one_asks = asyncio.Lock()

    @property
    def is_refused(self) -> bool:
        """Gemini's last answer was a refusal, which no other attempt would change: of the key, the model or a setting."""
        return self._problem is not None and self._problem.refusal is not None

    async def problem(self, now: float) -> GeminiProblem | None:
        """The reason why calls would have no model; None if they have one."""
        async with self._one_asks:  # who waits here finds the answer that another has asked for
            if now >= self._next_at:
                self._next_at = now + ASKED_AGAIN_S  # also if the question raises: no probe repeats it at once
                self._problem = await self._ask()
            return self._problem
