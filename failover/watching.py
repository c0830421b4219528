"""Runs the watch of one worker: reads the store and the rooms, and does what `failover.watch` decides."""

import asyncio
import dataclasses
import logging
import random
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable

from failover.errors import FailoverError, StoreUnavailableError
from failover.lease import HANDED_OVER, Lease
from failover.rooms import Rooms, UnansweredRoom
from failover.store import Store
from failover.watch import Action, AdoptRoom, ClaimCall, DropCall, GiveUp, RemoveGhost, Watch, WatchedRoom
from failover.watch_events import Act, Acted, LeasesSeen, Listener, Looked, LookedAt, WatchEvent, result_of

SWEEPS_EVERY_S = 2.0
"""All rooms are looked at so often for callers without an agent, by one watch of the fleet."""
_TURN_S = 5.0
"""A watch that hasn't looked at the rooms for so long has lost its turn to another one."""
_MOST_ROOMS_AT_ONCE = 8
"""Most rooms that are asked about at once in a sweep: half of the connections to livekit-server are left for lost calls."""
_MOST_AWAY_S = 15.0
"""Longest wait between two looks while the store or livekit-server is away."""
_MOST_ENDED = 1000
_ASKS_AGAIN_S = 10.0
"""A room that asks for no agent of this fleet is asked about again after so long, and after twice as long each further time."""
_MOST_ASKS_AGAIN_S = 80.0

logger = logging.getLogger("earshot.failover")

Tell = Callable[[WatchedRoom, bytes | None], Coroutine[None, None, None]]
"""Tells a room in words and sound that its call can't go on, and has its telephones hang up. Takes some seconds at most.

It is given the call's last checkpoint, too, if there is one.
"""

Take = Callable[[UnansweredRoom], Awaitable[bool]]
"""Answers a room with a process of this worker, without a dispatch of livekit-server's. False: it has no place for it."""
_DISPATCHED_TAKEOVERS = 1
"""So many takeovers of a call are dispatched by livekit-server, which spreads them over the workers."""


