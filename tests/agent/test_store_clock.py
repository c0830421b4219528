"""The clock of the store, as a call's process knows it."""

import pytest

from agent.call.store_clock import StoreClock


def test_the_clock_goes_on_from_the_time_that_was_told_with_the_least_delay() -> None:
    clock = StoreClock()
    clock.told(1000.0, 9.95)
    assert clock.at(10.5) == pytest.approx(1000.55)
    clock.told(1001.0, 10.99)
    assert clock.at(12.0) == pytest.approx(1002.01)
    clock.told(1002.0, 11.7)
    assert clock.at(12.3) == pytest.approx(1002.31), "the store was slow"


def test_a_lease_that_has_not_changed_tells_no_time() -> None:
    clock = StoreClock()
    clock.told(1000.0, 10.0)
    clock.told(1000.0, 15.0)
    assert clock.at(15.0) == pytest.approx(1005.0)


def test_clocks_that_run_apart_are_followed() -> None:
    clock = StoreClock()
    for second in range(100):
        clock.told(1000.0 + 1.001 * second, float(second))
    assert clock.at(99.0) == pytest.approx(1000.0 + 1.001 * 99, abs=0.01)
