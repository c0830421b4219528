"""The store of remembered calls: each is kept under its caller's name until it is taken or has expired, and is taken once."""

import asyncio
import contextlib
import hashlib
import hmac
import logging
import os
import stat
import time
import uuid
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Protocol

from agent.call.remembered_call import RememberedCall, from_json, is_current, to_json
from agent.errors import SettingsError

logger = logging.getLogger("earshot.call")

_SUFFIX = ".call"
_TAKEN = ".taken"
_LONGEST_FILE = 1_000_000
"""Bytes. A remembered call has less than a tenth of that."""


class CallerStore(Protocol):
    """A place for remembered calls that outlives the process of a call. Other workers may share it."""

    async def put(self, caller: str, remembered: RememberedCall) -> None:
        """Keep a call for this caller as long as its end is recent, in place of an older one. A newer one stays.

        Raises:
            OSError: it can't be kept.
        """

    async def take(self, caller: str) -> RememberedCall | None:
        """The caller's last call, which nobody else gets any more; None if there is none.

        Raises:
            OSError: the store can't be read.
        """


class DirectoryStore:
    """A `CallerStore` in a folder that is nobody else's: a file for each caller, named by a hash with a secret."""

    def __init__(self, folder: Path, secret: bytes) -> None:
        self._folder = folder
        self._secret = secret

    async def put(self, caller: str, remembered: RememberedCall) -> None:
        await asyncio.to_thread(self._put, self._path(caller), remembered)

    async def take(self, caller: str) -> RememberedCall | None:
        return await asyncio.to_thread(self._take, self._path(caller))

    def _path(self, caller: str) -> Path:
        return self._folder / f"{hidden_name(caller, self._secret)}{_SUFFIX}"

    def _put(self, path: Path, remembered: RememberedCall) -> None:
        make_private(self._folder)
        delete_expired(self._folder, time.time())
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime > remembered.ended_at:
                return
        written = path.with_name(f"{uuid.uuid4().hex}{_TAKEN}")
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(to_json(remembered))
        os.utime(written, (remembered.ended_at, remembered.ended_at))  # one that is put back expires no later for it
        written.replace(path)

    def _take(self, path: Path) -> RememberedCall | None:
        """Of two calls that take at once, one gets the file: only one of two renames finds it."""
        delete_expired(self._folder, time.time())
        taken = path.with_name(f"{uuid.uuid4().hex}{_TAKEN}")
        try:
            path.replace(taken)
        except FileNotFoundError:
            return None
        try:
            with taken.open(encoding="utf-8", errors="replace") as file:
                return from_json(file.read(_LONGEST_FILE))
        finally:
            taken.unlink()


def hidden_name(caller: str, secret: bytes) -> str:
    """A name for the caller that shows nobody who it is. A hash without a secret is found by trying all telephone numbers."""
    return hmac.new(secret, caller.encode(), hashlib.sha256).hexdigest()


def make_private(folder: Path) -> None:
    """Make the folder, readable for this user alone.

    Raises:
        OSError: it can't be made, is another user's, or lets others in.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise PermissionError("it is another user's")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(f"others may read it; `chmod 700 {folder}`")


def delete_expired(folder: Path, now: float) -> None:
    """Delete what has expired by `now` (Unix time): remembered calls, and files that a crash has left half done.

    Raises:
        OSError: a file can't be deleted.
    """
    for path in folder.glob("*"):
        if path.suffix in {_SUFFIX, _TAKEN}:
            with contextlib.suppress(FileNotFoundError):  # taken meanwhile
                if not is_current(path.stat().st_mtime, now):
                    path.unlink()


async def delete_as_they_expire(folder: Path, moments: AsyncIterable[object]) -> None:
    """Delete what has expired, at each of these moments."""
    async for _ in moments:
        try:
            await asyncio.to_thread(delete_expired, folder, time.time())
        except OSError as error:
            logger.warning(
                "remembered calls that have expired can't be deleted", extra={"reason": error.strerror or str(error)}
            )


def check_folder(folder: Path) -> None:
    """Make RESUME_CALLERS_DIR ready for use, and delete what has expired in it.

    Raises:
        SettingsError: it can't be used.
    """
    try:
        make_private(folder)
        delete_expired(folder, time.time())
        probe = folder / f"{uuid.uuid4().hex}{_TAKEN}"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        fix = f"remembered calls can't be kept there ({error.strerror or error}); name a folder of this user's"
        raise SettingsError("RESUME_CALLERS_DIR", str(folder), fix) from error
