"""The lease of one call in a store: acquired while the room is joined, renewed each second, given back at the call's end.

With the lease goes the call's checkpoint, from which another process goes on with the call if this one dies, or hands it over.
A call whose store can't be reached goes on without both, and tries again each second.
"""

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self

from livekit.agents import JobContext

from agent.call.call_lease import CallLease, Holder, LeaseAnswer, LeaseEvents, NoLease
from agent.call.store_clock import StoreClock
from agent.failover_store import store_config
from agent.settings import Settings
from failover.errors import LeaseLostError, StoreUnavailableError
from failover.handover import Step, next_step
from failover.lease import RENEWED_EVERY_S, Lease, State
from failover.leaving import TAKEN_WITHIN_S, is_taken
from failover.opening import open_store
from failover.store import Store

WRITTEN_EVERY_S = 10.0
"""A checkpoint is written at least so often, for the times in it."""
_WRITES_APART_S = 0.25
_STORE_S = 1.0
"""The longest wait for the store."""
_STANDS_BY_EVERY_S = 0.03
"""A process that stands by looks so often whether it was given the call."""

logger = logging.getLogger("earshot.call")


class StoredLease:
    """A lease in a store, which `store` opens. `holder` is the process that asks."""

    is_kept = True

    def __init__(self, store: Callable[[], AbstractAsyncContextManager[Store]], holder: Holder, events: LeaseEvents) -> None:
        self._open = store
        self._holder = holder
        self._events = events
        self._store: Store | None = None
        self._lease: Lease | None = None
        self._clock = StoreClock()
        self._operation = asyncio.Lock()
        """Held during each operation of the store: they come one after the other."""
        loop = asyncio.get_running_loop()
        self._answered: asyncio.Future[LeaseAnswer] = loop.create_future()
        self._offered: asyncio.Future[bool] = loop.create_future()
        self._has_joined = False
        self._stands_by = False
        self._has_changed = False
        self._has_failed = False
        self._is_given = False
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

    async def stands_by(self) -> bool:
        return await asyncio.shield(self._offered)

    async def read(self) -> bytes | None:
        try:
            async with self._working() as store:
                return await store.read(self._holder.room)
        except (StoreUnavailableError, TimeoutError):
            return None

    def joined(self) -> None:
        self._has_joined = True
        self._wake.set()

    async def answer(self) -> LeaseAnswer:
        answer = await asyncio.shield(self._answered)
        return replace(answer, at=self._clock.at(time.monotonic())) if answer.generation else answer

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
            return self._is_given
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
            # after an operation that runs: it would write the lease anew. `_keep` may close its own store meanwhile
            async with asyncio.timeout(_STORE_S), self._operation, self._open() as store:
                await store.release(lease)
        except (StoreUnavailableError, TimeoutError) as error:
            logger.warning("the lease of the call can't be given back", extra={"reason": _reason(error)})

    # To hand the call over

    @property
    def offered_lease(self) -> Self:
        return self

    async def offer(self) -> None:
        async with self._working() as store:
            lease = self._held()
            if (checkpoint := self._made()) is not None:  # whoever comes reads who the caller is
                lease = await self._clock.told_by(store.write(lease, checkpoint))
            self._lease = await self._clock.told_by(store.offer(lease))

    async def renewed(self) -> Lease:
        async with self._working() as store:
            self._lease = await self._clock.told_by(store.renew(self._held()))
            self._renews_at = asyncio.get_running_loop().time() + RENEWED_EVERY_S
            return self._lease

    async def withdraw(self) -> None:
        async with self._working() as store:
            self._lease = await self._clock.told_by(store.withdraw(self._held()))

    async def give(self) -> None:
        async with self._working() as store:
            lease = self._held()
            if (checkpoint := self._made()) is None:
                raise StoreUnavailableError("the checkpoint can't be made")
            await store.give(lease, checkpoint)
            self._lease, self._is_given, self._is_over = None, True, True

    def _held(self) -> Lease:
        if self._lease is None:
            raise LeaseLostError
        return self._lease

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[Store]:
        """The store, for one operation.

        Raises:
            StoreUnavailableError: it isn't open.
            TimeoutError: it took too long.
        """
        async with asyncio.timeout(_STORE_S), self._operation:
            if self._store is None:
                raise StoreUnavailableError("the store isn't open")
            yield self._store

    # Keeping it

    async def _run(self) -> None:
        """Open the store, again if it can't be opened, and keep the lease."""
        while not self._is_over:
            try:
                async with contextlib.AsyncExitStack() as opened:
                    async with asyncio.timeout(_STORE_S):
                        self._store = await opened.enter_async_context(self._open())
                    await self._keep()
                    async with self._operation:  # an operation of a store that is closed would be cancelled
                        self._store = None
                        await opened.aclose()
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
            async with self._working() as store:
                await self._step(store, loop.time())
            self._available()
        except (StoreUnavailableError, TimeoutError) as error:
            self._renews_at = loop.time() + RENEWED_EVERY_S
            self._has_changed = True  # what was to be kept isn't, and a store that comes back may have lost the rest
            self._unavailable(error)

    def _next_at(self) -> float:
        if self._lease is None or not self._is_available:
            return self._renews_at
        return min(self._renews_at, self._written_at + (_WRITES_APART_S if self._has_changed else WRITTEN_EVERY_S))

    async def _step(self, store: Store, now: float) -> None:
        """Acquire the lease, write the checkpoint, or renew the lease: what is due."""
        if self._is_over:  # meanwhile
            return
        if self._lease is None:
            await self._acquire(store, now)
            return
        try:
            if now >= self._written_at + (_WRITES_APART_S if self._has_changed else WRITTEN_EVERY_S):
                self._has_changed, self._written_at = False, now
                if (checkpoint := self._made()) is None:
                    return
                self._lease = await self._clock.told_by(store.write(self._lease, checkpoint))
                self._renews_at = now + RENEWED_EVERY_S
            elif now >= self._renews_at:
                self._lease = await self._clock.told_by(store.renew(self._lease))
                self._renews_at = now + RENEWED_EVERY_S
        except LeaseLostError:
            self._lease = None
            self._lost()
        else:
            if self._lease.state is State.ASKED:
                self._events.on_asked()

    def _made(self) -> bytes | None:
        """The call's checkpoint. None: it can't be made, or the last one stays; the lease is kept all the same."""
        try:
            return self._events.checkpoint(self._clock.at(time.monotonic()))
        except Exception:  # a mistake in one part of the call is no reason to lose the call
            if not self._has_failed:
                logger.exception("the checkpoint of the call can't be made: no other process can go on with what is new")
            self._has_failed = True
            return None

    async def _acquire(self, store: Store, now: float) -> None:
        """Do the next step to the lease: at once, or while another process hands its call over."""
        room, own, worker = self._holder.room, self._holder.identity, self._holder.worker
        found, lease = await store.find(room), None
        step = next_step(found, own, has_stood_by=self._stands_by)
        if self._answered.done() and step in {Step.STAND_BY, Step.WAIT}:
            step = Step.LEAVE  # the store was away at first: this process talks already, and so does the one that has the call
        match step:
            case Step.WAIT:
                self._renews_at = now + _STANDS_BY_EVERY_S
                return
            case Step.STAND_BY:
                self._renews_at = now + _STANDS_BY_EVERY_S
                self._tell_offered(is_offered=True)
                self._stands_by = self._has_joined and await store.stand_by(room, own) is not None
                return
            case Step.SUCCEED:
                lease = await self._clock.told_by(store.succeed(room, own, worker))
            case Step.ACQUIRE:
                lease = await self._clock.told_by(store.acquire(room, own, worker))
        if lease is None:
            self._lost()
            return
        self._lease, self._renews_at, self._written_at = lease, now + RENEWED_EVERY_S, now
        self._has_changed = True
        if not self._answered.done():
            self._tell(await self._first_answer(store, found, lease))

    async def _first_answer(self, store: Store, found: Lease | None, lease: Lease) -> LeaseAnswer:
        came_at = asyncio.get_running_loop().time()
        is_given = found is not None and found.state is State.GIVEN
        since = found.changed_at if found is not None and found.state is not State.HELD else lease.changed_at
        checkpoint = await store.read(self._holder.room) if lease.generation > 1 else None
        return LeaseAnswer(True, lease.generation, is_given, checkpoint, lease.changed_at, lease.changed_at - since, came_at)

    def _tell_offered(self, *, is_offered: bool) -> None:
        if not self._offered.done():
            self._offered.set_result(is_offered)

    def _tell(self, answer: LeaseAnswer) -> None:
        if not self._answered.done():
            self._answered.set_result(answer)
        self._tell_offered(is_offered=False)

    def _lost(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._answered.done():
            self._events.on_lost()
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
        if not self._offered.done():  # the process that hands its call over still has it
            self._tell(LeaseAnswer(is_held=True))


def call_lease(ctx: JobContext, settings: Settings, events: LeaseEvents) -> CallLease:
    """The lease of a job's call, as FAILOVER says. The console has none."""
    config = None if ctx.is_fake_job() else store_config(settings)
    if config is None:
        return NoLease()
    holder = Holder(ctx.job.room.name, ctx.local_participant_identity, ctx.worker_id)
    return StoredLease(functools.partial(open_store, config), holder, events)


def _reason(error: StoreUnavailableError | TimeoutError) -> str:
    return error.reason if isinstance(error, StoreUnavailableError) else f"no answer within {_STORE_S:g} s"
