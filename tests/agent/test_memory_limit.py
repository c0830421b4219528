"""When a call's process uses too much memory for its call to stay in it."""

import asyncio
import logging

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.call.memory_limit import AGAIN_S, FAR_OVER, OVER_S, RESET_AT, MemoryLimit
from agent.call.memory_watch import MemoryWatch, memory_mb


def decided(limit: MemoryLimit, *measured: tuple[float, float]) -> list[float]:
    """The times of decisions. `measured`: times, and MB in use."""
    return [now for now, used_mb in measured if limit.is_exceeded(used_mb, now)]


def test_a_limit_that_is_passed_for_a_while_is_decided_once_and_again_after_a_minute() -> None:
    over = [(float(now), 110.0) for now in range(0, 150, 5)]
    assert decided(MemoryLimit(100), *over) == [OVER_S, OVER_S + AGAIN_S, OVER_S + 2 * AGAIN_S]


def test_a_short_peak_is_nothing() -> None:
    assert decided(MemoryLimit(100), (0, 110), (5, 110), (9.9, 110), (10, 95), (15, 110), (20, 110)) == []


def test_far_over_the_limit_there_is_no_time_to_wait() -> None:
    assert decided(MemoryLimit(100), (0, 50), (5, 126)) == [5]


def test_after_a_decision_a_little_less_memory_changes_nothing() -> None:
    """At the limit itself it would be decided every few seconds."""
    limit = MemoryLimit(100)
    assert decided(limit, (0, 130), (5, 99), (10, 101), (25, 101), (60, 95)) == [0, 60]
    assert decided(limit, (65, 90), (70, 101), (75, 101), (80, 101)) == [80], "well below, all begins anew"


@given(st.lists(st.tuples(st.floats(0.1, 10), st.floats(0, 300)), max_size=100))
def test_decisions_are_rare_and_never_made_below_the_limit(steps: list[tuple[float, float]]) -> None:
    limit, now, last, was_low = MemoryLimit(100), 0.0, float("-inf"), True
    for wait_s, used_mb in steps:
        now += wait_s
        was_low = was_low or used_mb <= 100 * RESET_AT
        if limit.is_exceeded(used_mb, now):
            assert used_mb > 100 * RESET_AT
            assert was_low or now - last >= AGAIN_S - 1e-9
            last, was_low = now, False
        elif used_mb > 100 * FAR_OVER:
            assert now - last < AGAIN_S


async def test_the_watch_measures_its_own_process(caplog: pytest.LogCaptureFixture) -> None:
    asked = asyncio.Event()
    used_mb = memory_mb(psutil.Process())
    assert 5 < used_mb < 10_000
    with caplog.at_level(logging.WARNING):
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(MemoryWatch(round(used_mb / 2), 100.0, asked.set).run())
            await asked.wait()
            watching.cancel()
    assert caplog.messages == ["the call's process uses more memory than JOB_MEMORY_MB"]
