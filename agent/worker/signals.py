"""SIGTERM and SIGINT: what they mean to the worker, and how its other processes outlive one that the whole group is sent.

A supervisor may signal the worker alone or its process group: systemd signals every process by default (docs/facts.md L242; our
unit file says KillMode=mixed), a terminal does at Ctrl-C, and timeout(1) signals the worker and then the group. LiveKit's
processes for calls ignore both signals only if they import `livekit.agents.ipc.job_proc_lazy_main` themselves. Under a fork
server they inherit it imported: the signal ends them and the fork server (livekit-agents 1.8.9, ipc/job_proc_lazy_main.py).
"""

import asyncio
import enum
import fcntl
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Collection, Iterable
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SAME_REQUEST_S = 0.5
"""Two signals within this are one request."""


class StopStep(enum.Enum):
    """One step of a worker's end."""

    DRAIN = "drain"
    """Take no more calls, and let the running ones end."""
    CLOSE = "close"
    """End the running calls: each tells its room and writes its last line."""
    EXIT = "exit"
    """End the process at once."""


class StopSteps:
    """Turns signals into the steps of a worker's end. Pure."""

    ORDER = (StopStep.DRAIN, StopStep.CLOSE, StopStep.EXIT)

    def __init__(self, *, drains: bool) -> None:
        self._next = list(self.ORDER if drains else self.ORDER[1:])
        self._last_at: float | None = None

    def signalled(self, now: float) -> StopStep | None:
        """The step that a signal at `now` (seconds, monotonic) asks for; None if it repeats the last one."""
        repeats = self._last_at is not None and now - self._last_at < _SAME_REQUEST_S
        self._last_at = now
        if repeats or not self._next:
            return None
        return self._next.pop(0)


class Stop:
    """The signals of a worker, as events of its loop. `drain_at`: the signals that let the running calls end first."""

    def __init__(self, drain_at: Collection[signal.Signals]) -> None:
        self.asked = asyncio.Event()
        """Set by the first signal: the worker is to end."""
        self.hurried = asyncio.Event()
        """Set by the signal that also ends the running calls."""
        self._drain_at = drain_at
        self._steps: StopSteps | None = None
        """The steps, which the first signal chooses."""
        self._loop = asyncio.get_running_loop()

    def listen(self) -> None:
        """Take the signals from whoever had them. Only a program's main thread can; in others, nothing is taken."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, lambda number, _: self._signalled(number))

    def _signalled(self, number: int) -> None:
        if self._steps is None:
            self._steps = StopSteps(drains=number in self._drain_at)
        step = self._steps.signalled(time.monotonic())
        if step is StopStep.EXIT:
            os._exit(1)
        self._loop.call_soon_threadsafe(self._take, step)  # a handler runs between any two instructions of the loop

    def _take(self, step: StopStep | None) -> None:
        if step is StopStep.CLOSE:
            self.hurried.set()
        if step is not None:
            self.asked.set()


async def task_or_event(task: asyncio.Task[None], event: asyncio.Event) -> None:
    """Wait until the task is done or the event is set. The task goes on."""
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


class SteadyForkServer(ForkServerContext):
    """A fork server that signals to the process group don't end, nor the processes that it forks, until they allow them."""

    def set_forkserver_preload(self, module_names: Iterable[str]) -> None:
        """Say what it imports, and start it. It inherits the blocked signals of this moment; none of ours is lost."""
        super().set_forkserver_preload(list(module_names))
        if threading.current_thread() is not threading.main_thread():
            return
        resource_tracker.ensure_running()  # it unblocks the signals at its end, so it comes first
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_to_worker() -> None:
    """Have signals do nothing in the process of a call, since the worker ends its calls itself.

    They are handled instead of ignored or blocked, because programs that a tool starts would inherit that.
    """
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def die_with_worker() -> None:
    """Have the kernel kill the process of a call at the moment in which its worker dies. Only Linux can.

    The process would find out a moment later, end its call with an event, and delete the room. Killed, it leaves the call to
    another worker (docs/facts.md L307, L308).
    """
    worker = multiprocessing.parent_process()
    if worker is not None and sys.platform.startswith("linux"):
        fcntl.fcntl(worker.sentinel, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(worker.sentinel, fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(worker.sentinel, fcntl.F_GETFL)
        fcntl.fcntl(worker.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
