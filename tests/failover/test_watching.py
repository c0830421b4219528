"""Watches at work: a directory store, and a stand-in for livekit-server's API."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from livekit import api

from failover.directory_store import DirectoryStore
from failover.encryption import Encryption
from failover.errors import LiveKitUnavailableError
from failover.lease import MOST_TAKEOVERS, State
from failover.rooms import AGENT_NAME_ATTRIBUTE, LiveKitAccess, UnansweredRoom, open_rooms
from failover.watch import SETTLES_S, WatchedRoom
from failover.watch_events import Act, Acted, LeasesSeen, Looked, LookedAt, LookResult, WatchEvent
from failover.watching import Watcher
from tests.failover.livekit_stand_in import LiveKitStandIn, livekit_stand_in

ROOM = "call-1"
NAME = "earshot"
CALLER = api.ParticipantInfo(identity="caller", kind=api.ParticipantInfo.Kind.STANDARD)
LOST = api.ParticipantInfo(identity="agent-1", kind=api.ParticipantInfo.Kind.AGENT, attributes={AGENT_NAME_ATTRIBUTE: NAME})
FIRST = api.AgentDispatch(
    id="AD_0", agent_name=NAME, room=ROOM, metadata='{"persona": "chef"}', attributes={"earshot.ticket": "signed"}
)


@pytest.fixture
async def livekit() -> AsyncIterator[LiveKitStandIn]:
    async with livekit_stand_in() as there:
        there.rooms[ROOM] = [CALLER, LOST]
        there.dispatches[ROOM] = [FIRST]
        yield there


@asynccontextmanager
async def resting(
    livekit: LiveKitStandIn,
    folder: Path,
    watches: int = 1,
    told: list[tuple[WatchedRoom, bytes | None]] | None = None,
    taken: list[UnansweredRoom] | None = None,
) -> AsyncIterator[tuple[DirectoryStore, list[Watcher]]]:
    """Watches that do only what they are told, and their store. Without `taken` their workers are full."""

    async def tell(room: WatchedRoom, checkpoint: bytes | None) -> None:
        assert told is not None
        told.append((room, checkpoint))

    async def take(unanswered: UnansweredRoom) -> bool:
        if taken is not None:
            taken.append(unanswered)
        return taken is not None

    store = DirectoryStore(folder, Encryption((), b"secret", "fleet"))
    access = LiveKitAccess(livekit.url, "key", "a-secret-for-tests-that-is-long-enough-for-hs256", NAME)
    async with open_rooms(access) as rooms:
        try:
            yield store, [Watcher(store, rooms, lambda: "worker", tell, take, looks_every_s=0.05) for _ in range(watches)]
        finally:
            store.close()


@asynccontextmanager
async def watching(
    livekit: LiveKitStandIn, folder: Path, watches: int = 1, told: list[tuple[WatchedRoom, bytes | None]] | None = None
) -> AsyncIterator[tuple[DirectoryStore, list[Watcher]]]:
    """Watches that run, and their store."""
    async with resting(livekit, folder, watches, told) as (store, found):
        tasks = [asyncio.create_task(watcher.run()) for watcher in found]
        try:
            yield store, found
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(fact: Callable[[], Awaitable[bool] | bool], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not (found if isinstance(found := fact(), bool) else await found):
            await asyncio.sleep(0.02)


async def test_one_of_several_watches_has_a_lost_call_dispatched_as_it_was_at_first(
    livekit: LiveKitStandIn, tmp_path: Path
) -> None:
    async with watching(livekit, tmp_path / "store", watches=3) as (store, watchers):
        assert await store.acquire(ROOM, "agent-1", "worker") is not None
        watchers[0].process_ended(ROOM, "agent-1")
        await until(lambda: bool(livekit.created), within_s=SETTLES_S + 3)
        looks = len(livekit.asked)
        await until(lambda: len(livekit.asked) > looks)  # a sweep has come: nobody dispatches again
        [created], [lease] = livekit.created, await store.leases()
        assert livekit.removed == ["agent-1"]
        assert (created.agent_name, created.room, created.metadata) == (NAME, ROOM, FIRST.metadata)
        assert created.attributes == FIRST.attributes, "the worker checks the token server's ticket again"
        assert (lease.state.value, lease.generation, lease.takeovers) == ("claimed", 2, 1)


async def test_a_call_that_was_claimed_often_enough_is_told(livekit: LiveKitStandIn, tmp_path: Path) -> None:
    """With the last checkpoint of the call, by which the record of the call is ended."""
    told: list[tuple[WatchedRoom, bytes | None]] = []
    async with watching(livekit, tmp_path / "store", watches=2, told=told) as (store, watchers):
        holder = ""
        for number in range(MOST_TAKEOVERS + 1):
            holder = f"agent-{number}"
            lease = await store.acquire(ROOM, holder, "worker")
            assert lease is not None
            await store.write(lease, f"checkpoint {number}".encode())
            await store.lapse(ROOM, holder)
        watchers[0].process_ended(ROOM, holder)
        await until(lambda: bool(told), within_s=SETTLES_S + 3)
        assert [(room.name, checkpoint) for room, checkpoint in told] == [(ROOM, f"checkpoint {MOST_TAKEOVERS}".encode())]
        assert livekit.dispatches[ROOM] == [], "the room asks for no agent any more"
        assert (livekit.created, await store.leases()) == ([], [])


async def test_rooms_of_others_and_answered_rooms_are_left_alone(livekit: LiveKitStandIn, tmp_path: Path) -> None:
    livekit.rooms = {"elsewhere": [CALLER], "another's": [CALLER], ROOM: [CALLER, LOST]}
    livekit.dispatches["another's"] = [api.AgentDispatch(id="AD_9", agent_name="another")]
    async with watching(livekit, tmp_path / "store") as (store, [watcher]):
        for _ in range(3):
            await watcher.sweep()
        looks = livekit.asked.count("ListParticipants")
        assert 0 < looks <= livekit.asked.count("ListRooms"), "at most one room of each list is ours"
        assert (livekit.created, livekit.removed, await store.leases()) == ([], [], [])


async def test_one_watch_of_a_fleet_looks_at_its_rooms_and_at_several_at_once(livekit: LiveKitStandIn, tmp_path: Path) -> None:
    livekit.rooms = {f"call-{number}": [CALLER] for number in range(20)}
    livekit.dispatches = {name: [FIRST] for name in livekit.rooms}
    livekit.takes_s = 0.01
    async with resting(livekit, tmp_path / "store", watches=3) as (_, watchers):
        for _ in range(2):
            for watcher in watchers:
                await watcher.sweep()
        assert Counter(livekit.asked) == {"ListRooms": 2, "ListDispatch": 40, "ListParticipants": 40}
        assert 1 < livekit.most_at_once <= 8


async def test_a_livekit_that_is_away_is_one_warning_and_few_questions(
    livekit: LiveKitStandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    livekit.status = 503
    caplog.set_level(logging.INFO, "earshot.failover")
    async with watching(livekit, tmp_path / "store") as (_, [watcher]):
        await until(lambda: "lost calls can't be seen" in caplog.text)
        assert watcher.problem == "unavailable: away"
        with pytest.raises(LiveKitUnavailableError, match="away"):
            await watcher.sweep()
        livekit.status = 200
        await until(lambda: "lost calls can be seen again" in caplog.text)
        await until(lambda: watcher.problem is None)
    assert caplog.text.count("lost calls can't be seen") == 1
    assert livekit.asked.count("ListRooms") <= 4, "it waits longer after each failure"


async def test_a_store_that_is_away_stops_nothing(livekit: LiveKitStandIn, tmp_path: Path) -> None:
    """A file is where the store's folder should be: the watch goes on, and sees again when it can."""
    place = tmp_path / "store"
    place.write_text("")
    async with watching(livekit, place) as (store, [watcher]):
        watcher.process_ended(ROOM, "agent-1")
        await asyncio.sleep(0)
        place.unlink()
        assert await store.acquire(ROOM, "agent-1", "worker") is not None
        await store.lapse(ROOM, "agent-1")
        await until(lambda: bool(livekit.created), within_s=SETTLES_S + 5)


