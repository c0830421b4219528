"""The costs of a day: what calls add in their processes is what their worker reads, and caps the next call."""

import asyncio
import contextlib
import datetime
import io
import multiprocessing
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from agent.call.day_spending import DaySpending
from agent.day_costs import DayCosts, day_costs_of, with_cost_folder
from agent.errors import SettingsError
from agent.settings import Settings, read_settings
from agent.worker.day_budget import DayBudget

NOON = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.UTC).timestamp()
A_DAY_S = 86_400.0


def settings(**given: object) -> Settings:
    pair = {"livekit_api_key": "key", "livekit_api_secret": "x" * 32}
    return read_settings(None, gemini_base_url="https://127.0.0.1:1", **pair, **given)


def test_what_the_calls_add_is_what_the_worker_reads(tmp_path: Path) -> None:
    worker, one, other = DayCosts(tmp_path), DayCosts(tmp_path), DayCosts(tmp_path)
    assert worker.total_usd(NOON) == 0
    one.add(0.25, NOON)
    other.add(0.5, NOON)
    assert worker.total_usd(NOON) == pytest.approx(0.75)
    one.add(0.0000015, NOON)
    assert worker.total_usd(NOON) == pytest.approx(0.7500015)
    assert DayCosts(tmp_path).total_usd(NOON) == pytest.approx(0.7500015), "a worker that starts again goes on from there"


class WatchedFile(io.BufferedReader):
    """A file whose reader waits a moment for somebody else who reads."""

    both_read = threading.Barrier(2, timeout=0.5)

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        with contextlib.suppress(threading.BrokenBarrierError):  # nobody else reads now: they wait for their turn
            self.both_read.wait()
        return content


class WatchedFolder(type(Path())):  # type: ignore[misc]
    def open(self, mode: str = "r", *_: Any, **__: Any) -> Any:
        return WatchedFile(io.FileIO(self, mode))


def test_threads_that_ask_at_once_count_each_cost_once(tmp_path: Path) -> None:
    """LiveKit asks for a worker's load in a thread, and its event loop asks for each call."""
    DayCosts(tmp_path).add(0.25, NOON)
    worker, begin = DayCosts(WatchedFolder(tmp_path)), threading.Barrier(2)

    def ask(_: int) -> float:
        begin.wait()
        return worker.total_usd(NOON)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ask, range(2))) == [0.25, 0.25]


def add_many(folder: Path, begin: Any, count: int) -> None:
    costs = DayCosts(folder)
    begin.wait()
    for _ in range(count):
        costs.add(0.25, NOON)


def test_calls_in_several_processes_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    processes, count = 4, 250
    context = multiprocessing.get_context("fork")
    begin, worker = context.Barrier(processes), DayCosts(tmp_path)
    calls = [context.Process(target=add_many, args=(tmp_path, begin, count)) for _ in range(processes)]
    for call in calls:
        call.start()
    totals = [worker.total_usd(NOON)]
    while any(call.is_alive() for call in calls):
        totals.append(worker.total_usd(NOON))
    for call in calls:
        call.join()
    assert [call.exitcode for call in calls] == [0] * processes
    assert totals == sorted(totals)
    assert worker.total_usd(NOON) == 0.25 * processes * count


