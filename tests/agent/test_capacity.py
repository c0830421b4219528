"""The calls that a worker takes, and the load that it tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.worker.capacity import BUSY, FULL, REFUSED, Capacity


@given(st.integers(1, 20), st.lists(st.booleans(), max_size=60), st.floats(0, 1))
def test_a_worker_never_takes_more_than_it_can(calls: int, offers: list[bool], cpu: float) -> None:
    capacity, running = Capacity(calls), 0
    for taken in offers:
        if capacity.take(running):
            assert running < calls
            capacity.settle()
            running += taken
        else:
            assert running == calls
        assert 0 <= capacity.load(running, cpu) <= FULL


def test_offers_at_the_same_time_count_before_they_run() -> None:
    capacity = Capacity(2)
    assert [capacity.take(0) for _ in range(3)] == [True, True, False]
    assert capacity.load(0, 0.0) == FULL
    capacity.settle()
    assert capacity.take(0)


def test_load_is_the_share_of_calls_or_the_cpu_where_that_is_worse() -> None:
    capacity = Capacity(10)
    assert capacity.load(3, 0.1) == pytest.approx(0.3)
    assert capacity.load(3, 0.8) == pytest.approx(0.8)
    assert capacity.load(3, 1.0) == BUSY
    assert capacity.load(30, 0.0) == FULL


def test_a_worker_whose_calls_gemini_refuses_is_sent_none() -> None:
    """The SFU gives a worker at load 1.0 no weight (docs/facts.md S1)."""
    capacity = Capacity(10)
    assert capacity.load(0, 0.0, is_refused=True) == REFUSED == 1.0
    assert capacity.load(30, 1.0, is_refused=True) == REFUSED