async def test_a_call_whose_dispatch_was_in_vain_is_answered_by_the_worker_that_claims_it(
    livekit: LiveKitStandIn, tmp_path: Path
) -> None:
    """livekit-server would offer it to the same worker again, which may stand still. A full worker has it dispatched."""
    taken: list[UnansweredRoom] = []
    for is_full in (False, True):
        async with resting(livekit, tmp_path / str(is_full), taken=None if is_full else taken) as (store, [watcher]):
            assert await store.acquire(ROOM, "agent-1", "worker") is not None
            for dispatched in (1, 2 if is_full else 1):
                [held] = await store.leases()
                await store.lapse(ROOM, held.holder)
                await until(lambda: _looked(watcher, store))
                assert len(livekit.created) == dispatched
                assert await store.acquire(ROOM, f"agent-{dispatched + 1}", "worker") is not None
        livekit.created.clear()
        assert [(one.room.name, one.first) for one in taken] == [(ROOM, FIRST)]


async def _looked(watcher: Watcher, store: DirectoryStore) -> bool:
    await watcher.look()
    [lease] = await store.leases()
    return lease.state is State.CLAIMED


async def test_listeners_are_told_what_a_watch_sees_and_does(livekit: LiveKitStandIn, tmp_path: Path) -> None:
    told: list[WatchEvent] = []
    async with watching(livekit, tmp_path / "store", watches=1) as (store, [watcher]):
        watcher.add_listener(told.append)
        assert await store.acquire(ROOM, "agent-1", "worker") is not None
        await until(lambda: LeasesSeen({State.HELD: 1}) in told)
        watcher.process_ended(ROOM, "agent-1")
        await until(lambda: Acted(Act.CLAIMED) in told, within_s=SETTLES_S + 3)
        looks = [(event.at, event.result) for event in told if isinstance(event, Looked)]
        assert {(LookedAt.LEASES, LookResult.DONE), (LookedAt.ROOMS, LookResult.DONE)} == set(looks)


async def test_a_look_without_livekit_server_is_told_as_such(livekit: LiveKitStandIn, tmp_path: Path) -> None:
    told: list[WatchEvent] = []
    livekit.status = 503
    async with watching(livekit, tmp_path / "store", watches=1) as (_, [watcher]):
        watcher.add_listener(told.append)
        await until(lambda: any(isinstance(event, Looked) and event.result is LookResult.LIVEKIT_AWAY for event in told))
