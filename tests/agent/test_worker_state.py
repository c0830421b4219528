"""What a worker knows of itself: readiness, its event loop, the memory, its folders, the reports of its calls."""

import asyncio
import logging
import multiprocessing
import time
from pathlib import Path

import psutil
import pytest

from agent.call_reports import CallReport, CallReports, ReportSender
from agent.worker.folder_check import FolderCheck
from agent.worker.loop_lag import BLOCKED_S, TICK_S, LoopLag, LoopMonitor
from agent.worker.memory import memory_in_use
from agent.worker.readiness_problems import WorkerState, readiness_problems


def test_a_worker_with_nothing_wrong_is_ready() -> None:
    assert readiness_problems(WorkerState(livekit_url="ws://livekit")) == []


def test_each_problem_is_a_sentence_and_several_are_told_at_once() -> None:
    state = WorkerState(
        day_cost="the day is over",
        gemini="Gemini is away",
        livekit_url="ws://livekit",
        is_registered=False,
        is_draining=True,
        loop_lag_s=0.75,
        folders=["DAY_COST_DIR is '/x': it can't be written (No space left on device)"],
    )
    assert readiness_problems(state) == [
        "the day is over",
        "Gemini is away",
        "the worker is not registered with LiveKit at ws://livekit; it tries again by itself",
        "the worker drains: it takes no more calls, and ends with its last one",
        "the worker's event loop is 0.8 s late; the machine is overloaded",
        "DAY_COST_DIR is '/x': it can't be written (No space left on device)",
    ]


def test_a_loop_is_late_when_all_of_its_last_ticks_are() -> None:
    lag, now = LoopLag(0.0), 0.0
    for _ in range(8):
        assert lag.lasting_s(now) == 0.0, "some tick of the last 2 s was in time"
        now += TICK_S + 0.7
        lag.tick(now)
    assert lag.lasting_s(now) == pytest.approx(0.7)
    now += TICK_S
    lag.tick(now)
    assert lag.lasting_s(now) == 0.0, "one tick in time"


def test_a_loop_that_does_not_run_is_late_by_the_age_of_its_last_tick() -> None:
    lag = LoopLag(100.0)
    assert lag.age_s(101.0) == 1.0
    assert lag.lasting_s(101.0) == 0.0, "it may be one slow callback"
    assert lag.lasting_s(104.0) == 4.0 - TICK_S


@pytest.mark.long
async def test_a_blocked_loop_is_told_while_it_is_blocked(caplog: pytest.LogCaptureFixture) -> None:
    monitor = LoopMonitor()
    ticking = asyncio.create_task(monitor.run())
    await asyncio.sleep(0)
    until = time.monotonic() + BLOCKED_S + 3
    with caplog.at_level(logging.ERROR):
        while time.monotonic() < until and not caplog.messages:
            time.sleep(0.1)  # noqa: ASYNC251  blocks the loop
    assert caplog.messages == ["the worker's event loop is blocked: /healthz doesn't answer"]
    ticking.cancel()


def container(folder: Path, version: int, limit: str, used: int, dropped: int) -> Path:
    """The files in which the kernel shows a container's memory."""
    v1 = folder / "memory"
    v1.mkdir()
    names = {1: (v1, "limit_in_bytes", "usage_in_bytes", "total_"), 2: (folder, "max", "current", "")}
    place, most, now, prefix = names[version]
    (place / f"memory.{most}").write_text(f"{limit}\n")
    (place / f"memory.{now}").write_text(f"{used}\n")
    (place / "memory.stat").write_text(f"anon 1\n{prefix}inactive_file {dropped}\n")
    return folder


@pytest.mark.parametrize("version", [1, 2])
def test_a_container_near_its_limit_has_little_memory_left(tmp_path: Path, version: int) -> None:
    """Files that the kernel may drop don't count."""
    assert memory_in_use(container(tmp_path, version, "1000000", 995_000, 5_000)) == pytest.approx(0.99)


@pytest.mark.parametrize(
    ("version", "limit"),
    [(2, "max"), (1, "9223372036854771712"), (2, "nonsense"), (2, "0")],
    ids=["v2", "v1", "broken", "zero"],
)
def test_without_a_limit_the_memory_is_the_machines(tmp_path: Path, version: int, limit: str) -> None:
    in_use = memory_in_use(container(tmp_path, version, limit, 10**15, 0))
    machine = psutil.virtual_memory()
    assert in_use == pytest.approx(1 - machine.available / machine.total, abs=0.1)
    assert memory_in_use(tmp_path / "nothing") == pytest.approx(in_use, abs=0.1)


async def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folders = {"RESUME_CALLERS_DIR": tmp_path / "gone", "DAY_COST_DIR": tmp_path, "OTHER_DIR": tmp_path / "file"}
    assert await FolderCheck(folders).problems() == [
        f"RESUME_CALLERS_DIR is '{tmp_path / 'gone'}': it can't be written (No such file or directory)",
        f"OTHER_DIR is '{tmp_path / 'file'}': it can't be written (Not a directory)",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["file"], "the check leaves nothing"
    assert await FolderCheck({}).problems() == []


async def test_two_questions_at_once_are_one_check(tmp_path: Path) -> None:
    check = FolderCheck({"DAY_COST_DIR": tmp_path / "gone"})
    first, second = await asyncio.gather(check.problems(), check.problems())
    assert first == second != []


async def test_the_report_of_a_process_reaches_the_worker() -> None:
    reports, received = CallReports(), asyncio.Queue[CallReport](maxsize=10)
    async with reports.received(received.put_nowait):
        process = multiprocessing.get_context("forkserver").Process(target=reports.sender.quota_refused)
        await asyncio.to_thread(process.start)
        async with asyncio.timeout(30):
            assert await received.get() is CallReport.QUOTA
        await asyncio.to_thread(process.join)


async def test_each_call_tells_of_its_quota_once() -> None:
    reports, received = CallReports(), asyncio.Queue[CallReport](maxsize=10)
    async with reports.received(received.put_nowait):
        reports.sender.quota_refused()
        reports.sender.quota_refused()
        reports.sender.send(CallReport.QUOTA)
        for _ in range(2):
            assert await received.get() is CallReport.QUOTA
        assert received.empty()


async def test_a_report_waits_for_nobody() -> None:
    """Neither for a worker that reads nothing, nor for one that is gone."""
    reports = CallReports()
    for _ in range(100_000):
        reports.sender.send(CallReport.QUOTA)
    received: list[CallReport] = []
    async with reports.received(received.append):
        async with asyncio.timeout(10):
            while len(received) < 4096:
                await asyncio.sleep(0)
    ReportSender().send(CallReport.QUOTA)
