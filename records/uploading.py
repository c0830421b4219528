"""Copies the folders of calls that are over into storage, each file by itself, until the storage has all of them.

A folder whose files are all there gets a file `.uploaded`, which counts until one of them changes. So a worker that starts
again goes on with the rest.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from records.call_folder import COPIED, UPLOADED, CallFolder, folders
from records.errors import NoRecordError, RecordsError, StorageError
from records.running import is_over

Versions = dict[str, list[int]]
"""What changes with each write of a file, its size and its time, by its name."""


class TakesFiles(Protocol):
    """Where calls are copied to."""

    def upload(self, source: Path, name: str) -> None:
        """Copy a file, and make sure that it is there.

        Raises:
            StorageError: no other file can be copied either.
            UploadError: it isn't there.
            OSError: it can't be read.
        """


@dataclass(frozen=True)
class Uploaded:
    """What has become of the calls that were over."""

    done: list[str]
    """The names of those that are in the storage now."""
    failures: list[str]
    """Why others aren't. They are tried again."""


def upload_calls(calls: Path, storage: TakesFiles, now: float, *, deletes: bool) -> Uploaded:
    """Copy all calls that are over and aren't in the storage yet, the oldest first, as long as the storage can be used.

    Args:
        calls: The folder of all calls.
        storage: Where they are copied to.
        now: The time (`time.time()`).
        deletes: Whether a folder is deleted here once the storage has all its files.
    """
    done, failures = list[str](), list[str]()
    for folder in folders(calls):
        if is_uploaded(folder) or not is_over(folder, now):
            continue
        try:
            copied = upload(folder, storage)
            if copied != _versions(folder) or not is_over(folder, now):
                continue  # another process has gone on with it meanwhile
            if deletes:
                folder.delete()
            else:
                folder.replace(UPLOADED, json.dumps({"files": copied}))
            done.append(folder.name)
        except StorageError as error:
            failures.append(str(error))
            break
        except (RecordsError, OSError) as error:
            failures.append(f"{folder.name}: {_reason(error)}")
    return Uploaded(done, failures)


def upload(folder: CallFolder, storage: TakesFiles) -> Versions:
    """Copy the files of one call, and return which versions of them were copied.

    Raises:
        UploadError: one of them isn't in the storage.
        OSError: a file can't be read.
    """
    copied = _versions(folder)
    for name in copied:
        storage.upload(folder.path / name, f"{folder.name}/{name}")
    return copied


def is_uploaded(folder: CallFolder) -> bool:
    """Whether the storage has all files of the call as they are."""
    try:
        kept = json.loads(folder.read(UPLOADED))
    except (NoRecordError, ValueError):
        return False
    match kept:
        case {"files": dict(copied)}:
            return all(copied.get(name) == version for name, version in _versions(folder).items())
        case _:
            return False


def _versions(folder: CallFolder) -> Versions:
    """The versions of all files that are to be in the storage."""
    with os.scandir(folder.path) as entries:  # the workers look at all calls every few seconds
        found = {entry.name: entry.stat() for entry in entries if entry.name in COPIED and entry.is_file(follow_symlinks=False)}
    return {name: [found[name].st_size, found[name].st_mtime_ns] for name in COPIED if name in found}


def _reason(error: RecordsError | OSError) -> str:
    return str(error) if isinstance(error, RecordsError) else error.strerror or type(error).__name__