class SlowCosts(DayCosts):
    """The costs of a folder on a disk that answers when the test lets it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.is_asked, self.answers = threading.Event(), threading.Event()

    def add(self, cost_usd: float, now: float) -> None:
        self.is_asked.set()
        assert self.answers.wait(10), "the disk never answers: the loop waits for it"
        super().add(cost_usd, now)


@contextlib.contextmanager
def slow(folder: Path) -> Iterator[SlowCosts]:
    costs = SlowCosts(folder)
    try:
        yield costs
    finally:
        costs.answers.set()


async def test_a_slow_disk_holds_up_no_call_and_costs_it_nothing(tmp_path: Path) -> None:
    """What is spent meanwhile is written after it, and the end of the call waits for it."""
    with slow(tmp_path) as costs:
        spending = DaySpending(costs)
        running = asyncio.create_task(spending.run())
        spending.spend(0.5)
        assert await asyncio.to_thread(costs.is_asked.wait, 10), running
        spending.spend(0.25)
        spending.spend(0.125)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        assert DayCosts(tmp_path).total_usd(time.time()) == 0
        costs.answers.set()
        await spending.flush()
    assert DayCosts(tmp_path).total_usd(time.time()) == 0.875


async def test_the_end_of_a_call_waits_for_a_dead_disk_no_longer_than_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.call.day_spending._FLUSH_S", 0.05)
    with slow(tmp_path) as costs:
        spending = DaySpending(costs)
        spending.spend(0.5)
        await spending.flush()
        assert not costs.answers.is_set()


async def test_without_a_cap_nothing_is_written() -> None:
    spending = DaySpending(None)
    spending.spend(0.5)
    await spending.flush()


def test_a_day_is_one_of_utc(tmp_path: Path) -> None:
    costs = DayCosts(tmp_path)
    midnight = NOON + A_DAY_S / 2
    costs.add(1.0, midnight - 1)
    costs.add(2.0, midnight)
    assert [costs.total_usd(at) for at in (NOON, midnight, NOON)] == [1.0, 2.0, 1.0]


def test_a_line_that_is_still_being_written_or_is_no_cost_counts_as_nothing(tmp_path: Path) -> None:
    costs = DayCosts(tmp_path)
    path = tmp_path / "cost-2026-11-28.txt"
    path.write_bytes(b"0.5\nmuch\n-3\nnan\ninf\n\xff\n0.2")
    assert costs.total_usd(NOON) == 0.5
    with path.open("ab") as file:
        file.write(b"5\n")
    assert costs.total_usd(NOON) == 0.75


def test_a_folder_that_is_gone_costs_a_call_one_line_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    costs = DayCosts(tmp_path / "gone")
    costs.add(1.0, NOON)
    costs.add(1.0, NOON)
    assert [line.getMessage().partition(":")[0] for line in caplog.records] == ["the cost of the call isn't in that of the day"]
    assert costs.total_usd(NOON) == 0


def test_a_worker_whose_day_has_cost_enough_takes_no_call_until_tomorrow(tmp_path: Path) -> None:
    call, budget = DayCosts(tmp_path), DayBudget(DayCosts(tmp_path), 1.5)
    call.add(1.0, NOON)
    assert not budget.is_spent(NOON)
    call.add(0.5, NOON)
    assert budget.is_spent(NOON)
    assert not budget.is_spent(NOON + A_DAY_S)
    assert budget.sentence == "the calls of today (UTC) have cost DAY_COST_CAP_USD, which is 1.5 US dollars"


def test_without_a_cap_nothing_is_spent() -> None:
    assert not DayBudget(None, None).is_spent(NOON)
    with with_cost_folder(settings()) as there:
        assert day_costs_of(there) is None


def test_without_a_folder_the_worker_has_one_of_its_own_until_it_ends() -> None:
    with with_cost_folder(settings(day_cost_cap_usd=5)) as there:
        folder = there.day_cost_dir
        assert folder is not None
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert day_costs_of(there) is not None
    assert not folder.exists()


def test_a_folder_is_made_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "costs"
    with with_cost_folder(settings(day_cost_cap_usd=5, day_cost_dir=folder)) as there:
        assert there.day_cost_dir == folder
        assert list(folder.iterdir()) == []
    assert folder.is_dir()


def test_a_folder_that_can_not_be_written_stops_the_worker(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(SettingsError, match=r"DAY_COST_DIR is .*can't be kept there .*name a folder that the worker may write"),
        with_cost_folder(settings(day_cost_cap_usd=5, day_cost_dir=tmp_path / "file" / "costs")),
    ):
        pytest.fail("it has no folder")
