"""Gemini's readiness, for `/readyz`: Gemini is asked again when its last answer is old, after a problem sooner."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from agent.worker.gemini_check import GeminiProblem

ASKED_AGAIN_S = 180.0
"""Gemini is asked again this long after an answer without a problem, whoever asks for `/readyz`."""
AFTER_A_PROBLEM_S = 15.0
"""Gemini is asked again this long after an answer with a problem, and after twice as long for each further one in a row.

A short outage keeps no worker away from calls for minutes, and Gemini is asked about a long one as seldom as about health.
"""

logger = logging.getLogger("earshot.worker")


def asked_again_in_s(problems: int) -> float:
    """The seconds from Gemini's last answer to the next question.

    Args:
        problems: how many of the last answers in a row were problems.
    """
    doublings = min(problems - 1, 10)
    return ASKED_AGAIN_S if problems == 0 else min(ASKED_AGAIN_S, AFTER_A_PROBLEM_S * 2**doublings)


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
        self._problem: GeminiProblem | None = None
        self._problems = 0
        """How many of the last answers in a row were problems."""
        self._next_at = now
        self._one_asks = asyncio.Lock()
        self._is_wanted = False
        self._keep(problem, now)

    @property
    def is_refused(self) -> bool:
        """Gemini's last answer was a refusal, which no other attempt would change: of the key, the model or a setting."""
        return self._problem is not None and self._problem.refusal is not None

    def last_problem(self) -> GeminiProblem | None:
        """The last answer's problem, at once. If that answer is old, `keep_asking` asks again at its next time."""
        self._is_wanted = True
        return self._problem

    async def problem(self, now: float) -> GeminiProblem | None:
        """The reason why calls would have no model; None if they have one."""
        async with self._one_asks:  # who waits here finds the answer that another has asked for
            if now >= self._next_at:
                self._next_at = now + ASKED_AGAIN_S  # if the question raises: no probe repeats it at once
                self._keep(await self._ask(), now)
            return self._problem

    async def keep_asking(self, times: AsyncIterator[float]) -> None:
        """Ask again at these times, if the last answer is old and somebody wants to know.

        While Gemini refuses, it is asked all the same: its calls would stay away until somebody asks for `/readyz`.
        """
        async for now in times:
            if now >= self._next_at and (self._is_wanted or self.is_refused):
                self._is_wanted = False
                try:
                    await self.problem(now)
                except Exception:
                    logger.exception("Gemini can't be asked whether calls would have a model")

    def _keep(self, problem: GeminiProblem | None, now: float) -> None:
        self._problem = problem
        self._problems = 0 if problem is None else self._problems + 1
        self._next_at = now + asked_again_in_s(self._problems)
