"""The directory store: a dead process is seen at once; files that are damaged, foreign or old do no harm."""

import asyncio
import contextlib
import json
import logging
import os
import resource
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.directory_store import STANDS_STILL_S, DirectoryStore
from failover.encryption import Encryption
from failover.errors import StoreUnavailableError
from failover.lease import EXPIRES_S, Lease, State
from failover.opening import open_store
from tests.failover.stores import FLEET, KEY, ROOM, SECRET, holding_process, in_folder


class Clock:
    """The machine's clock, moved by hand."""

    def __init__(self) -> None:
        self.now = time.monotonic()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[DirectoryStore]:
    with contextlib.closing(DirectoryStore(tmp_path / "store", Encryption((), SECRET, FLEET), clock)) as opened:
        yield opened


@pytest.fixture
async def held(store: DirectoryStore) -> Lease:
    lease = await store.acquire(ROOM, "agent-1", "worker-1")
    assert lease is not None
    return lease


def file(folder: Path, kind: str) -> Path:
    [found] = folder.rglob(f"*.{kind}")
    return found


async def test_a_killed_process_is_seen_at_once_and_one_of_two_others_claims_its_call(tmp_path: Path) -> None:
    """Its death is known as soon as the kernel has closed its files, long before its time is over."""
    async with (
        open_store(in_folder(tmp_path)) as store,
        holding_process(tmp_path, "agent-1") as holder,
        holding_process(tmp_path, "agent-2") as second,
    ):
        await holder.tell("acquire")
        assert await holder.answer() == "True"
        await holder.tell("hold")
        assert await store.lapsed() == []
        await holder.kill()
        [seen] = await store.lapsed()
        assert seen.holder == "agent-1"
        _, claimed = await asyncio.gather(second.tell("claim"), store.claim(seen))
        assert {await second.answer(), str(claimed is not None)} == {"True", "False"}
        _, acquired = await asyncio.gather(second.tell("acquire"), store.acquire(ROOM, "agent-3", "worker-3"))
        assert {await second.answer(), str(acquired is not None)} == {"True", "False"}


async def test_a_process_that_lives_and_stands_still_keeps_its_lease_for_a_while(
    store: DirectoryStore, held: Lease, clock: Clock
) -> None:
    """As when a tool blocks its event loop for some seconds: another process would run the tool again."""
    clock.now += STANDS_STILL_S - 0.1
    assert await store.lapsed() == []
    assert await store.claim(held) is None
    renewed = await store.renew(held)
    assert (renewed.state, renewed.changed_at) == (State.HELD, clock.now)
    clock.now += STANDS_STILL_S + 0.1
    assert [lease.state for lease in await store.leases()] == [State.LAPSED]


async def test_nothing_is_readable_for_others_and_no_name_shows_the_room(
    store: DirectoryStore, held: Lease, tmp_path: Path
) -> None:
    await store.write(held, b"words")
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700
    for path in (tmp_path / "store").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
        assert ROOM not in path.name


