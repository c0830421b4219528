"""Names of LiveKit's that are private and touched here, each with its reason. No other module touches one.

`missing` looks for all of them when a worker starts: another version of LiveKit's packages may lack some, and would say so in
the middle of a call. Nothing of LiveKit's plugin for Gemini is among them.
"""

import importlib
import inspect
import re
from collections import deque
from collections.abc import Callable, Iterable
from multiprocessing.context import ForkServerContext
from typing import Any, Final

from aiohttp import web
from livekit.agents import AgentServer, AgentSession, RunContext
from livekit.agents.ipc.job_executor import JobExecutor, JobStatus
from livekit.agents.ipc.proc_pool import ProcPool
from livekit.agents.job import RunningJobInfo
from livekit.agents.utils.http_server import HttpServer
from livekit.agents.voice.tool_executor import _RunningTasks
from livekit.rtc._ffi_client import FfiClient

_PROCESS_CLOSED: Final = "process_closed"
_NON_BLOCKING = "__livekit_agents_tool_non_blocking"


def cancel_tools(session: AgentSession[None], call_ids: Iterable[str]) -> None:
    """Cancel those tools that still run.

    `_RunningTasks`: LiveKit cancels only tools that are flagged for it, and then offers the model a tool that does so
    (docs/facts.md L15).
    """
    running = _RunningTasks.get(session, {})
    for call_id in call_ids:
        if call_id in running:
            running[call_id].exe_task.cancel()


def has_reported_progress(context: RunContext[None]) -> bool:
    """Whether something was told of the call before its tool returned: by the tool's own `RunContext.update`, or by LiveKit.

    `_NON_BLOCKING`: LiveKit tells a text of its own if the tool still runs 5 s after an interruption, and then tells the result
    by another id (docs/facts.md L140).
    """
    return bool(context.function_call.extra.get(_NON_BLOCKING))


def forget_events(session: AgentSession[None]) -> None:
    """Have a session that has started keep its newest event only.

    `_recorded_events`: it would keep all, for a report, and there is no setting (docs/facts.md L20).
    """
    session._recorded_events = deque(maxlen=1)  # type: ignore[assignment]  # noqa: SLF001


def keep_idle(server: AgentServer, processes: int) -> None:
    """Say how many processes wait for a call.

    `_proc_pool`: the number can be set when a server is made, and not later (docs/facts.md L18).
    """
    server._proc_pool.set_target_idle_processes(processes)  # noqa: SLF001


async def launch(server: AgentServer, job: RunningJobInfo) -> None:
    """Have a process of the server answer a call that livekit-server hasn't assigned to it.

    `_proc_pool`: `simulate_job`, which does so, leaves the job's metadata out.
    """
    await server._proc_pool.launch_job(job)  # noqa: SLF001


def on_process_ended(server: AgentServer, told: Callable[[int | None, RunningJobInfo | None, bool], None]) -> None:
    """Have it told of each process that has ended, at once: its id, its call, and whether it has died. The server has started.

    `_proc_pool`: nothing public says that a process has died (docs/facts.md L301).
    """

    def on_closed(process: JobExecutor) -> None:
        job = process.running_job
        told(getattr(process, "pid", None), job, job is not None and process.status is JobStatus.FAILED)

    server._proc_pool.on(_PROCESS_CLOSED, on_closed)  # noqa: SLF001


def call_process_ids(server: AgentServer) -> list[int]:
    """The ids of the processes of calls, and of those that wait for a call. The server has started.

    `_proc_pool`: nothing public lists the processes.
    """
    process_ids = (getattr(process, "pid", None) for process in server._proc_pool.processes)  # noqa: SLF001
    return [process_id for process_id in process_ids if process_id is not None]


def fork_from(server: AgentServer, context: ForkServerContext) -> None:
    """Have a server that hasn't started fork its processes from that fork server.

    `_mp_ctx`: LiveKit's own dies of a signal to the process group (docs/facts.md L21).
    """
    server._mp_ctx = context  # noqa: SLF001


def is_connecting(server: AgentServer) -> bool:
    """Whether a server that has registered before is trying to register again.

    `_connecting`: LiveKit tells a registration (`worker_registered`), and no loss of one.
    """
    return server._connecting  # noqa: SLF001


class HealthRoutes:
    """Stands in the class of a server for its `_http_server`, and gives that more routes, to methods of the server.

    `_http_server`: LiveKit makes its health server and starts it in one go, and aiohttp takes no route after that.
    """

    def __init__(self, **methods: str) -> None:
        """`methods`: the name of each path, without its slash, with the method that answers it."""
        self._methods = methods

    def __get__(self, server: AgentServer, owner: type) -> HttpServer | None:
        http: HttpServer | None = vars(server).get("_http_server")
        return http

    def __set__(self, server: AgentServer, http: HttpServer | None) -> None:
        if http is not None:
            http.app.add_routes([web.get(f"/{name}", getattr(server, method)) for name, method in self._methods.items()])
        vars(server)["_http_server"] = http


def start_webrtc() -> None:
    """Begin the threads of WebRTC's runtime, which can't be forked; the first room would, and takes longer for it.

    `livekit.rtc._ffi_client`: nothing public does it without a room.
    """
    FfiClient.instance  # noqa: B018


def without_deprecation_notice() -> None:
    """Have LiveKit's console leave out the line that calls it deprecated: Earshot keeps it (docs/lk.md).

    `cli._legacy`: its console prints the line, and there is no setting. It is imported for `python agent.py console` alone.
    """
    console = importlib.import_module("livekit.agents.cli._legacy").AgentsConsole.get_instance()
    printed = console.print

    def print_others(child: Any, *, tag: str = "", **style: Any) -> None:
        if tag != "Deprecated":
            printed(child, tag=tag, **style)

    console.print = print_others


def missing() -> list[str]:
    """The names above that the installed packages lack. Those of modules are missing when this one can't be imported."""
    touched = (
        (AgentSession, "_recorded_events"),
        (AgentServer, "_proc_pool"),
        (AgentServer, "_mp_ctx"),
        (AgentServer, "_http_server"),
        (AgentServer, "_connecting"),
    )
    marks = [] if _NON_BLOCKING in inspect.getsource(RunContext.update) else [f"RunContext.update's {_NON_BLOCKING}"]
    marks += [] if f'"{_PROCESS_CLOSED}"' in inspect.getsource(ProcPool) else [f"ProcPool's event {_PROCESS_CLOSED}"]
    return [f"{owner.__name__}.{name}" for owner, name in touched if not is_set_by(owner, name)] + marks


def is_set_by(owner: type, name: str) -> bool:
    """Whether the methods of a class set that attribute."""
    return re.search(rf"self\.{name}(: .*)? = ", inspect.getsource(owner)) is not None
