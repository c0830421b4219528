"""What the processes of calls tell their worker: reports and measurements, a line for each, through one pipe.

LiveKit's own channel between the two takes no messages of ours (docs/facts.md L322). A line of at most 512 bytes is written
whole or not at all, so many processes share one pipe without a lock. No call waits for its worker: a full pipe loses a report,
because 64 KiB of unread lines say enough; a measurement waits in its process for the next one, and of many the oldest goes.
"""

import asyncio
import contextlib
import enum
import logging
import multiprocessing
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from multiprocessing.connection import Connection

from agent.call_metrics import Measurement

_READ_BYTES = 65536
_MOST_WAITING = 1000
"""Measurements that wait in a process for a worker that reads nothing."""

logger = logging.getLogger("earshot.worker")


class CallReport(enum.Enum):
    """A report of a call, and its line."""

    QUOTA = b"quota"
    """Gemini has refused the call for its quota."""


class ReportSender:
    """The end of the pipe in the process of a call. LiveKit pickles it with the process's arguments."""

    def __init__(self, connection: Connection | None = None) -> None:
        """Without a connection, as in tests of agents, nothing is told to anybody."""
        self._connection = connection
        self._is_quota_told = False
        self._waiting: deque[bytes] = deque(maxlen=_MOST_WAITING)

    def quota_refused(self) -> None:
        """Tell the worker, once for each call, that Gemini has refused the call for its quota."""
        if not self._is_quota_told:
            self._is_quota_told = True
            self.send(CallReport.QUOTA)

    def send(self, report: CallReport) -> None:
        """Tell the worker; at once, and never waits."""
        self._write(report.value)

    def measured(self, measurements: Iterable[Measurement]) -> None:
        """Tell the worker what was measured; never waits."""
        if self._connection is None:
            return
        self._waiting.extend(measurement.to_json().encode() for measurement in measurements)
        while self._waiting and self._write(self._waiting[0]):
            self._waiting.popleft()

    def _write(self, line: bytes) -> bool:
        """Returns whether the pipe has taken the line."""
        if self._connection is not None:
            with contextlib.suppress(BlockingIOError, BrokenPipeError):  # a full pipe, or a worker that is gone
                os.write(self._connection.fileno(), line + b"\n")
                return True
        return False


class CallReports:
    """The pipe, in the worker."""

    def __init__(self) -> None:
        self._reading, writing = multiprocessing.Pipe(duplex=False)
        for end in (self._reading, writing):
            os.set_blocking(end.fileno(), False)
        self._writing = writing
        self._rest = b""
        """The beginning of a line whose end hasn't been read yet."""
        self.sender = ReportSender(writing)

    @contextlib.asynccontextmanager
    async def received(
        self, on_report: Callable[[CallReport], object], on_measurement: Callable[[Measurement], object] = lambda _: None
    ) -> AsyncIterator[None]:
        """Call `on_report` and `on_measurement` for each, as long as the block lasts. Then the pipe is closed."""
        loop, number = asyncio.get_running_loop(), self._reading.fileno()
        loop.add_reader(number, self._read, number, on_report, on_measurement)
        try:
            yield
        finally:
            loop.remove_reader(number)
            self._reading.close()
            self._writing.close()

    def _read(
        self, number: int, on_report: Callable[[CallReport], object], on_measurement: Callable[[Measurement], object]
    ) -> None:
        with contextlib.suppress(BlockingIOError):
            *lines, self._rest = (self._rest + os.read(number, _READ_BYTES)).split(b"\n")
            for line in lines:
                try:
                    if line.startswith(b"["):
                        on_measurement(Measurement.from_json(line))
                    else:
                        on_report(CallReport(line))
                except (ValueError, KeyError):  # a process that a reload has left with older code
                    logger.warning("a call's process has told what this worker doesn't know")