async def test_with_a_key_neither_words_nor_the_room_are_on_the_machine(tmp_path: Path) -> None:
    async with open_store(in_folder(tmp_path, KEY)) as store:
        lease = await store.acquire(ROOM, "agent-1", "worker-1")
        assert lease is not None
        await store.write(lease, b"what was said")
        content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert ROOM.encode() not in content
        assert b"what was said" not in content
        async with open_store(in_folder(tmp_path, KEY)) as same, open_store(in_folder(tmp_path)) as without:
            assert await same.read(ROOM) == b"what was said"
            assert [each.room for each in await same.leases()] == [ROOM]
            assert await without.leases() == []
            assert await without.acquire(ROOM, "agent-2", "worker-2") is None, "it knows the room, and sees that it is answered"


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"lease":3,"room":"x","changed_at":1,"boot":"x"}', '{"room":"r"}', "\0"])
async def test_a_lease_that_is_half_written_is_ignored_with_one_line(
    store: DirectoryStore, held: Lease, tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    file(tmp_path, "lease").write_text(damage)
    with caplog.at_level(logging.WARNING, logger="earshot.failover"):
        for _ in range(3):
            assert await store.leases() == []
            assert await store.find(ROOM) is None
    assert len(caplog.records) == 1
    assert ROOM not in caplog.text
    assert (await store.renew(held)).state is State.HELD, "its holder writes it anew"
    assert [lease.holder for lease in await store.leases()] == ["agent-1"]


async def test_a_lease_of_an_earlier_boot_is_deleted(store: DirectoryStore, held: Lease, tmp_path: Path) -> None:
    await store.write(held, b"words")
    path = file(tmp_path, "lease")
    path.write_text(json.dumps({**json.loads(path.read_text()), "boot": "an earlier one"}))
    assert await store.leases() == []
    assert list((tmp_path / "store").iterdir()) == []


async def test_a_call_that_nobody_changed_for_two_hours_is_deleted(
    store: DirectoryStore, held: Lease, clock: Clock, tmp_path: Path
) -> None:
    await store.write(held, b"words")
    clock.now += EXPIRES_S - 1
    assert len(await store.leases()) == 1
    clock.now += 1.5
    assert await store.leases() == []
    assert list((tmp_path / "store").iterdir()) == []


async def test_what_a_crash_left_is_deleted_when_a_worker_starts(tmp_path: Path) -> None:
    async with open_store(in_folder(tmp_path)) as store:
        await store.leases()
        [folder] = tmp_path.iterdir()
        left = folder / "0123.new"
        left.write_text("half")
        os.utime(left, (time.time() - EXPIRES_S - 1,) * 2)
        (folder / "4567.new").write_text("being written")
    async with open_store(in_folder(tmp_path)) as store:
        await store.leases()
        assert [path.name for path in folder.iterdir()] == ["4567.new"]


async def test_a_full_disk_is_an_unavailable_store_and_the_lease_before_stays(store: DirectoryStore, held: Lease) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    soft = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))  # writing fails as on a full disk
    try:
        with pytest.raises(StoreUnavailableError) as caught:
            await store.write(held, b"words" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "words" not in caught.value.reason
    found = await store.find(ROOM)
    assert found is not None
    assert found.state is State.HELD


@pytest.mark.parametrize("mode", [0o755, 0o770])
async def test_a_folder_that_others_may_read_is_refused_with_the_fix(store: DirectoryStore, tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(StoreUnavailableError, match=f"others may read {folder}; `chmod 700 {folder}`"):
        await store.acquire(ROOM, "agent-1", "worker-1")


async def test_a_link_that_another_user_may_have_made_is_refused(store: DirectoryStore, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "store").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailableError):
        await store.acquire(ROOM, "agent-1", "worker-1")


async def test_a_process_that_starts_beside_one_that_writes_finds_its_store(
    store: DirectoryStore, held: Lease, tmp_path: Path
) -> None:
    """A file that the other process replaces is gone between the list of the folder and the look at it."""
    stops = threading.Event()

    def replaces() -> None:
        while not stops.is_set():
            new = tmp_path / "store" / "busy.new"
            new.touch(mode=0o600)
            new.replace(new.with_suffix(".lease"))

    writing = asyncio.create_task(asyncio.to_thread(replaces))
    try:
        for _ in range(300):
            with contextlib.closing(DirectoryStore(tmp_path / "store", Encryption((), SECRET, FLEET))) as other:
                found = await other.find(ROOM)
                assert found is not None
                assert found.holder == held.holder
    finally:
        stops.set()
        await writing


async def test_a_folder_that_was_deleted_under_a_call_comes_back(store: DirectoryStore, held: Lease, tmp_path: Path) -> None:
    for path in (tmp_path / "store").iterdir():
        path.unlink()
    (tmp_path / "store").rmdir()
    await store.write(await store.renew(held), b"words")
    assert await store.read(ROOM) == b"words"
    assert await store.lapsed() == []


async def test_a_renewal_that_comes_after_the_end_does_not_bring_the_call_back(store: DirectoryStore, held: Lease) -> None:
    renewing = asyncio.ensure_future(store.renew(held))
    await store.release(held)
    await asyncio.gather(renewing, return_exceptions=True)
    await asyncio.gather(store.renew(held), return_exceptions=True)
    assert await store.leases() == []


async def test_a_renewal_does_not_wait_for_other_threads_of_the_process(store: DirectoryStore, held: Lease) -> None:
    """Names that are looked up fill the loop's own threads when the network stands still."""
    go_on = threading.Event()
    waiting = [asyncio.ensure_future(asyncio.to_thread(go_on.wait)) for _ in range(64)]
    try:
        async with asyncio.timeout(20):
            await store.renew(held)
    finally:
        go_on.set()
        await asyncio.gather(*waiting)
