"""A store in a folder of one machine. Its processes read one clock, and the kernel says at once whose holder has died.

A call has these files, named by a hash with a secret; each has the mode 0600:

    NAME.lease          the lease, its room, time and boot, as JSON; replaced in one step, so a reader finds a whole one
    NAME.checkpoint     the last checkpoint
    NAME.lock           locked while a process reads the lease, decides, and replaces it
    NAME.N.alive        locked by the holder of generation N as long as its process lives (docs/facts.md L290)
    NAME.new            what a process is about to put in place of the lease or the checkpoint

The file sweep.turn names the watch that looks at all rooms, and says until when. It stays when there are no calls.
"""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from failover.clock_check import ClockCheck
from failover.encryption import Encryption
from failover.errors import StoreUnavailableError
from failover.lease import (
    EXPIRES_S,
    HOLDER_LIVES,
    LAPSES_S,
    Acquire,
    Event,
    Lease,
    Refusal,
    Renew,
    State,
    Succeed,
    as_of,
    change,
    holders_generation,
)
from failover.lease_operations import LeaseOperations
from failover.lease_text import UnreadableLeaseError, from_text, to_text
from failover.private_folder import boot_id, make_private

logger = logging.getLogger("earshot.failover")

_LOCK_WAIT_S = 1.0
"""A lock is held for less than a millisecond, unless its process is stopped just then."""
_LOCK_LOOK_S = 0.002
SWEEP = "sweep"
"""Begins the names of files about the turn to look at all rooms. The names of calls are hexadecimal."""
STANDS_STILL_S = 10.0
"""A process that lives and doesn't renew its lease for so long, since a tool blocks its event loop for example, loses it."""
_MOST_IGNORED = 1000
"""So many unreadable files are remembered as told; the oldest goes, and is told again."""
_Result = TypeVar("_Result")


