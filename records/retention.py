"""Which recorded calls are deleted: those that are too old, and the oldest when all together are too large."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from records.call_folder import CallFolder, folders
from records.errors import RecordingError

RUNS_S = 900.0
"""A call whose files have changed within this time may run, and is kept."""
_DAY_S = 86_400.0
_GB = 1e9


@dataclass(frozen=True)
class KeptCall:
    """A recorded call as it lies on the disk."""

    name: str
    size_bytes: int
    changed_at: float
    """The time at which one of its files has changed last (`time.time()`)."""


@dataclass(frozen=True)
class Retention:
    """How long recorded calls are kept. None: no limit."""

    days: float | None = None
    gb: float | None = None


def expired(calls: Iterable[KeptCall], kept: Retention, now: float) -> list[str]:
    """The names of the calls to delete, the oldest first."""
    oldest_first = sorted(calls, key=lambda call: call.changed_at)
    left_bytes = sum(call.size_bytes for call in oldest_first)
    names = []
    for call in oldest_first:
        age_s = now - call.changed_at
        is_old = kept.days is not None and age_s > kept.days * _DAY_S
        is_too_much = kept.gb is not None and left_bytes > kept.gb * _GB
        if age_s > RUNS_S and (is_old or is_too_much):
            names.append(call.name)
            left_bytes -= call.size_bytes
    return names


def kept_calls(calls: Path) -> list[KeptCall]:
    """The recorded calls in a folder."""
    return [on_disk(folder) for folder in folders(calls)]


def purge(
    calls: Path, kept: Retention, now: float, may_go: Callable[[CallFolder], bool] | None = None
) -> tuple[list[str], list[str]]:
    """Delete the calls that have expired.

    Args:
        calls: The folder of all calls.
        kept: How long they are kept.
        now: The time (`time.time()`).
        may_go: Whether a call that has expired may be deleted. None: each may.

    Returns:
        The names of the deleted ones, and of those that can't be deleted.
    """
    deleted, failed = [], []
    for name in expired(kept_calls(calls), kept, now):
        try:
            folder = CallFolder(calls, name)
            if may_go is not None and not may_go(folder):
                continue
            folder.delete()
        except (RecordingError, OSError):
            failed.append(name)
        else:
            deleted.append(name)
    return deleted, failed


def on_disk(folder: CallFolder) -> KeptCall:
    """The call in a folder: its size, and when it has changed."""
    size_bytes, changed_at = 0, 0.0
    with contextlib.suppress(FileNotFoundError):
        changed_at = folder.path.stat().st_mtime
    for path in folder.files():
        with contextlib.suppress(FileNotFoundError):
            found = path.stat()
            size_bytes += 512 * found.st_blocks  # silence that nobody wrote takes no space
            changed_at = max(changed_at, found.st_mtime)
    return KeptCall(folder.name, size_bytes, changed_at)
