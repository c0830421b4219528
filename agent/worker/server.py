"""The worker: takes calls as long as it has a place, and ends as signals ask."""

import asyncio
import functools
import importlib
import logging
import math
import signal
import sys
import time
import warnings
from collections.abc import Callable
from typing import cast

import uvloop
from aiohttp import web
from livekit.agents import AgentServer, JobExecutorType, JobProcess, JobRequest
from livekit.agents.job import RunningJobInfo
from livekit.agents.worker import ServerOptions

from agent import livekit_private
from agent.agent_class import agent_class, toolset_classes
from agent.call_reports import CallReport, CallReports, ReportSender
from agent.day_costs import day_costs_of
from agent.failover_store import store_config
from agent.gemini import tls_context
from agent.persona import Persona
from agent.room.other_agents import MARK
from agent.settings import Settings
from agent.tools.mcp_servers import load_mcp
from agent.tracing import Tracing
from agent.worker.capacity import QUOTA_S, Capacity, MachineState
from agent.worker.day_budget import DayBudget
from agent.worker.dispatches import check_ticket
from agent.worker.draining import hand_over, hand_over_late
from agent.worker.health import Health
from agent.worker.log_filter import described
from agent.worker.lost_calls import LostCalls
from agent.worker.memory import memory_in_use
from agent.worker.metrics import CONTENT_TYPE, WorkerFigures, WorkerMetrics, resident_bytes
from agent.worker.process_folder import remove_folder, use_own_folder
from agent.worker.readiness import Readiness
from agent.worker.signals import SIGNALS, SteadyForkServer, Stop, die_with_worker, leave_to_worker, task_or_event
from agent.worker.stored_calls import every, stored_calls_work
from agent.worker.taking import job_for, running_job
from configuration import set_log_format
from configuration.log_filter import keep_words_out, log_what_goes_to_stderr
from configuration.private_text import PrivateText
from failover.rooms import UnansweredRoom
from tickets import TicketError

_CALL_BEGINS_S = 1.5
"""About how long a call takes to join its room."""
_ASKS_EVERY_S = 1.0
"""How often it is looked whether Gemini is to be asked again."""
_CPU = cast(Callable[[AgentServer], float], ServerOptions.load_fnc)

logger = logging.getLogger("earshot.worker")


