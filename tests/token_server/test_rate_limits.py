"""Rate limits: so many requests in a window, for each key separately, in bounded memory."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.token_server.clock import ManualClock
from token_server.addresses import limit_key
from token_server.errors import RefusedError
from token_server.rate_limits import MOST_TRACKED, AddressLimit, BoundedMemory, RateLimit, parse_rate


def passes(limit: RateLimit, who: str) -> bool:
    try:
        limit.count(who)
    except RefusedError as refused:
        assert (refused.status, refused.code) == (429, "too_many_requests")
        return False
    return True


def test_one_too_many_is_told_when_to_come_back() -> None:
    clock = ManualClock(1000.0)
    limit = RateLimit("address", parse_rate("3/minute"), clock=clock)
    for _ in range(3):
        limit.count("a")
        clock.now += 10
    with pytest.raises(RefusedError) as caught:
        limit.count("a")
    assert caught.value.headers["Retry-After"] == "30"
    assert "from this address; try again in 30 s" in caught.value.sentence
    assert passes(limit, "b")
    clock.now += 30
    assert passes(limit, "a")
    assert not passes(limit, "a")


@given(st.lists(st.floats(min_value=0, max_value=100), max_size=60))
def test_no_window_holds_more_than_the_rate(pauses: list[float]) -> None:
    clock, passed = ManualClock(1000.0), []
    limit = RateLimit("address", parse_rate("5/minute"), clock=clock)
    for pause in pauses:
        clock.now += pause
        if passes(limit, "a"):
            passed.append(clock.now)
    for first in passed:
        assert sum(first <= at < first + 60 for at in passed) <= 5


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 100)), max_size=200))
def test_who_counts_is_never_forgotten_and_who_is_new_waits_until_somebody_is(visits: list[tuple[int, float]]) -> None:
    clock = ManualClock(1000.0)
    memory = BoundedMemory(10, clock)
    passed: dict[int, float] = {}
    for visitor, pause in visits:
        clock.now += pause
        counting = {one for one, at in passed.items() if at > clock.now - 60}
        if memory.acquire_entry(str(visitor), 1000, 60):
            passed[visitor] = clock.now
        else:
            assert visitor not in counting
            assert len(counting) == 10
        assert len(memory) <= 10
        assert all(memory.get_moving_window(str(one), 1000, 60)[1] for one in counting)


@pytest.mark.parametrize("address", ["2001:db8:1:{:x}::1", "2001:db8:1:{:x}:ffff::1"])
def test_a_site_of_many_networks_has_ten_times_the_rate_of_one(address: str) -> None:
    limit = AddressLimit(parse_rate("3/minute"), clock=ManualClock(1000.0))
    through = 0
    for number in range(5000):
        try:
            limit.count(address.format(number))
        except RefusedError as refused:
            assert refused.code == "too_many_requests"
        else:
            through += 1
    assert through == 30
    limit.count("2001:db8:2::1")
    limit.count("192.0.2.1")


def test_one_site_does_not_fill_the_memory_that_all_share() -> None:
    """A /48 has 65,536 networks; those that are refused for their site are not remembered."""
    limit = AddressLimit(parse_rate("30/minute"), clock=ManualClock(1000.0))
    for number in range(MOST_TRACKED + 10):
        with contextlib.suppress(RefusedError):
            limit.count(f"2001:db8:1:{number:x}::1")
    limit.count("192.0.2.1")
    limit.count("2001:db8:2::1")


@pytest.mark.parametrize("text", ["", "30", "minute", "0/minute", "5/minute;1/second", "-1/minute", "99999/second"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it must be a rate"):
        parse_rate(text)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("forged\r\n", "unknown"),
        ("?", "unknown"),
    ],
)
def test_an_ipv6_site_counts_as_one_address(address: str, counted: str) -> None:
    assert limit_key(address) == counted
