"""The worker's `/readyz` while no other process can go on with its calls: it says so, and the worker takes calls."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.settings import Settings, read_settings
from agent.worker.day_budget import DayBudget
from agent.worker.health import Health
from agent.worker.lost_calls import LostCalls
from agent.worker.readiness_problems import WorkerState, readiness_notes, readiness_problems
from failover.rooms import UnansweredRoom
from tests.ports import free_port


def settings(**given: object) -> Settings:
    pair = {"livekit_api_key": "key", "livekit_api_secret": "x" * 32, "google_api_key": "key"}
    return read_settings(None, **{"livekit_url": f"ws://127.0.0.1:{free_port()}", **pair, **given})


@contextlib.asynccontextmanager
async def watching(with_settings: Settings) -> AsyncIterator[tuple[Health, LostCalls]]:
    """A worker's health, and its watch, which runs."""
    lost_calls = LostCalls(with_settings, None)
    task = asyncio.create_task(lost_calls.watch(lambda: "worker", full))
    try:
        yield Health(with_settings, DayBudget(None, None), None, lost_calls), lost_calls
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def full(_: UnansweredRoom) -> bool:
    return False


async def answer(health: Health) -> tuple[int, str]:
    response = await health.readyz(is_registered=True, is_draining=False)
    return response.status, response.text or ""


def test_a_fault_of_failover_keeps_no_calls_away() -> None:
    state = WorkerState(lost_calls=["Redis is away"])
    assert readiness_problems(state) == []
    assert readiness_notes(state) == [
        "the worker takes calls, but a call whose process dies is lost at the moment: Redis is away"
    ]


async def test_a_redis_that_is_away_is_said_and_the_worker_is_ready() -> None:
    """It would else keep calls from all workers of a fleet at once."""
    async with watching(settings(redis_url=f"redis://:s3cret@127.0.0.1:{free_port()}/0")) as (health, lost_calls):
        async with asyncio.timeout(5):
            while lost_calls.problem is None:
                await asyncio.sleep(0.01)
        status, text = await answer(health)
        assert status == 200
        assert text.startswith("OK\nthe worker takes calls, but a call whose process dies is lost at the moment: ")
        assert "s3cret" not in text


async def test_a_folder_that_can_not_be_written_is_said_and_the_worker_is_ready(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    health = Health(
        with_folder := settings(failover_dir=tmp_path / "file"), DayBudget(None, None), None, LostCalls(with_folder, None)
    )
    status, text = await answer(health)
    assert status == 200
    assert f"FAILOVER_DIR is {str(tmp_path / 'file')!r}: it can't be written (Not a directory)" in text


async def test_a_machine_without_a_place_for_leases_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("failover.settings.default_folder", lambda _: None)
    async with watching(settings()) as (health, _):
        status, text = await answer(health)
        assert status == 200
        assert "FAILOVER_DIR is not set: this machine has neither XDG_RUNTIME_DIR nor /dev/shm" in text
    assert "calls of processes that die are lost: FAILOVER_DIR is not set" in caplog.text


async def test_without_failover_nothing_is_said() -> None:
    async with watching(settings(failover="off")) as (health, _):
        assert await answer(health) == (200, "OK")
