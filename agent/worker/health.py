"""The worker's answers to questions about its health, on LiveKit's health server: `/healthz` and `/readyz`."""

import asyncio
import time

from aiohttp import web

from agent.settings import Settings
from agent.worker.day_budget import DAY_COST_CAP, REFUSAL_HEADER, DayBudget
from agent.worker.folder_check import FolderCheck, failover_folders_of, folders_of
from agent.worker.loop_lag import LoopMonitor
from agent.worker.lost_calls import LostCalls
from agent.worker.readiness import Readiness
from agent.worker.readiness_problems import WorkerState, readiness_notes, readiness_problems


class Health:
    """Gathers what a worker knows of itself."""

    def __init__(self, settings: Settings, budget: DayBudget, readiness: Readiness | None, lost_calls: LostCalls) -> None:
        """Know nothing yet.

        Args:
            settings: The worker's settings.
            budget: What the day's calls may cost.
            readiness: Gemini's; None if nobody asks Gemini.
            lost_calls: Says why calls of processes that die are lost.
        """
        self.loop_monitor = LoopMonitor()
        self._livekit_url = settings.livekit_url
        self._budget = budget
        self._readiness = readiness
        self._folders = FolderCheck(folders_of(settings))
        self._lost_calls = lost_calls
        self._failover_folders = FolderCheck(failover_folders_of(settings))

    @property
    def loop_lag_s(self) -> float:
        """The delay of the event loop in seconds; any thread may ask."""
        return self.loop_monitor.lag.lasting_s(time.monotonic())

    @property
    def is_refused(self) -> bool:
        """Whether every call would be refused: by Gemini, or because the day has cost enough."""
        by_gemini = self._readiness is not None and self._readiness.is_refused
        return by_gemini or self._budget.is_spent(time.time())

    def healthz(self) -> web.Response:
        """The response to GET /healthz: the event loop runs, since it answers."""
        age_s = self.loop_monitor.lag.age_s(time.monotonic())
        return web.json_response({"last_tick_s": round(age_s, 3), "loop_lag_s": round(self.loop_lag_s, 3)})

    async def readyz(self, *, is_registered: bool, is_draining: bool) -> web.Response:
        """The response to GET /readyz, within about a second: a sentence for each reason to send no calls, and for each fault.

        Faults alone leave the worker ready. A worker whose day is over says so in the header REFUSAL_HEADER as well, for the
        token server.
        """
        is_spent = self._budget.is_spent(time.time())
        gemini = None if self._readiness is None else self._readiness.last_problem()
        folders, failover_folders = await asyncio.gather(self._folders.problems(), self._failover_folders.problems())
        state = WorkerState(
            day_cost=self._budget.sentence if is_spent else None,
            gemini=None if gemini is None else gemini.sentence,
            livekit_url=self._livekit_url,
            is_registered=is_registered,
            is_draining=is_draining,
            loop_lag_s=self.loop_lag_s,
            folders=folders,
            lost_calls=[*failover_folders, *([] if self._lost_calls.problem is None else [self._lost_calls.problem])],
        )
        notes = "".join(f"{note}\n" for note in readiness_notes(state))
        if problems := readiness_problems(state):
            headers = {REFUSAL_HEADER: DAY_COST_CAP} if is_spent else None
            text = "".join(f"{problem}\n" for problem in problems)
            return web.Response(status=503, text=text + notes, headers=headers)
        return web.Response(text=f"OK\n{notes}" if notes else "OK")