class Worker(AgentServer):
    """LiveKit's `AgentServer`, which ends the program with exit code 1 when it gives up; the stock one exits with 0."""

    _http_server = livekit_private.HealthRoutes(healthz="healthz", readyz="readyz", metrics="metrics")

    def __init__(self, settings: Settings, persona: Persona, readiness: Readiness | None = None) -> None:
        assert settings.livekit_api_secret is not None
        self._reports = CallReports()
        super().__init__(
            ws_url=settings.livekit_url,
            api_key=settings.livekit_api_key,
            api_secret=settings.livekit_api_secret.get_secret_value(),
            max_retry=settings.livekit_connect_retries,
            setup_fnc=functools.partial(warm_up, settings, persona, self._reports.sender),
            load_fnc=self._load,
            load_threshold=math.inf,  # `_consider` refuses; a threshold would count an offer as a whole worker's load
            num_idle_processes=settings.idle_processes,
            job_memory_limit_mb=settings.job_killed_at_mb,
            drain_timeout=settings.drain_timeout_s,
            host=settings.health_host,
            port=settings.health_port,
            preload_modules=["agent.worker.preload"],
            log_level=settings.log_level,
            http_proxy=settings.livekit_proxy,  # LiveKit's default takes a proxy for every address, loopback included
        )
        self._readiness = readiness
        self._settings = settings
        if sys.platform.startswith("linux"):  # elsewhere LiveKit spawns its processes, and they ignore the signals
            livekit_private.fork_from(self, SteadyForkServer())
        self._idle_processes = settings.idle_processes
        self._replacing = False
        self._capacity = Capacity(settings.calls_per_worker)
        self._registered = asyncio.Event()
        self._budget = DayBudget(day_costs_of(settings), settings.day_cost_cap_usd)
        self._metrics = WorkerMetrics(self._figures)
        self._lost_calls = LostCalls(settings, persona.spoken_language, self._metrics.failover.on_event)
        self._health = Health(settings, self._budget, readiness, self._lost_calls)
        job = importlib.import_module("agent.call.job")  # after `check`, which says in a sentence why it can't be imported
        self.rtc_session(
            job.answer,
            agent_name=settings.agent_name,
            on_request=self._consider,
            on_session_end=job.afterwards,
        )

    async def run(self, *, devmode: bool = False, unregistered: bool = False) -> None:
        """Serve until closed, or until signals end it.

        Raises:
            SystemExit: with 1, after a failure. LiveKit's command line would log any other error, and end with 0.
        """
        keep_words_out(PrivateText(), described)
        set_log_format(self._settings.log_format)  # without it they are LiveKit's: JSON, or text in colours in dev
        # Ctrl-C in dev ends the calls as well; SIGTERM, as of a reload, doesn't
        drain_at = SIGNALS if not devmode else () if unregistered else (signal.SIGTERM,)
        stop = Stop(drain_at)
        stop.listen()  # LiveKit's own handlers end the process, and every call, at a second signal
        self._registers = not unregistered
        self.once("worker_registered", self._on_registered)
        self.once("worker_started", lambda: livekit_private.on_process_ended(self, self._on_process_ended))
        serving = asyncio.create_task(super().run(devmode=devmode, unregistered=unregistered), name="worker")
        watching = asyncio.create_task(self._watch_lost_calls(registers=not unregistered), name="watches lost calls")
        beside = [
            watching,
            asyncio.create_task(self._health.loop_monitor.run(), name="measures the event loop"),
            asyncio.create_task(self._keep_asking(), name="asks Gemini again"),
            asyncio.create_task(self._receive_reports(), name="receives reports of calls"),
        ]
        stored = stored_calls_work(self._settings, self._metrics)
        beside += [asyncio.create_task(work, name=name) for name, work in stored.items()]
        try:
            await task_or_event(serving, stop.asked)
            if not devmode or (stop.asked.is_set() and not stop.hurried.is_set()):
                await self._drain_until(stop.hurried)
            watching.cancel()  # calls that end with this worker are left to the others, if there are some
            await self.aclose()
            await serving
        except (RuntimeError, OSError) as error:
            logger.exception("worker failed")
            raise SystemExit(1) from error
        finally:
            for task in (serving, *beside):
                task.cancel()

    def _on_registered(self, *_: object) -> None:
        self._registered.set()

    def _on_process_ended(
        self,
        process_id: int | None,
        job: RunningJobInfo | None,
        has_died: bool,  # noqa: FBT001  what livekit_private tells
    ) -> None:
        if process_id is not None:
            remove_folder(process_id)
        if job is None:
            return
        self._lost_calls.process_ended(job)
        if has_died:
            self._metrics.process_lost()

    async def healthz(self, _: web.Request) -> web.Response:
        """The response to GET /healthz on the health server."""
        return self._health.healthz()

    async def readyz(self, _: web.Request) -> web.Response:
        """The response to GET /readyz on the health server."""
        return await self._health.readyz(is_registered=self._is_registered, is_draining=self.draining)

    async def metrics(self, _: web.Request) -> web.Response:
        """The response to GET /metrics on the health server."""
        return web.Response(body=self._metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    @property
    def _is_registered(self) -> bool:
        return not self._registers or (self._registered.is_set() and not livekit_private.is_connecting(self))

    def _figures(self) -> WorkerFigures:
        process_ids = livekit_private.call_process_ids(self)
        return WorkerFigures(
            calls=len(self.active_jobs),
            places=self._capacity.places(time.monotonic()),
            load=self._load(),
            loop_lag_s=self._health.loop_lag_s,
            memory_in_use=memory_in_use(),
            call_processes=len(process_ids),
            call_processes_bytes=resident_bytes(process_ids),
            is_registered=self._is_registered,
            is_draining=self.draining,
            failover_works=self._lost_calls.works,
            day_cost_usd=self._budget.total_usd(time.time()),
        )

    async def _watch_lost_calls(self, *, registers: bool) -> None:
        if registers:
            await self._registered.wait()  # before, no process could answer
            await self._lost_calls.watch(lambda: self.id, self._take)

    async def _keep_asking(self) -> None:
        if self._readiness is not None:
            await self._readiness.keep_asking(every(_ASKS_EVERY_S))

    async def _receive_reports(self) -> None:
        async with self._reports.received(self._on_report, self._metrics.measured):
            await asyncio.get_running_loop().create_future()

    def _on_report(self, report: CallReport) -> None:
        if report is CallReport.QUOTA:
            places = self._capacity.quota_refused(len(self.active_jobs), time.monotonic())
            logger.warning("Gemini's quota is used up: fewer places", extra={"places": places, "for_s": QUOTA_S})

    async def _drain_until(self, hurried: asyncio.Event) -> None:
        hands_over = self._lost_calls.hands_over
        draining = asyncio.create_task(self.drain(), name="draining")
        giving = hand_over(self._calls, self._lost_calls, hurried) if hands_over else asyncio.sleep(0)
        handing_over = asyncio.create_task(giving, name="hands calls over")
        try:
            await task_or_event(draining, hurried)
            if draining.done():
                await draining
        except TimeoutError:
            if not hands_over:
                await hand_over_late(self._calls, self._lost_calls, hurried)
            if self.active_jobs:
                logger.warning("calls still run after DRAIN_TIMEOUT_S and are ended")
        finally:
            handing_over.cancel()
            draining.cancel()
            await asyncio.wait({draining, handing_over})  # draining has a lock that `aclose` needs

    def _calls(self) -> list[tuple[str, str]]:
        return [(job.job.room.name, job.accept_arguments.identity) for job in self.active_jobs]

    def _load(self) -> float:
        # LiveKit's own figure of the CPU: smoothed, and of the container's share where there is one
        now = time.monotonic()
        return self._capacity.load(len(self.active_jobs), self._machine(), now, is_refused=self._health.is_refused)

    def _machine(self) -> MachineState:
        return MachineState(_CPU(self), memory_in_use(), self._health.loop_lag_s)

    async def _consider(self, request: JobRequest) -> None:
        try:
            check_ticket(request.job, self._settings.secret, time.time())
        except TicketError as error:
            logger.warning("a job is refused", extra={"room": request.room.name, "reason": str(error)})
            self._metrics.job_refused("ticket")
            await request.reject(terminate=True)  # every other worker would refuse it as well
            return
        if self._budget.is_spent(time.time()):
            logger.warning("a job is refused", extra={"room": request.room.name, "reason": self._budget.sentence})
            self._metrics.job_refused("day_cost_cap")
            await request.reject(terminate=False)
            return
        if reason := self._capacity.take(len(self.active_jobs), self._machine(), time.monotonic()):
            logger.info("full, the call goes to another worker", extra={"room": request.room.name, "reason": reason})
            self._metrics.job_refused("full")
            await request.reject(terminate=False)
            return
        self._replace_later()
        try:
            await request.accept(attributes={MARK: request.agent_name})
        finally:
            self._capacity.settle()

    async def _take(self, unanswered: UnansweredRoom) -> bool:
        """Answer a room without a dispatch, unless `_consider` would refuse its job."""
        job = job_for(unanswered, self._settings.agent_name)
        try:
            check_ticket(job, self._settings.secret, time.time())
        except TicketError as error:
            logger.warning("a room isn't answered", extra={"room": job.room.name, "reason": str(error)})
            return False
        if self.draining or self._budget.is_spent(time.time()):
            return False
        if self._capacity.take(len(self.active_jobs), self._machine(), time.monotonic()):
            return False
        self._replace_later()
        try:
            await livekit_private.launch(self, running_job(job, self._settings, self.id))
        finally:
            self._capacity.settle()
        logger.info("this worker answers a room without a dispatch", extra={"room": job.room.name})
        return True

    def _replace_later(self) -> None:
        # LiveKit would fork the next idle process while this call joins its room, and both would take longer. As long as one is
        # left, that can wait (docs/facts.md L18); a second call within that time has it forked at once.
        if self._idle_processes > 1 and not self._replacing:
            self._replacing = True
            livekit_private.keep_idle(self, 1)
            asyncio.get_running_loop().call_later(_CALL_BEGINS_S, self._replace)

    def _replace(self) -> None:
        self._replacing = False
        livekit_private.keep_idle(self, self._idle_processes)


def warm_up(settings: Settings, persona: Persona, reports: ReportSender, process: JobProcess) -> None:
    """Prepare a process for its call."""
    use_uvloop()
    private = PrivateText()
    keep_words_out(private, described)
    tls_context(settings.gemini_ca_file)
    if persona.tools.mcp:
        load_mcp()
    agent_class(persona)  # imports its module
    toolset_classes(persona)
    if process.executor_type is JobExecutorType.PROCESS:
        use_own_folder()
        leave_to_worker()
        log_what_goes_to_stderr(logger)
        if store_config(settings) is not None:
            die_with_worker()
        livekit_private.start_webrtc()
    private.of_persona(persona.redact)
    process.userdata.update(settings=settings, persona=persona, reports=reports)
    process.userdata.update(private=private, tracing=Tracing(settings, private))


def use_uvloop() -> None:
    """Make new event loops uvloop's: the largest single saving in a call."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # policies go in Python 3.16; LiveKit makes the loops itself
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
