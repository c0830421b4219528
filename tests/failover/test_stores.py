"""What the two stores have in common: one holder, one claim, the last checkpoint, and nothing left of a call that has ended."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from failover.encryption import Encryption
from failover.errors import LeaseLostError
from failover.lease import MOST_TAKEOVERS, Lease, State
from failover.opening import StoreConfig, open_store
from failover.store import Store
from tests.failover.stores import KEY, ROOM, in_folder, in_redis
from tests.telephony.stack import redis


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    async with redis() as port:
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture(params=["folder", "redis", "encrypted folder", "encrypted redis"])
def config(request: pytest.FixtureRequest, tmp_path: Path, url: str) -> StoreConfig:
    keys = (KEY,) if request.param.startswith("encrypted") else ()
    fleet = f"{request.node.name}"
    return in_folder(tmp_path, *keys, fleet=fleet) if "folder" in request.param else in_redis(url, *keys, fleet=fleet)


@pytest.fixture
async def first(config: StoreConfig) -> AsyncIterator[Store]:
    async with open_store(config) as store:
        yield store


@pytest.fixture
async def second(config: StoreConfig) -> AsyncIterator[Store]:
    """The store as another process has it."""
    async with open_store(config) as store:
        yield store


async def acquired(store: Store, holder: str, room: str = ROOM) -> Lease:
    lease = await store.acquire(room, holder, f"worker of {holder}")
    assert lease is not None
    return lease


async def test_a_process_that_goes_on_has_the_last_checkpoint(first: Store, second: Store) -> None:
    held = await acquired(first, "agent-1")
    assert (held.state, held.generation, held.takeovers) == (State.HELD, 1, 0)
    await first.write(held, b"before")
    await first.write(held, b"\0 what was said, \xff")
    assert await second.acquire(ROOM, "agent-2", "worker") is None
    await second.lapse(ROOM, "agent-2")
    assert await second.lapsed() == []
    await second.lapse(ROOM, "agent-1")
    [seen] = await second.lapsed()
    assert (seen.room, seen.holder, seen.worker, seen.state) == (ROOM, "agent-1", "worker of agent-1", State.LAPSED)
    assert await second.claim(seen) is not None
    taken = await acquired(second, "agent-2")
    assert (taken.generation, taken.takeovers, taken.room) == (3, 1, ROOM)
    assert await second.read(ROOM) == b"\0 what was said, \xff"


async def test_a_process_whose_call_was_claimed_gets_nothing(first: Store, second: Store) -> None:
    held = await acquired(first, "agent-1")
    await second.write(held, b"checkpoint")
    await second.lapse(ROOM, "agent-1")
    [seen] = await second.lapsed()
    await second.claim(seen)
    with pytest.raises(LeaseLostError):
        await first.renew(held)
    with pytest.raises(LeaseLostError):
        await first.write(held, b"of a process that is late")
    with pytest.raises(LeaseLostError):
        await first.offer(held)
    await first.release(held)
    assert await second.read(ROOM) == b"checkpoint"
    found = await second.find(ROOM)
    assert found is not None
    assert found.state is State.CLAIMED


async def test_of_many_that_claim_or_acquire_at_once_one_wins(first: Store, second: Store) -> None:
    acquiring = (each.acquire(ROOM, f"agent-{number}", "w") for number, each in enumerate([first, second] * 5))
    assert len([lease for lease in await asyncio.gather(*acquiring) if lease is not None]) == 1
    [held] = await first.leases()
    await first.lapse(ROOM, held.holder)
    [seen] = await second.lapsed()
    claims = await asyncio.gather(*(each.claim(seen) for each in [first, second] * 5))
    assert len([lease for lease in claims if lease is not None]) == 1
    acquiring = (each.acquire(ROOM, f"later-{number}", "w") for number, each in enumerate([first, second] * 5))
    assert len([lease for lease in await asyncio.gather(*acquiring) if lease is not None]) == 1


async def test_a_call_is_handed_over_with_its_last_checkpoint(first: Store, second: Store) -> None:
    held = await acquired(first, "agent-1")
    assert await second.ask(ROOM, "agent-1")
    assert (await first.renew(held)).state is State.ASKED
    assert await second.stand_by(ROOM, "agent-2") is None
    await first.offer(held)
    assert await second.succeed(ROOM, "agent-2", "worker-2") is None
    assert await second.stand_by(ROOM, "agent-2") is not None
    ready = await first.renew(held)
    assert (ready.state, ready.successor) == (State.READY, "agent-2")
    await first.give(ready, b"the last words")
    succeeding = await second.succeed(ROOM, "agent-2", "worker-2")
    assert succeeding is not None
    assert (succeeding.holder, succeeding.generation, succeeding.takeovers) == ("agent-2", 2, 0)
    assert await second.read(ROOM) == b"the last words"
    with pytest.raises(LeaseLostError):
        await first.renew(ready)
    await first.release(ready)
    assert (await second.renew(succeeding)).state is State.HELD


async def test_a_call_that_nobody_takes_stays_with_its_holder(first: Store, second: Store) -> None:
    held = await acquired(first, "agent-1")
    await first.offer(held)
    await second.stand_by(ROOM, "agent-2")
    assert (await first.withdraw(held)).state is State.HELD
    assert await second.succeed(ROOM, "agent-2", "worker-2") is None
    assert not await second.ask(ROOM, "agent-2"), "another one's call"
    with pytest.raises(LeaseLostError):
        await first.give(held, b"to nobody")


async def test_a_call_that_ended_leaves_nothing(first: Store, second: Store) -> None:
    held = await acquired(first, "agent-1")
    await first.write(held, b"what was said")
    await first.release(held)
    await first.release(held)
    assert await second.leases() == []
    assert await second.find(ROOM) is None
    assert await second.read(ROOM) is None
    assert (await acquired(second, "agent-2")).generation == 1


async def test_after_the_last_takeover_a_watch_can_only_drop_the_call(first: Store) -> None:
    lease = await acquired(first, "agent-0")
    for number in range(MOST_TAKEOVERS):
        await first.lapse(ROOM, lease.holder)
        [seen] = await first.lapsed()
        assert await first.claim(seen) is not None
        lease = await acquired(first, f"agent-{number + 1}")
    assert await first.drop(lease) is False, "it is held"
    await first.lapse(ROOM, lease.holder)
    [seen] = await first.lapsed()
    assert await first.claim(seen) is None
    assert await first.drop(seen) is True
    assert await first.drop(seen) is False
    assert await first.leases() == []


async def test_the_holder_may_ask_again_since_the_answer_was_lost(first: Store) -> None:
    held = await acquired(first, "agent-1")
    again = await acquired(first, "agent-1")
    assert (again.generation, again.takeovers) == (held.generation, held.takeovers)
    await first.renew(again)


async def test_one_watch_of_the_fleet_sweeps_until_its_time_is_over(first: Store, second: Store) -> None:
    assert await first.may_sweep("watch-1", 60)
    assert not await second.may_sweep("watch-2", 60)
    assert await first.may_sweep("watch-1", 0.05)
    async with asyncio.timeout(5):
        while not await second.may_sweep("watch-2", 60):
            await asyncio.sleep(0.01)
    assert not await first.may_sweep("watch-1", 60)
    assert (await first.leases(), await first.lapsed()) == ([], [])


async def test_two_fleets_see_nothing_of_each_other(config: StoreConfig, first: Store) -> None:
    await acquired(first, "agent-1")
    other = StoreConfig(config.folder, config.redis_url, config.keys, "wss://livekit.test another-name", config.secret)
    async with open_store(other) as apart:
        assert await apart.leases() == []
        await acquired(apart, "agent-2")
        [lease] = await first.leases()
        assert lease.holder == "agent-1"


def test_a_new_key_reads_what_the_old_one_wrote() -> None:
    new = "bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXcgbmV3IG5ldyE="
    old, both, unencrypted = (Encryption(keys, b"secret", "fleet") for keys in ((KEY,), (new, KEY), ()))
    assert both.decrypt(old.encrypt(b"words")) == b"words"
    assert old.decrypt(both.encrypt(b"words")) is None
    assert both.decrypt(unencrypted.encrypt(b"words")) is None
    assert unencrypted.decrypt(old.encrypt(b"words")) is None
    assert both.decrypt(b"") is unencrypted.decrypt(b"") is None
    assert old.name("room") == both.name("room") == unencrypted.name("room"), "workers find the call while keys change"
