"""The lease of one call: acquired while the room is joined, renewed each second, given back at the call's end.

With the lease goes the call's checkpoint, from which another process goes on with the call if this one dies. A call whose store
can't be reached goes on without both, and tries again each second.
"""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from livekit.agents import JobContext

from agent.failover_store import store_config
from agent.settings import Settings
from failover.errors import LeaseLostError, StoreUnavailableError
from failover.lease import RENEWED_EVERY_S, Lease, State
from failover.leaving import TAKEN_WITHIN_S, is_taken
from failover.opening import open_store
from failover.store import Store

WRITTEN_EVERY_S = 10.0
"""A checkpoint is written at least so often, for the times in it."""
_WRITES_APART_S = 0.25
_STORE_S = 1.0
"""The longest wait for the store."""

logger = logging.getLogger("earshot.call")


@dataclass(frozen=True)
class LeaseAnswer:
    """The answer to a call that asks for the lease of its room."""

    is_held: bool
    """False: another process answers this call."""
    generation: int = 0
    """The lease's generation: above 1, another process had this call before. 0: there is no lease."""
    checkpoint: bytes | None = None
    """The last checkpoint of the process that had the call before."""
    at: float = 0.0
    """The time of the answer, on the store's clock."""
    away_s: float = 0.0
    """Seconds since the loss of that process was noticed."""


@dataclass(frozen=True)
class Holder:
    """The process that asks for the lease."""

    room: str
    identity: str
    """The identity of its agent in the room: a new one for each job."""
    worker: str


class CallLease(Protocol):
    """The lease of a call, and the way of its checkpoints. `async with` it: it is acquired meanwhile."""

    is_kept: bool
    """Whether checkpoints are written at all."""

    async def __aenter__(self) -> Self:
        """Begin to acquire it."""

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """Renew it no more."""

    async def answer(self) -> LeaseAnswer:
        """Wait for the answer of the store; in bounded time."""

    def changed(self) -> None:
        """The call's checkpoint is another one now: it is written soon."""

    def look(self) -> None:
        """Another process may have the lease: find out at once."""

    async def leave(self) -> bool:
        """The process ends before its call does. Returns whether another worker has the call; in bounded time."""

    async def release(self) -> None:
        """The call has ended."""


class NoLease:
    """The lease of a call that no other process goes on with: FAILOVER is off, or it is in the console."""

    is_kept = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """Nothing was begun."""

    async def answer(self) -> LeaseAnswer:
        return LeaseAnswer(is_held=True)

    def changed(self) -> None:
        """No checkpoint is written."""

    def look(self) -> None:
        """No other process has the call."""

    async def leave(self) -> bool:
        return False

    async def release(self) -> None:
        """There is nothing to give back."""


