"""A call that is handed over by its process to another one, through a real directory store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from agent.call.call_lease import Holder, LeaseEvents
from agent.call.handover import CallHandover, HandoverReason
from agent.call.stored_lease import StoredLease
from agent.call_metrics import CallMetric, Measurement
from agent.worker.draining import ASKS_AGAIN_S, AskedCalls, hand_over, hand_over_late
from failover.errors import LiveKitUnavailableError
from failover.handover import Pause
from failover.lease import State
from failover.opening import StoreConfig, open_store
from failover.store import Store
from tests.e2e.stack import until

ROOM = "room-1"


@pytest.fixture
def opening(tmp_path: Path) -> Callable[[], AbstractAsyncContextManager[Store]]:
    config = StoreConfig(tmp_path / "calls", None, (), "fleet", b"secret")
    return lambda: open_store(config)


@pytest.fixture
async def watch(opening: Callable[[], AbstractAsyncContextManager[Store]]) -> AsyncIterator[Store]:
    """The store as another process sees it."""
    async with opening() as store:
        yield store


class Talk:
    """A call that is handed over, and the room that its agents are in."""

    def __init__(self) -> None:
        self.pause = Pause.QUIET
        self.agents: set[str] = set()
        self.left_to = ""

    def has_agent(self, identity: str) -> bool:
        return identity in self.agents

    async def leave_to(self, identity: str) -> None:
        self.left_to = identity


class Keeping:
    """The process that has the call. `words` is what its checkpoint has."""

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[Store]]) -> None:
        self.words = b"hello"
        self.talk = Talk()
        self.dispatched = asyncio.Event()
        self.livekit_is_away = False
        events = LeaseEvents(lambda _: self.words, lambda: None, lambda: self.handover.request(HandoverReason.ASKED))
        self.lease = StoredLease(opening, Holder(ROOM, "agent-1", "worker-1"), events)
        self.measured: list[Measurement] = []
        self.handover = CallHandover(self.lease.offered_lease, self.talk, self._dispatch, self.measured.extend)

    @property
    def results(self) -> list[tuple[str, ...]]:
        """The measured reason and result of each hand-over."""
        return [each.labels for each in self.measured if each.metric is CallMetric.HANDOVER]

    async def _dispatch(self) -> None:
        if self.livekit_is_away:
            raise LiveKitUnavailableError("refused")
        self.dispatched.set()


@asynccontextmanager
async def keeping(opening: Callable[[], AbstractAsyncContextManager[Store]]) -> AsyncIterator[Keeping]:
    process = Keeping(opening)
    async with process.lease as lease, asyncio.TaskGroup() as tasks:
        assert (await lease.answer()).generation == 1
        running = tasks.create_task(process.handover.run())
        yield process
        running.cancel()


@asynccontextmanager
async def dispatched(opening: Callable[[], AbstractAsyncContextManager[Store]], talk: Talk) -> AsyncIterator[StoredLease]:
    """A process that was dispatched for the call, and has joined its room."""
    async with StoredLease(opening, Holder(ROOM, "agent-2", "worker-2"), LeaseEvents(lambda _: b"", lambda: None)) as lease:
        assert await lease.stands_by()
        talk.agents.add("agent-2")
        lease.joined()
        yield lease


async def is_state(store: Store, state: State) -> bool:
    lease = await store.find(ROOM)
    return lease is not None and lease.state is state


async def test_the_call_is_given_at_a_quiet_moment_with_its_last_words(
    opening: Callable[[], AbstractAsyncContextManager[Store]], watch: Store
) -> None:
    async with keeping(opening) as old:
        old.talk.pause = Pause.NONE
        assert await watch.ask(ROOM, "agent-1")
        old.lease.look()
        await old.dispatched.wait()
        async with dispatched(opening, old.talk) as new:
            await until(lambda: is_state(watch, State.READY))
            assert await new.read() is not None
            old.words = b"the last words"
            assert not old.handover.is_given, "somebody speaks"
            old.talk.pause = Pause.QUIET
            answer = await new.answer()
            assert (answer.is_held, answer.is_handed_over, answer.checkpoint) == (True, True, b"the last words")
            assert answer.away_s < 1.0
            assert answer.came_at <= asyncio.get_running_loop().time() < answer.came_at + 1.0
            await until(lambda: old.talk.left_to == "agent-2")
            assert await old.lease.leave(), "a worker that ends now tells the caller nothing"
            await old.lease.release()
            held = await watch.find(ROOM)
            assert held is not None
            assert (held.state, held.holder, held.takeovers) == (State.HELD, "agent-2", 0)
            assert old.results == [("asked", "given")]


async def test_a_call_whose_successor_leaves_again_stays(
    opening: Callable[[], AbstractAsyncContextManager[Store]], watch: Store
) -> None:
    async with keeping(opening) as old:
        old.talk.pause = Pause.NONE
        old.handover.request(HandoverReason.MEMORY)
        await old.dispatched.wait()
        async with dispatched(opening, old.talk) as new:
            await until(lambda: is_state(watch, State.READY))
            await asyncio.sleep(0)
            old.talk.agents.clear()
            assert not (await new.answer()).is_held
        await until(lambda: is_state(watch, State.HELD))
        assert not old.talk.left_to
        assert old.results == [("memory", "kept")]


async def test_a_call_that_can_not_be_dispatched_stays_and_may_be_asked_again(
    opening: Callable[[], AbstractAsyncContextManager[Store]], watch: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with keeping(opening) as old:
        old.livekit_is_away = True
        old.handover.request(HandoverReason.MEMORY)
        await until(lambda: "the call can't be handed over" in caplog.text)
        assert old.results == [("memory", "failed")]
        await until(lambda: is_state(watch, State.HELD))
        old.livekit_is_away = False
        old.handover.request(HandoverReason.MEMORY)
        async with asyncio.timeout(5):
            await old.dispatched.wait()


async def test_who_stands_by_goes_on_at_once_if_the_other_process_dies(
    opening: Callable[[], AbstractAsyncContextManager[Store]], watch: Store
) -> None:
    async with keeping(opening) as old:
        old.talk.pause = Pause.NONE
        old.handover.request(HandoverReason.MEMORY)
        await old.dispatched.wait()
        async with dispatched(opening, old.talk) as new:
            await until(lambda: is_state(watch, State.READY))
            await watch.lapse(ROOM, "agent-1")
            answer = await new.answer()
            assert (answer.is_held, answer.is_handed_over, answer.generation) == (True, False, 2)


def test_a_running_call_is_asked_once_and_again_when_nobody_has_come_for_it() -> None:
    asked, call = AskedCalls(), (ROOM, "agent-1")
    assert asked.due([call], 0.0) == [call]
    assert asked.due([call, ("room-2", "agent-2")], 1.0) == [("room-2", "agent-2")]
    assert asked.due([call], ASKS_AGAIN_S) == [call]


class Others:
    """Other workers: each takes a call when it is asked, if it has a place."""

    def __init__(self, running: set[tuple[str, str]], places: int) -> None:
        self.running = running
        self.places = places
        self.asked = 0

    async def ask(self, room: str, agent: str) -> None:
        self.asked += 1
        if self.places:
            self.places -= 1
            self.running.discard((room, agent))

    async def are_handed_over(self, calls: Collection[tuple[str, str]]) -> bool:
        return False


TWO_CALLS = ((ROOM, "agent-1"), ("room-2", "agent-2"))


async def test_a_worker_that_ends_asks_its_calls_until_none_runs() -> None:
    others = Others(set(TWO_CALLS), places=2)
    async with asyncio.timeout(5):
        await hand_over(lambda: list(others.running), others, asyncio.Event())
    assert not others.running


async def test_a_worker_whose_calls_are_to_end_hands_over_none() -> None:
    others, hurried = Others(set(TWO_CALLS), places=2), asyncio.Event()
    hurried.set()
    await hand_over(lambda: list(others.running), others, hurried)
    assert others.asked == 0


async def test_a_worker_whose_time_is_over_waits_for_no_call_that_nobody_takes() -> None:
    others = Others(set(TWO_CALLS), places=1)
    async with asyncio.timeout(5):
        await hand_over_late(lambda: list(others.running), others, asyncio.Event())
    assert (others.asked, len(others.running)) == (2, 1)


async def test_a_process_that_talks_without_a_lease_takes_no_call_that_is_offered(
    opening: Callable[[], AbstractAsyncContextManager[Store]], watch: Store, tmp_path: Path
) -> None:
    """The store was away when it asked. Both talk: the one that has no lease leaves."""
    lost, folder = asyncio.Event(), tmp_path / "calls"
    folder.write_text("no folder")
    events = LeaseEvents(lambda _: b"", lost.set)
    async with StoredLease(opening, Holder(ROOM, "agent-2", "worker-2"), events) as lease:
        assert (await lease.answer()).is_held
        folder.unlink()
        held = await watch.acquire(ROOM, "agent-1", "worker-1")
        assert held is not None
        await watch.offer(held)
        async with asyncio.timeout(5):
            await lost.wait()
