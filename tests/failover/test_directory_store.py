"""Leases and checkpoints in a folder: private, and known as lapsed as soon as the holder's process is dead."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from failover.lease import State
from failover.opening import StoreConfig, open_store
from failover.store import Store


def config(folder: Path) -> StoreConfig:
    return StoreConfig(folder, None, (), "wss://livekit.test earshot", b"a secret")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(config(tmp_path)) as opened:
        yield opened


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[Store]:
    """The store of another process."""
    async with open_store(config(tmp_path)) as opened:
        yield opened


async def test_a_call_is_taken_over_by_one_process_with_the_last_checkpoint(tmp_path: Path, store: Store, other: Store) -> None:
    async with open_store(config(tmp_path)) as dying:
        held = await dying.acquire("room", "agent-1", "worker-1")
        assert held is not None
        await dying.write(held, b"before")
        await dying.write(await dying.renew(held), b"what was said")
        assert await store.acquire("room", "agent-2", "worker-2") is None
        assert await store.lapsed() == []
    [lapsed] = await store.lapsed()
    assert lapsed.state is State.LAPSED
    assert await store.claim(lapsed) is not None
    assert await other.claim(lapsed) is None
    taken = await other.acquire("room", "agent-2", "worker-2")
    assert taken is not None
    assert (taken.generation, taken.takeovers) == (3, 1)
    assert await other.read("room") == b"what was said"
    await other.release(taken)
    assert await store.leases() == []
    assert await store.read("room") is None
    [folder] = tmp_path.iterdir()
    assert list(folder.iterdir()) == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
