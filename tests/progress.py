"""One line of progress for measurements that take long: what is done, what is left, and for how long. Raw logs go to a file.

On a terminal the line stays in its place and results scroll above it (rich). Without one there is a plain line for each step.
It is drawn at steps only: no thread draws meanwhile, which would be measured too.
"""

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def time_left_s(done: float, total: float, elapsed_s: float) -> float | None:
    """Seconds until all is done, at the pace so far; None before anything is."""
    return elapsed_s / done * max(total - done, 0) if done > 0 else None


def in_words(seconds: float | None) -> str:
    """A time that is left."""
    if seconds is None:
        return "time left unknown"
    return f"{seconds:.0f} s left" if seconds < 90 else f"{seconds / 60:.0f} min left"


class Steps:
    """Shows the steps of one measurement."""

    def __init__(self, what: str, total: float, console: Console) -> None:
        self._what, self._total, self._console = what, total, console
        self._began_at = time.monotonic()
        self._done = 0.0
        self._bar: Progress | None = None
        if console.is_terminal:
            columns = (
                TextColumn(what),
                BarColumn(30),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[left]}"),
            )
            self._bar = Progress(*columns, console=console, auto_refresh=False)
            self._task = self._bar.add_task(what, total=total, left=in_words(None))

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
            self._bar.refresh()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, result: str) -> None:
        """One more step is done, with this result."""
        self.reach(self._done + 1, result)

    def reach(self, done: float, result: str = "") -> None:
        """So much of the total is done. On a terminal the line moves, and a result stands above it."""
        self._done = done
        left = in_words(time_left_s(done, self._total, time.monotonic() - self._began_at))
        if self._bar is None:
            self._console.print(f"{self._what} {done:g} of {self._total:g}, {left}" + (f": {result}" if result else ""))
            return
        if result:
            self._bar.console.print(result)
        self._bar.update(self._task, completed=done, left=left)
        self._bar.refresh()


def steps(what: str, total: float) -> Steps:
    """Show a measurement's steps on stderr, for as long as the block lasts.

    Args:
        what: the measurement.
        total: the number of its steps, or of its seconds.
    """
    return Steps(what, total, Console(file=sys.stderr, highlight=False, soft_wrap=True, markup=False, emoji=False))


@contextlib.contextmanager
def output_in(file: Path) -> Iterator[None]:
    """Write what this process prints, the output of the servers that it runs among it, to a file instead of to stdout."""
    with file.open("w", buffering=1, encoding="utf-8") as opened, contextlib.redirect_stdout(opened):
        yield


@contextlib.contextmanager
def raw_output_in_file(what: str) -> Iterator[None]:
    """The same for a measurement of that name, in a new file, whose path is told on stderr."""
    file = Path(tempfile.mkdtemp(prefix=f"earshot-{what}-")) / "servers.log"
    sys.stderr.write(f"the servers' raw output is in {file}\n")
    with output_in(file):
        yield
