"""Copies the folders of calls that are over into storage, each file by itself, until the storage has all of them.

A folder whose files are all there gets a file `.uploaded`. So a worker that starts again goes on with the rest.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from records.call_folder import UPLOADED, CallFolder, folders
from records.errors import RecordsError
from records.running import is_over

_LOCK = ".uploading"
"""The file in the folder of all calls that the process which uploads has locked."""


class TakesFiles(Protocol):
    """Where calls are copied to."""

    def upload(self, source: Path, name: str) -> None:
        """Copy a file, and make sure that it is there. Raises UploadError or OSError."""


@dataclass(frozen=True)
class Uploaded:
    """What has become of the calls that were over."""

    done: list[str]
    """The names of those that are in the storage now."""
    failure: str | None = None
    """Why the others aren't. They are tried again."""


def upload_calls(calls: Path, storage: TakesFiles, now: float, *, deletes: bool) -> Uploaded:
    """Copy all calls that are over and aren't in the storage yet, the oldest first, until one can't be copied.

    Only one process does so at a time; another one does nothing.

    Args:
        calls: The folder of all calls.
        storage: Where they are copied to.
        now: The time (`time.time()`).
        deletes: Whether a folder is deleted here once the storage has all its files.
    """
    done: list[str] = []
    with _alone(calls) as is_alone:
        for folder in folders(calls) if is_alone else ():
            if is_uploaded(folder) or not is_over(folder, now):
                continue
            try:
                upload(folder, storage)
                done.append(folder.name)
                if deletes:
                    folder.delete()
            except (RecordsError, OSError) as error:
                return Uploaded(done, _reason(error))
    return Uploaded(done)


def upload(folder: CallFolder, storage: TakesFiles) -> None:
    """Copy the files of one call.

    Raises:
        UploadError: one of them isn't in the storage.
        RecordingError: the folder can't be written.
        OSError: a file can't be read.
    """
    sizes = {}
    for path in folder.files():
        if not path.name.startswith("."):
            storage.upload(path, f"{folder.name}/{path.name}")
            sizes[path.name] = path.stat().st_size
    folder.replace(UPLOADED, json.dumps({"files": sizes}))


def is_uploaded(folder: CallFolder) -> bool:
    """Whether the storage has all files of the call."""
    return (folder.path / UPLOADED).exists()


def _reason(error: RecordsError | OSError) -> str:
    return str(error) if isinstance(error, RecordsError) else error.strerror or type(error).__name__


@contextlib.contextmanager
def _alone(calls: Path) -> Iterator[bool]:
    """Whether no other process uploads; while the block runs, none does."""
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
