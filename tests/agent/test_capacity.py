"""The calls that a worker takes, and the load that it tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.worker.capacity import BUSY, FULL, QUOTA_S, REFUSED, RESOURCE_LIMITS, Capacity, MachineState

IDLE = MachineState()
STATES = st.builds(MachineState, cpu=st.floats(0, 1), memory=st.floats(0, 1), loop_lag_s=st.floats(0, 60))


@given(st.integers(1, 20), st.lists(st.booleans(), max_size=60), st.floats(0, 1))
def test_a_worker_never_takes_more_than_it_can(calls: int, offers: list[bool], cpu: float) -> None:
    capacity, running = Capacity(calls), 0
    machine = MachineState(cpu)
    for taken in offers:
        if capacity.take(running, machine, 0.0) is None:
            assert running < calls
            capacity.settle()
            running += taken
        else:
            assert running == calls
        assert 0 <= capacity.load(running, machine, 0.0) <= FULL


@given(
    st.integers(1, 20),
    st.integers(0, 20),
    STATES,
    st.lists(st.floats(0, 200), max_size=20).map(sorted),
    st.floats(0, 300),
)
def test_the_load_says_whether_there_is_a_place(
    calls: int, running: int, machine: MachineState, refusals: list[float], now: float
) -> None:
    capacity = Capacity(calls)
    for at in refusals:
        capacity.quota_refused(running, at)
    has_place = capacity.refusal(running, machine, now) is None
    assert (capacity.load(running, machine, now) <= BUSY) is has_place
    assert (capacity.take(running, machine, now) is None) is has_place
    assert capacity.load(running, machine, now, is_refused=True) == REFUSED


def test_offers_at_the_same_time_count_before_they_run() -> None:
    capacity = Capacity(2)
    assert [capacity.take(0, IDLE, 0.0) for _ in range(3)] == [None, None, "2 calls and 2 places"]
    assert capacity.load(0, IDLE, 0.0) == FULL
    capacity.settle()
    assert capacity.take(0, IDLE, 0.0) is None


def test_load_is_the_share_of_calls_or_the_worst_resource_where_that_is_worse() -> None:
    capacity = Capacity(10)
    assert capacity.load(3, MachineState(0.1), 0.0) == pytest.approx(0.3)
    assert capacity.load(3, MachineState(0.8), 0.0) == pytest.approx(0.8)
    assert capacity.load(3, MachineState(1.0), 0.0) == BUSY
    assert capacity.load(30, IDLE, 0.0) == FULL
    assert capacity.load(3, MachineState(memory=0.8), 0.0) == pytest.approx(0.3)
    assert capacity.load(3, MachineState(memory=0.875), 0.0) == pytest.approx(0.5)
    assert capacity.load(3, MachineState(loop_lag_s=0.3), 0.0) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (MachineState(cpu=1.0), None),
        (MachineState(memory=0.94), None),
        (MachineState(memory=0.96), "96% of the memory is in use"),
        (MachineState(loop_lag_s=0.4), None),
        (MachineState(loop_lag_s=0.7), "the worker's event loop is 0.7 s late"),
    ],
)
def test_a_machine_that_can_carry_no_more_takes_no_new_call(machine: MachineState, reason: str | None) -> None:
    """The running ones go on. A busy CPU alone refuses nobody."""
    capacity = Capacity(10)
    assert capacity.take(1, machine, 0.0) == reason
    assert (capacity.load(1, machine, 0.0) == FULL) is (reason is not None)


def test_each_resource_adds_from_nothing_to_all_of_the_load() -> None:
    for limit in RESOURCE_LIMITS:
        assert limit.load_from < limit.full_at
        assert limit.load(IDLE) == 0.0
        assert limit.load(MachineState(1.0, 1.0, 60.0)) == 1.0


def test_quota_errors_lower_the_places_for_a_minute() -> None:
    """Each call that Gemini refuses takes one place away from those that ran."""
    capacity = Capacity(10)
    assert capacity.quota_refused(4, now=100.0) == 3
    assert capacity.take(3, IDLE, 100.0) == "3 calls and 3 places, fewer for a minute because Gemini's quota is used up"
    assert capacity.load(3, IDLE, 100.0) == FULL
    assert capacity.load(1, IDLE, 100.0) == pytest.approx(1 / 3)
    assert capacity.quota_refused(4, now=130.0) == 2, "the second of the four"
    assert [capacity.quota_refused(4, now=131.0) for _ in range(3)] == [1, 0, 0]
    assert capacity.load(0, IDLE, 131.0) == FULL
    assert capacity.places(131.0 + QUOTA_S) == 10, "the minute is over"
    assert capacity.load(3, IDLE, 131.0 + QUOTA_S) == pytest.approx(0.3)
    assert capacity.quota_refused(8, now=500.0) == 7, "the errors before are forgotten"


def test_a_worker_whose_calls_gemini_refuses_is_sent_none() -> None:
    """The SFU gives a worker at load 1.0 no weight (docs/facts.md S1)."""
    capacity = Capacity(10)
    assert capacity.load(0, IDLE, 0.0, is_refused=True) == REFUSED == 1.0
    assert capacity.load(30, MachineState(1.0), 0.0, is_refused=True) == REFUSED