class DirectoryStore(LeaseOperations):
    """Leases and checkpoints in a folder that is nobody else's.

    Args:
        folder: made if it isn't there.
        encryption: names the files, and encrypts what is in them.
        clock: seconds; the same for all processes of the machine.
    """

    def __init__(self, folder: Path, encryption: Encryption, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._encryption = encryption
        self._clock = clock
        self._clock_check = ClockCheck()
        self._boot = boot_id()
        self._is_prepared = False
        self._ignored: deque[str] = deque(maxlen=_MOST_IGNORED)
        self._thread = ThreadPoolExecutor(1, "failover")
        """A thread of its own: names that are looked up for long fill the loop's threads, and a lease would lapse meanwhile."""
        self._known: dict[str, tuple[tuple[int, int], Lease | None]] = {}
        """What a look at all leases has read, by name, with the file's number and time. Only files that are there."""
        self._alive: dict[tuple[str, int], int] = {}
        """File descriptors whose locks say that this process lives, by name of the call and generation."""

    def close(self) -> None:
        """Let go of all leases that this process holds: others see them as lapsed."""
        self._thread.shutdown(cancel_futures=True)
        while self._alive:
            os.close(self._alive.popitem()[1])

    async def apply(
        self, room: str, event: Event, *, known: Lease | None = None, checkpoint: bytes | None = None
    ) -> Lease | Refusal | None:
        del known  # the lease is read under its lock anyway
        return await self._in_thread(lambda: self._apply(room, event, checkpoint))

    async def read(self, room: str) -> bytes | None:
        return await self._in_thread(lambda: self._checkpoint(self._encryption.name(room)))

    async def find(self, room: str) -> Lease | None:
        lease = await self._in_thread(lambda: self._lease(self._encryption.name(room), room))
        return None if lease is None else as_of(lease, self._clock())

    async def lapsed(self) -> list[Lease]:
        leases = await self._in_thread(self._leases)
        now = self._clock()
        if self._clock_check.is_trusted(now, time.monotonic()):
            leases = [as_of(lease, now) for lease in leases]
        return [lease for lease in leases if lease.state is State.LAPSED]

    async def leases(self) -> list[Lease]:
        leases = await self._in_thread(self._leases)
        return [as_of(lease, self._clock()) for lease in leases]

    async def may_sweep(self, sweeper: str, for_s: float) -> bool:
        return await self._in_thread(lambda: self._may_sweep(sweeper, for_s))

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        def with_folder() -> _Result:
            if not self._is_prepared:
                self._prepare()
            try:
                return work()
            except FileNotFoundError:  # the folder, at the end of the user's last session
                self._prepare()
                return work()

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, with_folder)
        except OSError as error:
            raise StoreUnavailableError(f"{self._folder}: {error.strerror or error}") from error

    def _prepare(self) -> None:
        make_private(self._folder)
        newest: dict[str, float] = {}
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process replaces its files just now
                name = path.stem.partition(".")[0]
                newest[name] = max(newest.get(name, 0.0), path.stat().st_mtime)
        for name, changed_at in newest.items():
            if time.time() - changed_at > EXPIRES_S:  # a holder would have replaced the lease
                self._delete(name)
        self._is_prepared = True

    def _apply(self, room: str, event: Event, checkpoint: bytes | None) -> Lease | Refusal | None:
        name = self._encryption.name(room)
        with self._locked(name):
            before = self._lease(name, room)
            after = change(before, event, self._clock())
            if before is None and isinstance(event, Renew) and (name, event.lease.generation) not in self._alive:
                after = Refusal.REFUSED  # released meanwhile: the thread of a renewal that was cancelled goes on
            if not isinstance(after, Lease):
                self._let_go(name, event)
                if after is None:
                    self._delete(name)
                return after
            is_new = before is None or before.generation != after.generation
            if is_new and isinstance(event, Acquire | Succeed | Renew):
                self._say_alive(name, after.generation)
            if checkpoint is not None:
                self._replace(name, "checkpoint", self._encryption.encrypt(checkpoint))
            self._replace(name, "lease", self._written(after))
            return after

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        until = time.monotonic() + _LOCK_WAIT_S
        while (file := _lock(self._path(name, "lock"))) is None:
            if time.monotonic() > until:
                raise TimeoutError("a process that is stopped has the lock of a call")
            time.sleep(_LOCK_LOOK_S)
        try:
            yield
        finally:
            os.close(file)

    def _written(self, lease: Lease) -> bytes:
        room = self._encryption.encrypt(lease.room.encode()).decode()
        entry = {"lease": to_text(lease), "room": room, "changed_at": lease.changed_at, "boot": self._boot}
        return json.dumps(entry, separators=(",", ":")).encode()

    def _lease(self, name: str, room: str | None = None) -> Lease | None:
        """The lease that is written down; LAPSED if its holder's process is dead. Not one of an earlier boot.

        Args:
            name: the name of the call's files.
            room: the name of its room if it is known, so that no key is needed.
        """
        return self._as_alive(name, self._read_lease(name, room))

    def _as_alive(self, name: str, lease: Lease | None) -> Lease | None:
        """The lease, lapsed at once if its holder is dead; a holder that lives may stand still for STANDS_STILL_S."""
        if lease is None or lease.state not in HOLDER_LIVES:
            return lease
        lives = self._lives(name, lease.generation)
        if lives is None:
            return lease
        if not lives:
            return replace(lease, state=State.LAPSED)
        return replace(
            lease, changed_at=max(lease.changed_at, min(self._clock(), lease.changed_at + STANDS_STILL_S - LAPSES_S))
        )

    def _read_lease(self, name: str, room: str | None) -> Lease | None:
        try:
            entry = json.loads(self._path(name, "lease").read_bytes())
            lease = from_text(entry["lease"], room or self._room(entry), float(entry["changed_at"]))
            return lease if entry["boot"] == self._boot else None
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, UnreadableLeaseError):
            self._ignore(f"{name}.lease")
            return None

    def _room(self, entry: dict[str, str]) -> str:
        room = self._encryption.decrypt(entry["room"].encode())
        if room is None:
            raise UnreadableLeaseError
        return room.decode()

    def _ignore(self, file: str) -> None:
        if file not in self._ignored:
            self._ignored.append(file)
            logger.warning(
                "a file of a call is half written, or encrypted with another key; it is ignored", extra={"file": file}
            )

    def _lives(self, name: str, generation: int) -> bool | None:
        """Whether somebody has the lock that the holder keeps as long as it lives. None: there is no lock, and time decides."""
        try:
            file = os.open(self._path(name, f"{generation}.alive"), os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(file)

    def _say_alive(self, name: str, generation: int) -> None:
        for old in self._folder.glob(f"{name}.*.alive"):
            old.unlink(missing_ok=True)
        file = os.open(self._path(name, f"{generation}.alive"), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        before = self._alive.get((name, generation))
        self._alive[name, generation] = file
        if before is not None:  # the folder was deleted
            os.close(before)

    def _let_go(self, name: str, event: Event) -> None:
        """After the holder's event ended its lease, or was refused: others may see this process as dead."""
        file = self._alive.pop((name, holders_generation(event) or 0), None)
        if file is not None:
            os.close(file)

    def _checkpoint(self, name: str) -> bytes | None:
        try:
            content = self._encryption.decrypt(self._path(name, "checkpoint").read_bytes())
        except FileNotFoundError:
            return None
        if content is None:
            self._ignore(f"{name}.checkpoint")
        return content

    def _leases(self) -> list[Lease]:
        """All leases as they are written down. Those of an earlier boot, and those older than EXPIRES_S, are deleted."""
        found, before, self._known = [], self._known, {}
        for path in self._folder.glob("*.lease"):
            with contextlib.suppress(FileNotFoundError):  # ended meanwhile
                status = path.stat()
                stamp, kept = (status.st_ino, status.st_mtime_ns), before.get(path.stem)
                self._known[path.stem] = kept if kept and kept[0] == stamp else (stamp, self._read_lease(path.stem, None))
        for name, (_, lease) in self._known.items():
            if lease is not None and self._clock() - lease.changed_at < EXPIRES_S:
                found.append(self._as_alive(name, lease))
            elif f"{name}.lease" not in self._ignored:
                self._delete_if_old(name)
        return [lease for lease in found if lease is not None]

    def _delete_if_old(self, name: str) -> None:
        with self._locked(name):
            lease = self._read_lease(name, None)
            if lease is None or self._clock() - lease.changed_at >= EXPIRES_S:
                self._delete(name)

    def _may_sweep(self, sweeper: str, for_s: float) -> bool:
        with self._locked(SWEEP):
            if self._sweeper() not in {None, sweeper}:
                return False
            turn = {"sweeper": sweeper, "until": self._clock() + for_s, "boot": self._boot}
            self._replace(SWEEP, "turn", json.dumps(turn).encode())
            return True

    def _sweeper(self) -> str | None:
        """The watch whose turn isn't over; None: it is nobody's, or can't be read."""
        try:
            turn = json.loads(self._path(SWEEP, "turn").read_bytes())
            is_current = turn["boot"] == self._boot and self._clock() < float(turn["until"])
            return str(turn["sweeper"]) if is_current else None
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def _replace(self, name: str, kind: str, content: bytes) -> None:
        new = self._path(name, "new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        new.replace(self._path(name, kind))

    def _delete(self, name: str) -> None:
        """Delete a call's files, the lock last."""
        for path in sorted(self._folder.glob(f"{name}.*"), key=lambda path: path.suffix == ".lock"):
            path.unlink(missing_ok=True)

    def _path(self, name: str, kind: str) -> Path:
        return self._folder / f"{name}.{kind}"


def _lock(path: Path) -> int | None:
    """The file descriptor of a file that this process has locked; None: another has."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file), path.stat()):
            return file
    except (BlockingIOError, FileNotFoundError):  # the latter: the call was deleted between the lines
        pass
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None
