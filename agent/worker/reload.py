"""`python agent.py dev` and `python agent.py start --reload`: a saved change counts from the next call on; none is lost.

This program runs workers, watches their files, and prints what happens. reload_plan.py has the rules. Workers are in the
process group of this program, so whoever ends the group ends them.
"""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from watchfiles import Change, awatch

from agent.worker import reload_plan
from agent.worker.reload_plan import MOST_WORKERS, ReloadOptions, ReloadPlan

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_REGISTERED = b"registered worker"
_LONGEST_LINE_BYTES = 256 * 1024
_MOST_LINES = 2000
"""Lines of a starting worker that are kept until it has registered; of more the oldest are dropped."""


class _Worker:
    """A process that answers calls."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, *, is_first: bool) -> None:
        self.process = process
        self.port = port
        """The port of its health server; 0 for one that it picks itself."""
        self.held: deque[tuple[int, bytes]] | None = None if is_first else deque(maxlen=_MOST_LINES)
        """The lines of a worker that hasn't registered yet, beside a current one, with their file descriptors."""
        self.last: deque[str] = deque(maxlen=50)
        """Its newest lines."""

    def write(self, descriptor: int, line: bytes) -> None:
        """Pass a line on to the descriptor, or hold it back until the worker has registered."""
        self.last.append(line.decode(errors="replace").rstrip())
        if self.held is not None:
            self.held.append((descriptor, line))
        else:
            _write(descriptor, line)

    def release(self) -> None:
        """Pass the lines on that were held back."""
        held, self.held = self.held or (), None
        for descriptor, line in held:
            _write(descriptor, line)