class StoredLease:
    """A lease in a store.

    Args:
        store: opens the store.
        holder: the process that asks.
        checkpoint: returns the call's checkpoint; it is given the time on the store's clock.
        on_lost: called once when another process has the call after all.
    """

    is_kept = True

    def __init__(
        self,
        store: Callable[[], AbstractAsyncContextManager[Store]],
        holder: Holder,
        checkpoint: Callable[[float], bytes],
        on_lost: Callable[[], None],
    ) -> None:
        self._open = store
        self._holder = holder
        self._checkpoint = checkpoint
        self._on_lost = on_lost
        self._store: Store | None = None
        self._lease: Lease | None = None
        self._answered: asyncio.Future[LeaseAnswer] = asyncio.get_running_loop().create_future()
        self._has_changed = False
        self._has_failed = False
        self._is_over = False
        self._wake = asyncio.Event()
        self._renews_at = 0.0
        self._written_at = 0.0
        """Time of the event loop."""
        self._is_available = True
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="lease")
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def answer(self) -> LeaseAnswer:
        return await asyncio.shield(self._answered)

    def changed(self) -> None:
        self._has_changed = True
        self._wake.set()

    def look(self) -> None:
        self._renews_at = 0.0
        self._wake.set()

    async def leave(self) -> bool:
        self._is_over = True
        lease, self._lease = self._lease, None
        if lease is None:
            return False
        try:
            async with asyncio.timeout(_STORE_S + TAKEN_WITHIN_S), self._open() as store:  # `_keep` may close its own meanwhile
                return await is_taken(store, lease)
        except (StoreUnavailableError, TimeoutError) as error:
            logger.warning("the call can't be left to another worker", extra={"reason": _reason(error)})
            return False

    async def release(self) -> None:
        """The call has ended: the store forgets it, unless another process has it."""
        self._is_over = True
        lease, self._lease = self._lease, None
        if lease is None or self._store is None:
            return
        try:
            async with asyncio.timeout(_STORE_S):
                await self._store.release(lease)
        except (StoreUnavailableError, TimeoutError) as error:
            logger.warning("the lease of the call can't be given back", extra={"reason": _reason(error)})

    async def _run(self) -> None:
        """Open the store, again if it can't be opened, and keep the lease."""
        while not self._is_over:
            try:
                async with contextlib.AsyncExitStack() as opened:
                    async with asyncio.timeout(_STORE_S):
                        self._store = await opened.enter_async_context(self._open())
                    await self._keep()
            except (StoreUnavailableError, TimeoutError) as error:
                self._unavailable(error)
                await asyncio.sleep(RENEWED_EVERY_S)
            finally:
                self._store = None

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._is_over:
            self._wake.clear()
            if self._is_available or loop.time() >= self._renews_at:  # a store that is away is asked once a second
                await self._ask(loop)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._next_at()):
                    await self._wake.wait()

    async def _ask(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            async with asyncio.timeout(_STORE_S):
                await self._step(loop.time())
            self._available()
        except (StoreUnavailableError, TimeoutError) as error:
            self._renews_at = loop.time() + RENEWED_EVERY_S
            self._has_changed = True  # what was to be kept isn't, and a store that comes back may have lost the rest
            self._unavailable(error)

    def _next_at(self) -> float:
        writes_at = self._written_at + (_WRITES_APART_S if self._has_changed else WRITTEN_EVERY_S)
        return min(self._renews_at, writes_at) if self._is_available else self._renews_at

    async def _step(self, now: float) -> None:
        """Acquire the lease, write the checkpoint, or renew the lease: what is due."""
        assert self._store is not None
        if self._lease is None:
            await self._acquire(now)
            return
        try:
            if now >= self._written_at + (_WRITES_APART_S if self._has_changed else WRITTEN_EVERY_S):
                self._has_changed, self._written_at = False, now
                if (checkpoint := self._made(self._lease.changed_at)) is None:
                    return
                self._lease = await self._store.write(self._lease, checkpoint)
                self._renews_at = now + RENEWED_EVERY_S
            elif now >= self._renews_at:
                self._lease = await self._store.renew(self._lease)
                self._renews_at = now + RENEWED_EVERY_S
        except LeaseLostError:
            self._lease = None
            self._lost()

    def _made(self, at: float) -> bytes | None:
        """The call's checkpoint. None: it can't be made, which the log says once; the lease is kept all the same."""
        try:
            return self._checkpoint(at)
        except Exception:  # a mistake in one part of the call is no reason to lose the call
            if not self._has_failed:
                logger.exception("the checkpoint of the call can't be made: no other process can go on with what is new")
            self._has_failed = True
            return None

    async def _acquire(self, now: float) -> None:
        assert self._store is not None
        found = None if self._answered.done() else await self._store.find(self._holder.room)
        lease = await self._store.acquire(self._holder.room, self._holder.identity, self._holder.worker)
        if lease is None:
            self._lost()
            return
        self._lease, self._renews_at, self._written_at = lease, now + RENEWED_EVERY_S, now
        self._has_changed = True
        if self._answered.done():
            return
        checkpoint = await self._store.read(self._holder.room) if lease.generation > 1 else None
        since = found.changed_at if found is not None and found.state is not State.HELD else lease.changed_at
        self._tell(LeaseAnswer(True, lease.generation, checkpoint, lease.changed_at, lease.changed_at - since))

    def _tell(self, answer: LeaseAnswer) -> None:
        if not self._answered.done():
            self._answered.set_result(answer)

    def _lost(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._answered.done():
            self._on_lost()
        self._tell(LeaseAnswer(is_held=False))

    def _available(self) -> None:
        if not self._is_available:
            self._is_available = True
            logger.info("the store of the calls is back: another process can go on with this call")

    def _unavailable(self, error: StoreUnavailableError | TimeoutError) -> None:
        if self._is_available:
            self._is_available = False
            told = {"reason": _reason(error), "room": self._holder.room}
            logger.warning("no other process can go on with this call: its store is not available", extra=told)
        self._tell(LeaseAnswer(is_held=True))


def call_lease(
    ctx: JobContext, settings: Settings, checkpoint: Callable[[float], bytes], on_lost: Callable[[], None]
) -> CallLease:
    """The lease of a job's call, as FAILOVER says. The console has none."""
    config = None if ctx.is_fake_job() else store_config(settings)
    if config is None:
        return NoLease()
    holder = Holder(ctx.job.room.name, ctx.local_participant_identity, ctx.worker_id)
    return StoredLease(functools.partial(open_store, config), holder, checkpoint, on_lost)


def _reason(error: StoreUnavailableError | TimeoutError) -> str:
    return error.reason if isinstance(error, StoreUnavailableError) else f"no answer within {_STORE_S:g} s"
