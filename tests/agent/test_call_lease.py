"""The lease of a call, in a real directory store: who answers, what is kept, and what happens when it is lost."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from agent.call.call_lease import Holder, LeaseAnswer, LeaseEvents, NoLease
from agent.call.stored_lease import StoredLease
from failover.lease import Lease
from failover.opening import StoreConfig, open_store
from failover.store import Store
from tests.e2e.stack import until

ROOM = "room-1"


class Process:
    """A process of a call: its lease, and what it is told. `words` is what its checkpoint has."""

    def __init__(self, open_: Callable[[], AbstractAsyncContextManager[Store]], identity: str) -> None:
        self.words = b"nothing yet"
        self.lost = asyncio.Event()
        self.asked = asyncio.Event()
        events = LeaseEvents(lambda _: self.words, self.lost.set, self.asked.set)
        self.lease = StoredLease(open_, Holder(ROOM, identity, "worker-1"), events)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def opening(folder: Path) -> Callable[[], AbstractAsyncContextManager[Store]]:
    config = StoreConfig(folder, None, (), "fleet", b"secret")
    return lambda: open_store(config)


@pytest.fixture
async def watch(opening: Callable[[], AbstractAsyncContextManager[Store]]) -> AsyncIterator[Store]:
    """The store as another process sees it."""
    async with opening() as store:
        yield store


async def kept(watch: Store, words: bytes) -> None:
    async def is_kept() -> bool:
        return await watch.read(ROOM) == words

    await until(is_kept)


async def claimed_by_another(watch: Store) -> None:
    """A watch takes the holder for dead, and another process begins."""
    held = await watch.find(ROOM)
    assert held is not None
    await watch.lapse(ROOM, held.holder)
    lapsed = await watch.find(ROOM)
    assert lapsed is not None
    assert await watch.claim(lapsed) is not None
    assert await watch.acquire(ROOM, "agent-other", "worker-2") is not None


async def test_a_new_call_has_the_lease_keeps_its_newest_checkpoint_and_leaves_nothing(
    opening: Callable[[], AbstractAsyncContextManager[Store]], watch: Store, folder: Path
) -> None:
    process = Process(opening, "agent-1")
    async with process.lease as lease:
        answer = await lease.answer()
        assert (answer.is_held, answer.generation, answer.checkpoint) == (True, 1, None)
        await kept(watch, b"nothing yet")
        process.words = b"a turn has ended"
        lease.changed()
        await kept(watch, b"a turn has ended")
        await lease.release()
        assert await watch.find(ROOM) is None
    assert [path for path in folder.rglob("*") if path.is_file()] == []


class BusyStore:
    """A store that takes a moment to give a lease back. What waits in it when it is closed is cancelled, as by an executor."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.closed = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def release(self, lease: Lease) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await self.closed.wait()
                raise asyncio.CancelledError
        await self._store.release(lease)


async def test_a_lease_is_given_back_although_what_keeps_it_ends_meanwhile(
    opening: Callable[[], AbstractAsyncContextManager[Store]], watch: Store
) -> None:
    @asynccontextmanager
    async def opening_busy() -> AsyncIterator[Store]:
        async with opening() as store:
            busy = BusyStore(store)
            yield cast(Store, busy)
            busy.closed.set()

    async with Process(opening_busy, "agent-1").lease as lease:
        await lease.answer()
        await kept(watch, b"nothing yet")
        lease.changed()
        await lease.release()
        assert await watch.find(ROOM) is None


async def test_a_second_process_is_told_that_another_answers(
    opening: Callable[[], AbstractAsyncContextManager[Store]],
) -> None:
    async with Process(opening, "agent-1").lease as first, Process(opening, "agent-2").lease as second:
        answers = [await first.answer(), await second.answer()]
        assert sorted(answer.is_held for answer in answers) == [False, True]


