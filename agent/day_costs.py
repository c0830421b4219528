"""The cost of all calls of a day, in a file to which the processes of the calls add and from which their worker reads.

A day is one of UTC. Each line of its file is a cost in US dollars. Workers that share the folder share the day's cap, and one
that starts again goes on from what the folder holds.
"""

import contextlib
import datetime
import logging
import math
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from agent.errors import SettingsError
from agent.settings import Settings

_TRIAL = "trial.txt"

logger = logging.getLogger("earshot.cost")


class DayCosts:
    """The files of one folder. `now` is in seconds since 1970."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = Path()
        self._read_bytes = 0
        self._total_usd = 0.0
        self._reading = threading.Lock()
        """LiveKit asks for the load in a thread of its own, while the event loop asks for a call or for /readyz."""
        self._has_failed = False

    def add(self, cost_usd: float, now: float) -> None:
        """Add a cost to the day's. A folder that can't be written costs the call nothing but a line in the log."""
        try:
            # a line of a few bytes at a file's end is one write: those of other processes come before it or after it
            with self._path_of(now).open("ab", buffering=0) as file:
                file.write(f"{cost_usd:.9f}\n".encode())
        except OSError as error:
            self._failed("the cost of the call isn't in that of the day", error)

    def total_usd(self, now: float) -> float:
        """The cost of the day so far, in US dollars. Only what is new since the last question is read. Any thread may ask."""
        with self._reading:
            return self._read_total(now)

    def _read_total(self, now: float) -> float:
        path = self._path_of(now)
        if path != self._path:
            self._path, self._read_bytes, self._total_usd = path, 0, 0.0
        try:
            lines = self._new_lines(path)
        except FileNotFoundError:
            lines = b""  # no call has cost anything today
        except OSError as error:
            self._failed("the costs of the day can't be read", error)
            lines = b""
        self._read_bytes += len(lines)
        self._total_usd += sum(map(_cost, lines.splitlines()))
        return self._total_usd

    def _new_lines(self, path: Path) -> bytes:
        """The lines that nobody has read yet, without one that is still being written."""
        with path.open("rb") as file:
            file.seek(self._read_bytes)
            lines = file.read()
        return lines[: lines.rfind(b"\n") + 1]

    def _failed(self, what: str, error: OSError) -> None:
        if not self._has_failed:
            logger.error("%s: %s", what, error)
        self._has_failed = True

    def _path_of(self, now: float) -> Path:
        return self._folder / f"cost-{datetime.datetime.fromtimestamp(now, datetime.UTC):%Y-%m-%d}.txt"


def _cost(line: bytes) -> float:
    """The cost in a line; one that somebody else has written counts as nothing."""
    try:
        cost_usd = float(line)
    except ValueError:
        return 0.0
    return cost_usd if math.isfinite(cost_usd) and cost_usd > 0 else 0.0


def day_costs_of(settings: Settings) -> DayCosts | None:
    """The costs of the day; None if nothing caps them."""
    return None if settings.day_cost_dir is None or settings.day_cost_cap_usd is None else DayCosts(settings.day_cost_dir)


@contextlib.contextmanager
def with_cost_folder(settings: Settings) -> Iterator[Settings]:
    """The settings with a folder for the costs of the day, if these are capped.

    Without DAY_COST_DIR the folder is the worker's own, and is gone with it.

    Raises:
        SettingsError: nothing can be written there.
    """
    if settings.day_cost_cap_usd is None:
        yield settings
    elif settings.day_cost_dir is None:
        with tempfile.TemporaryDirectory(prefix="earshot-costs-") as folder:
            yield settings.model_copy(update={"day_cost_dir": Path(folder)})
    else:
        _check_writable(settings.day_cost_dir)
        yield settings


def _check_writable(folder: Path) -> None:
    trial = folder / _TRIAL
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(b"")
        trial.unlink(missing_ok=True)
    except OSError as error:
        fix = f"the costs of the day can't be kept there ({error.strerror}); name a folder that the worker may write"
        raise SettingsError("DAY_COST_DIR", str(folder), fix) from error
