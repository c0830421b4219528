"""Times of leases aren't believed after a clock that jumped, or a store that couldn't be asked."""

import pytest

from failover.clock_check import ClockCheck
from failover.lease import LAPSES_S


def test_a_steady_clock_is_trusted() -> None:
    check = ClockCheck()
    assert all(check.is_trusted(5000 + tick * 0.5, tick * 0.5) for tick in range(20))


@pytest.mark.parametrize("jump_s", [-3600.0, -2.0, 2.0, 3600.0])
def test_after_a_jump_holders_have_time_to_renew(jump_s: float) -> None:
    check = ClockCheck()
    assert check.is_trusted(5000, 0)
    for tick in range(1, 6):
        assert not check.is_trusted(5000 + jump_s + tick * 0.5, tick * 0.5)
    assert check.is_trusted(5000 + jump_s + 0.5 + LAPSES_S, 0.5 + LAPSES_S)


def test_after_a_store_that_was_away_holders_have_time_to_renew() -> None:
    check = ClockCheck()
    assert check.is_trusted(5000, 0)
    assert not check.is_trusted(5010, 10)
    assert not check.is_trusted(5011, 11)
    assert check.is_trusted(5012.5, 12.5)