async def test_who_comes_after_a_dead_process_has_its_checkpoint(
    opening: Callable[[], AbstractAsyncContextManager[Store]], watch: Store
) -> None:
    async with Process(opening, "agent-1").lease as dead:
        assert (await dead.answer()).is_held
        await kept(watch, b"nothing yet")
    async with Process(opening, "agent-2").lease as successor:  # the kernel has let go of the first one's lock
        answer = await successor.answer()
        assert (answer.is_held, answer.generation, answer.checkpoint) == (True, 2, b"nothing yet")
        assert 0 <= answer.away_s < 3


async def test_a_process_that_was_taken_for_dead_is_told_at_once_when_it_looks(
    opening: Callable[[], AbstractAsyncContextManager[Store]], watch: Store
) -> None:
    process = Process(opening, "agent-1")
    async with process.lease as lease:
        await lease.answer()
        await kept(watch, b"nothing yet")
        await claimed_by_another(watch)
        lease.look()
        async with asyncio.timeout(0.5):
            await process.lost.wait()
        await lease.release()
        held = await watch.find(ROOM)
        assert held is not None
        assert held.holder == "agent-other", "what isn't its own any more is not given back"


async def test_a_store_that_has_forgotten_its_calls_is_told_again(
    opening: Callable[[], AbstractAsyncContextManager[Store]], watch: Store
) -> None:
    """A Redis that was started again has: the call isn't taken for another process's."""
    process = Process(opening, "agent-1")
    async with process.lease as lease:
        await lease.answer()
        await kept(watch, b"nothing yet")
        held = await watch.find(ROOM)
        assert held is not None
        await watch.lapse(ROOM, held.holder)
        lapsed = await watch.find(ROOM)
        assert lapsed is not None
        assert await watch.drop(lapsed)
        lease.changed()
        await kept(watch, b"nothing yet")
        assert not process.lost.is_set()


async def test_a_call_without_a_store_goes_on_says_so_once_and_tries_again(
    opening: Callable[[], AbstractAsyncContextManager[Store]],
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    watch: Store,
) -> None:
    folder.write_text("no folder")
    with caplog.at_level(logging.INFO, logger="earshot.call"):
        async with Process(opening, "agent-1").lease as lease:
            assert await lease.answer() == LeaseAnswer(is_held=True)
            lease.look()
            folder.unlink()
            await kept(watch, b"nothing yet")
    told = [record.levelname for record in caplog.records if record.name == "earshot.call"]
    assert told == ["WARNING", "INFO"]


async def test_a_store_that_was_away_gets_the_checkpoint_as_soon_as_it_is_back_and_the_log_says_both_once(
    opening: Callable[[], AbstractAsyncContextManager[Store]],
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    watch: Store,
) -> None:
    """It comes back empty, as a Redis that was killed. What changes meanwhile doesn't make it look available."""
    process = Process(opening, "agent-1")
    with caplog.at_level(logging.INFO, logger="earshot.call"):
        async with process.lease as lease:
            await kept(watch, b"nothing yet")
            folder.rename(folder.with_name("away"))
            folder.write_text("no folder")
            process.words = b"said meanwhile"
            lease.changed()
            await until(lambda: bool(caplog.records))
            lease.changed()
            await asyncio.sleep(0)
            folder.unlink()
            await kept(watch, b"said meanwhile")
    told = [record.levelname for record in caplog.records if record.name == "earshot.call"]
    assert told == ["WARNING", "INFO"]


async def test_a_store_that_does_not_answer_keeps_no_call_waiting_for_long(
    opening: Callable[[], AbstractAsyncContextManager[Store]],
) -> None:
    @asynccontextmanager
    async def hanging() -> AsyncIterator[Store]:
        await asyncio.Event().wait()
        async with opening() as store:
            yield store

    async with Process(hanging, "agent-1").lease as lease, asyncio.timeout(2):
        assert await lease.answer() == LeaseAnswer(is_held=True)