class Watcher:
    """The watch of one worker process."""

    def __init__(
        self, store: Store, rooms: Rooms, worker: Callable[[], str], tell: Tell, take: Take, *, looks_every_s: float
    ) -> None:
        """Begin with nothing known.

        Args:
            store: The fleet's leases.
            rooms: The rooms of the fleet's livekit-server.
            worker: Returns the id of this worker process, which LiveKit gives it when it registers.
            tell: Tells a room that is given up.
            take: Answers a room that livekit-server's dispatch has brought no agent into.
            looks_every_s: The time between two looks at the leases, in seconds.
        """
        self._store = store
        self._rooms = rooms
        self._worker = worker
        self._tell = tell
        self._take = take
        self._looks_every_s = looks_every_s
        self._watch = Watch(time.monotonic())
        self._lapsed = asyncio.Event()
        self._ended: asyncio.Queue[tuple[str, str]] = asyncio.Queue(maxsize=_MOST_ENDED)
        """Rooms and identities of processes that have ended. With one more, the oldest is dropped."""
        self._problems: dict[str, str] = {}
        """The reasons for which a loop's last look has failed, by what it looks at."""
        self._telling = asyncio.TaskGroup()
        self._sweeper = secrets.token_hex(8)
        """The name of this watch when it asks for its turn to sweep."""
        self._asking = asyncio.Semaphore(_MOST_ROOMS_AT_ONCE)
        self._listeners: list[Listener] = []
        self._foreign: dict[str, tuple[float, float]] = {}
        """By the id of a room that doesn't ask for this agent: when it is asked about again, and the wait before that."""

    def add_listener(self, listener: Listener) -> None:
        """Tell what the watch sees and does."""
        self._listeners.append(listener)

    def _told(self, event: WatchEvent) -> None:
        for listener in self._listeners:
            listener(event)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._telling = tasks
            tasks.create_task(self._lapse_ended(), name="tells of ended processes")
            tasks.create_task(self._repeat(LookedAt.LEASES, self.look, self._until_next_look), name="watches leases")
            tasks.create_task(self._repeat(LookedAt.ROOMS, self.sweep, _until_next_sweep), name="watches rooms")

    @property
    def problem(self) -> str | None:
        """The reason why lost calls can't be seen at the moment; None: they can."""
        return next(iter(self._problems.values()), None)

    def process_ended(self, room: str, holder: str) -> None:
        """A process of this worker has ended. If it held the call of that room, another process goes on with it at once."""
        if self._ended.full():
            self._ended.get_nowait()  # its lease lapses by itself, LAPSES_S after its last renewal
        self._ended.put_nowait((room, holder))

    async def ask(self, room: str, holder: str) -> None:
        """Ask the holder of a call to hand it over. The log says so if the store is away."""
        try:
            await self._store.ask(room, holder)
        except StoreUnavailableError as error:
            told = {"room": room, "reason": str(error)}
            logger.warning("a call can't be asked to hand itself over", extra=told)

    async def are_handed_over(self, calls: Collection[tuple[str, str]]) -> bool:
        """Whether one of these calls, by room and holder, is being handed over. False also while the store is away."""
        try:
            leases = await self._store.leases()
        except StoreUnavailableError:
            return False
        return any(lease.state in HANDED_OVER and (lease.room, lease.holder) in calls for lease in leases)

    async def look(self) -> None:
        """Look at the leases once, and do what is due.

        Raises:
            FailoverError: the store or livekit-server is away.
        """
        lapsed = self._watch.settled(await self._store.lapsed(), time.monotonic())
        looks = await asyncio.gather(*(self._rooms.look(lease.room) for lease in lapsed), return_exceptions=True)
        seen = {lease.room: room for lease, room in zip(lapsed, looks, strict=True) if not isinstance(room, BaseException)}
        await self._do(self._watch.recover(lapsed, seen, time.monotonic()))
        _raise_first(looks)

    async def sweep(self) -> None:
        """Look at the rooms without a lease once, and do what is due, unless another watch of the fleet does.

        Raises:
            FailoverError: the store or livekit-server is away.
        """
        if not await self._store.may_sweep(self._sweeper, _TURN_S):
            self._watch.forget_rooms()
            self._told(LeasesSeen(None))
            return
        leases = await self._store.leases()
        self._told(LeasesSeen(Counter(lease.state for lease in leases)))
        await self._do([*self._watch.ghosts(leases)])
        answered = {lease.room for lease in leases}
        names = await self._rooms.names()
        self._foreign = {sid: due for sid, due in self._foreign.items() if sid in names}
        unanswered = [(sid, name) for sid, name in names.items() if name not in answered]
        found = await asyncio.gather(*(self._seen(sid, name) for sid, name in unanswered), return_exceptions=True)
        _raise_first(found)
        rooms = [room for room in found if isinstance(room, WatchedRoom)]
        await self._do(self._watch.sweep(rooms, await self._store.leases(), time.monotonic()))

    async def _seen(self, sid: str, name: str) -> WatchedRoom | None:
        """The room, if it asks for this fleet's agent."""
        due_at, wait_s = self._foreign.get(sid, (0.0, _ASKS_AGAIN_S))
        now = time.monotonic()
        if now < due_at:
            return None
        async with self._asking:
            if not await self._rooms.asks(name):
                self._foreign[sid] = (now + wait_s, min(2 * wait_s, _MOST_ASKS_AGAIN_S))
                return None
            self._foreign.pop(sid, None)
            room = await self._rooms.look(name)
        return None if room is None else dataclasses.replace(room, asks=True)

    async def _do(self, actions: list[Action]) -> None:
        """Do all of it at once; one that fails keeps no other back."""
        _raise_first(await asyncio.gather(*(self._act(action) for action in actions), return_exceptions=True))

    async def _act(self, action: Action) -> None:
        match action:
            case ClaimCall(lease):
                await self._claim(lease)
            case AdoptRoom(room):
                await self._adopt(room)
            case DropCall(lease):
                if await self._store.drop(lease):
                    self._told(Acted(Act.DROPPED))
                    logger.info("a lost call is forgotten: nobody is in its room", extra={"room": lease.room})
            case RemoveGhost(room, identity):
                await self._rooms.remove(room, identity)
                self._told(Acted(Act.REMOVED))
            case GiveUp(lease, room):
                await self._give_up(lease, room)

    async def _claim(self, lease: Lease) -> None:
        claimed = await self._store.claim(lease)
        if claimed is None:
            return
        self._told(Acted(Act.CLAIMED))
        lost = {"room": lease.room, "holder": lease.holder, "takeovers": claimed.takeovers}
        logger.warning("a call has lost its process and is dispatched again", extra=lost)
        if lease.holder:
            await self._rooms.remove(lease.room, lease.holder)  # the fence: a process that was only slow can't speak any more
        if claimed.takeovers <= _DISPATCHED_TAKEOVERS:
            await self._rooms.dispatch(lease.room)
        else:
            await self._take_or_dispatch(lease.room)

    async def _adopt(self, room: str) -> None:
        if await self._store.adopt(room, self._worker()) is not None:
            self._told(Acted(Act.ADOPTED))
            logger.warning("a caller has no agent: one is dispatched", extra={"room": room})
            await self._take_or_dispatch(room)

    async def _take_or_dispatch(self, name: str) -> None:
        """Have this worker answer the room. Only one that has no place asks livekit-server, whose dispatch was in vain before.

        livekit-server offers a job to one worker and no other if that doesn't answer: a worker that stands still, which keeps
        its low load, would be offered each of them (docs/facts.md L390).
        """
        unanswered = await self._rooms.unanswered(name)
        if unanswered is not None and not await self._take(unanswered):
            await self._rooms.dispatch(name)

    async def _give_up(self, lease: Lease, room: WatchedRoom) -> None:
        checkpoint = await self._store.read(room.name)
        if await self._store.drop(lease):
            self._told(Acted(Act.GIVEN_UP))
            logger.error("a call is given up: no worker has taken it", extra={"room": room.name, "takeovers": lease.takeovers})
            await self._rooms.forget(room.name)
            self._telling.create_task(self._tell(room, checkpoint), name="tells a room that its call can't go on")

    async def _lapse_ended(self) -> None:
        while True:
            room, holder = await self._ended.get()
            try:
                await self._store.lapse(room, holder)
            except StoreUnavailableError as error:
                logger.warning(
                    "a process has ended, and other workers can't be told", extra={"room": room, "reason": str(error)}
                )
            self._lapsed.set()

    async def _repeat(
        self, what: LookedAt, act: Callable[[], Awaitable[None]], until_next: Callable[[], Awaitable[None]]
    ) -> None:
        """Do it again and again. While it fails, wait longer each time, and say so once."""
        failures = 0
        await asyncio.sleep(random.uniform(0, self._looks_every_s))  # noqa: S311 -- the workers' random offset
        while True:
            began_at = time.monotonic()
            try:
                await act()
            except FailoverError as error:
                self._told(Looked(what, result_of(error), time.monotonic() - began_at))
                if failures == 0:
                    logger.warning("lost calls can't be seen at the moment", extra={"looked_at": what, "reason": str(error)})
                self._problems[what] = str(error)
                failures += 1
                await asyncio.sleep(min(0.5 * 2 ** min(failures, 10), _MOST_AWAY_S))
                continue
            self._told(Looked(what, result_of(None), time.monotonic() - began_at))
            if failures:
                logger.info("lost calls can be seen again", extra={"looked_at": what, "failures": failures})
            self._problems.pop(what, None)
            failures = 0
            await until_next()

    async def _until_next_look(self) -> None:
        try:
            async with asyncio.timeout(self._looks_every_s):
                await self._lapsed.wait()
        except TimeoutError:
            return
        self._lapsed.clear()


async def _until_next_sweep() -> None:
    await asyncio.sleep(SWEEPS_EVERY_S * random.uniform(0.8, 1.2))  # noqa: S311 -- so that not all workers look at once


def _raise_first(answers: Iterable[object]) -> None:
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
