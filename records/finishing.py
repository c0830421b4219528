"""What is done with recorded calls that are over: their sound is compressed, and their files are copied into storage."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from records.call_folder import CallFolder, folders
from records.running import is_over
from records.uploading import is_uploaded

_LOCK = ".finishing"
"""The file in the folder of all calls that the process which does this has locked."""


@dataclass(frozen=True)
class Finishing:
    """What is to be done."""

    compresses: bool
    """RECORD_FORMAT=opus."""
    uploads: bool
    """RECORD_S3 is set."""


def waiting_calls(calls: Path, finishing: Finishing, now: float) -> int:
    """The number of calls that are over, and with which something is to be done."""
    return sum(_lacks(folder, finishing) and is_over(folder, now) for folder in folders(calls))


@contextlib.contextmanager
def alone(calls: Path) -> Iterator[bool]:
    """Whether no other process does this; while the block runs, none does. False if there is no such folder, too."""
    if not calls.is_dir():
        yield False
        return
    file = os.open(calls / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(file)


def _lacks(folder: CallFolder, finishing: Finishing) -> bool:
    return (finishing.compresses and not folder.is_compressed) or (finishing.uploads and not is_uploaded(folder))