async def test_a_checkpoint_that_can_not_be_made_costs_the_call_neither_its_lease_nor_the_next_one(
    opening: Callable[[], AbstractAsyncContextManager[Store]], watch: Store, caplog: pytest.LogCaptureFixture
) -> None:
    process = Process(opening, "agent-1")
    mistakes = [ValueError("one"), ValueError("two")]

    def checkpoint(_: float) -> bytes:
        if mistakes:
            raise mistakes.pop()
        return b"whole again"

    async with StoredLease(opening, Holder(ROOM, "agent-1", "worker-1"), LeaseEvents(checkpoint, process.lost.set)) as lease:
        await lease.answer()
        await until(lambda: len(mistakes) < 2)
        lease.changed()
        await until(lambda: not mistakes)
        lease.changed()
        await kept(watch, b"whole again")
    assert not process.lost.is_set()
    assert [record.levelname for record in caplog.records if record.name == "earshot.call"] == ["ERROR"]


async def test_without_failover_a_call_has_no_lease_to_lose() -> None:
    async with NoLease() as lease:
        assert await lease.answer() == LeaseAnswer(is_held=True)
        lease.changed()
        lease.look()
        await lease.release()


async def test_a_call_that_is_left_lapses_at_once_and_another_worker_takes_it_with_its_checkpoint(
    opening: Callable[[], AbstractAsyncContextManager[Store]], watch: Store
) -> None:
    process = Process(opening, "agent-1")
    async with process.lease as lease:
        await lease.answer()
        await kept(watch, b"nothing yet")
        leaving = asyncio.create_task(lease.leave())
        await until(lambda: _is_lapsed(watch))
        [lapsed] = await watch.lapsed()
        assert await watch.claim(lapsed) is not None
        assert await leaving
        assert not process.lost.is_set()
    async with Process(opening, "agent-2").lease as successor:
        assert (await successor.answer()).checkpoint == b"nothing yet"


async def test_a_call_that_is_left_and_that_nobody_takes_leaves_nothing(
    opening: Callable[[], AbstractAsyncContextManager[Store]], watch: Store, folder: Path
) -> None:
    async with Process(opening, "agent-1").lease as lease:
        await lease.answer()
        assert not await lease.leave()
        assert await watch.find(ROOM) is None
        await lease.release()
    assert [path for path in folder.rglob("*") if path.is_file()] == []


async def test_who_has_no_lease_has_nothing_to_leave(opening: Callable[[], AbstractAsyncContextManager[Store]]) -> None:
    assert not await NoLease().leave()
    async with Process(opening, "agent-1").lease as first, Process(opening, "agent-2").lease as second:
        answers = [await first.answer(), await second.answer()]
        loser = (first, second)[not answers[1].is_held]
        assert not await loser.leave()


async def _is_lapsed(watch: Store) -> bool:
    return bool(await watch.lapsed())


async def test_times_of_checkpoints_and_answers_are_those_of_the_moment(
    opening: Callable[[], AbstractAsyncContextManager[Store]], watch: Store
) -> None:
    """Each is asked for long after the store has told its time, which for a folder is the machine's own."""
    written: list[tuple[float, float]] = []

    def checkpoint(at: float) -> bytes:
        written.append((at, time.monotonic()))
        return b"%d" % len(written)

    async with StoredLease(opening, Holder(ROOM, "agent-1", "worker-1"), LeaseEvents(checkpoint, lambda: None)) as lease:
        await kept(watch, b"1")
        await until(lambda: time.monotonic() > written[0][1] + 0.3)
        lease.changed()
        await kept(watch, b"2")
    async with Process(opening, "agent-2").lease as successor:
        first = await successor.answer()
        await until(lambda: time.monotonic() > first.at + 0.3)
        written.append(((await successor.answer()).at, time.monotonic()))
    assert [at for at, _ in written] == pytest.approx([now for _, now in written], abs=0.1)
