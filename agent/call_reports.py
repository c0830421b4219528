"""The reports of calls to their worker: a byte for each, through a pipe whose writing end each process of a call is given.

LiveKit's own channel between the two takes no messages of ours (docs/facts.md L322). A byte is written whole or not at all, so
many processes share one pipe without a lock. A full pipe loses the report: no call waits for its worker, and 64 KiB of unread
reports say enough.
"""

import asyncio
import contextlib
import enum
import multiprocessing
import os
from collections.abc import AsyncIterator, Callable
from multiprocessing.connection import Connection

_READ_BYTES = 4096


class CallReport(enum.Enum):
    """A report of a call, and its byte."""

    QUOTA = b"q"
    """Gemini has refused the call for its quota."""


class ReportSender:
    """The end of the pipe in the process of a call. LiveKit pickles it with the process's arguments."""

    def __init__(self, connection: Connection | None = None) -> None:
        """Without a connection, as in tests of agents, a report goes nowhere."""
        self._connection = connection
        self._is_quota_told = False

    def quota_refused(self) -> None:
        """Tell the worker, once for each call, that Gemini has refused the call for its quota."""
        if not self._is_quota_told:
            self._is_quota_told = True
            self.send(CallReport.QUOTA)

    def send(self, report: CallReport) -> None:
        """Tell the worker; at once, and never waits."""
        if self._connection is not None:
            with contextlib.suppress(BlockingIOError, BrokenPipeError):  # a full pipe, or a worker that is gone
                os.write(self._connection.fileno(), report.value)


class CallReports:
    """The pipe, in the worker."""

    def __init__(self) -> None:
        self._reading, writing = multiprocessing.Pipe(duplex=False)
        for end in (self._reading, writing):
            os.set_blocking(end.fileno(), False)
        self._writing = writing
        self.sender = ReportSender(writing)

    @contextlib.asynccontextmanager
    async def received(self, on_report: Callable[[CallReport], object]) -> AsyncIterator[None]:
        """Call `on_report` for each report, as long as the block lasts. Then the pipe is closed."""
        loop, number = asyncio.get_running_loop(), self._reading.fileno()
        loop.add_reader(number, self._read, number, on_report)
        try:
            yield
        finally:
            loop.remove_reader(number)
            self._reading.close()
            self._writing.close()

    @staticmethod
    def _read(number: int, on_report: Callable[[CallReport], object]) -> None:
        with contextlib.suppress(BlockingIOError):
            for byte in os.read(number, _READ_BYTES):
                on_report(CallReport(bytes([byte])))