class Reloader:
    """Runs workers of one command line, one after the other.

    Args:
        argv: The command line of a worker.
        root: The folder whose files are watched.
        health_ports: Ports for the workers' health servers, as many as workers that may run; without any each picks a free one.
    """

    def __init__(self, argv: Sequence[str], root: Path, health_ports: Sequence[int] = ()) -> None:
        self._argv = argv
        self._root = root
        self._ports = health_ports or (0,) * MOST_WORKERS
        self._plan = ReloadPlan(len(self._ports))
        self._workers: dict[int, _Worker] = {}
        self._signals = 0
        self._wake = asyncio.Event()
        self._watched = asyncio.Event()
        """Set when no file needs to be watched any more."""
        self._code: int | None = None
        self._tasks = asyncio.TaskGroup()

    async def run(self) -> int:
        """Run until the workers have ended; returns the exit code of the last one."""
        loop = asyncio.get_running_loop()
        for what in SIGNALS:
            loop.add_signal_handler(what, self._signalled, what)
        async with self._tasks:
            self._tasks.create_task(self._watch(*self._folders(), recursive=True), name="watches folders")
            self._tasks.create_task(self._watch(self._root, recursive=False), name="watches files of the root")
            try:
                await self._do(self._plan.begin(time.monotonic()))
                while self._code is None or self._workers:
                    await self._wait()
                    await self._do(self._plan.due(time.monotonic()))
            finally:
                self._watched.set()
                for number in self._workers:
                    self._send(number, signal.SIGTERM)
        return self._code

    def _folders(self) -> list[Path]:
        """The folders to watch. With the root as a whole the virtual environment would be watched (docs/facts.md L221)."""
        found = reload_plan.watched_folders(path.name for path in self._root.iterdir() if path.is_dir())
        return [self._root / name for name in found]

    async def _wait(self) -> None:
        wait_s = None if self._plan.next_at is None else max(self._plan.next_at - time.monotonic(), 0)
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _watch(self, *paths: Path, recursive: bool) -> None:
        try:
            async for changes in awatch(*paths, watch_filter=self._concerns, recursive=recursive, stop_event=self._watched):
                files = sorted({Path(path).relative_to(self._root) for _, path in changes})
                await self._do(self._plan.changed([str(file) for file in files], self._problem(files), time.monotonic()))
        except (OSError, RuntimeError) as error:  # the system has no more watches, say
            await self._do([reload_plan.Say(f"files of {self._root} can't be watched ({error}): start anew to see changes")])

    def _concerns(self, _: Change, path: str) -> bool:
        return reload_plan.concerns_worker(Path(path).relative_to(self._root))

    def _problem(self, files: Sequence[Path]) -> str | None:
        """The first of the files that can't be compiled, in a sentence. One that was deleted can't be read, and is none."""
        for file in files:
            path = self._root / file
            if file.suffix == ".py" and path.is_file() and (found := reload_plan.syntax_problem(file, path.read_bytes())):
                return found
        return None

    async def _do(self, actions: Sequence[reload_plan.Action]) -> None:
        for action in actions:
            match action:
                case reload_plan.Start(number=number):
                    await self._start(number)
                case reload_plan.Drain(number=number):
                    self._send(number, signal.SIGTERM)
                case reload_plan.Kill(number=number):
                    self._send(number, signal.SIGKILL)
                case reload_plan.Say(line=line):
                    print(f"reload: {line}", flush=True)  # noqa: T201  the program's own words, in dev as in the demo
                case reload_plan.Exit(code=code):
                    self._end(code)

    async def _start(self, number: int) -> None:
        taken = {worker.port for worker in self._workers.values()}
        port = next((port for port in self._ports if port == 0 or port not in taken), 0)
        env = shutil.which("env") or "/usr/bin/env"
        process = await asyncio.create_subprocess_exec(
            *(env, f"HEALTH_PORT={port}", "PYTHONUNBUFFERED=1", *self._argv),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE_BYTES,
        )
        worker = self._workers[number] = _Worker(process, port, is_first=number == 1)
        self._tasks.create_task(self._follow(number, worker), name=f"worker {number}")

    async def _follow(self, number: int, worker: _Worker) -> None:
        """Pass a worker's output on, and take note of its end."""
        assert worker.process.stdout is not None
        assert worker.process.stderr is not None
        reading = [
            self._tasks.create_task(self._read(number, worker, worker.process.stdout, sys.stdout.fileno())),
            self._tasks.create_task(self._read(number, worker, worker.process.stderr, sys.stderr.fileno())),
        ]
        code = await worker.process.wait()
        await asyncio.wait(reading, timeout=1)  # a process that a tool has started may keep the pipes open
        for task in reading:
            task.cancel()
        del self._workers[number]
        reason = reload_plan.reason_of(worker.last, self._root)
        await self._do(self._plan.ended(number, code, reason, time.monotonic()))
        if self._signals and not self._workers and self._code is None:
            self._code = code
        self._wake.set()

    async def _read(self, number: int, worker: _Worker, stream: asyncio.StreamReader, descriptor: int) -> None:
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # longer than the limit: the reader has dropped it
                continue
            if not line:
                return
            worker.write(descriptor, line)
            if _REGISTERED in line:
                worker.release()
                await self._do(self._plan.registered(number, time.monotonic()))
                self._wake.set()

    def _signalled(self, number: signal.Signals) -> None:
        """Pass a signal on. The first one means nothing to workers that drain already."""
        self._signals += 1
        awake = self._plan.end()
        for worker in list(self._workers) if self._signals > 1 else awake:
            self._send(worker, number)

    def _end(self, code: int) -> None:
        """The current worker has ended by itself: the others end as well."""
        self._code = code
        self._plan.end()
        for number in self._workers:
            self._send(number, signal.SIGTERM)
        self._wake.set()

    def _send(self, number: int, what: signal.Signals) -> None:
        worker = self._workers.get(number)
        if worker is not None and worker.process.returncode is None:
            worker.process.send_signal(what)


def run_reloading(options: ReloadOptions, program: Path) -> int:
    """Run workers with reload; returns the exit code. `program` is agent.py."""
    root = Path(__file__).resolve().parents[2]
    argv = [sys.executable, str(program), *options.words]
    code = asyncio.run(Reloader(argv, root, options.health_ports).run())
    if code < 0:  # a signal has ended the worker: whoever started this program is to see the same
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def _write(descriptor: int, line: bytes) -> None:
    view = memoryview(line)
    while view:
        view = view[os.write(descriptor, view) :]
