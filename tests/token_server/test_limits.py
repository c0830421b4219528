"""So many in so long, for everyone separately, and never more memory than was said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_server.addresses import whose
from token_server.errors import RefusedError
from token_server.limits import Limit, RecentMemory, rate


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def passes(limit: Limit, who: str) -> bool:
    try:
        limit.count(who)
    except RefusedError as refused:
        assert (refused.status, refused.code) == (429, "too_many_requests")
        return False
    return True


def test_one_too_many_is_told_when_to_come_back() -> None:
    clock = Clock()
    limit = Limit("address", rate("3/minute"), clock=clock)
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
    clock, passed = Clock(), []
    limit = Limit("address", rate("5/minute"), clock=clock)
    for pause in pauses:
        clock.now += pause
        if passes(limit, "a"):
            passed.append(clock.now)
    for first in passed:
        assert sum(first <= at < first + 60 for at in passed) <= 5


@given(st.lists(st.integers(0, 50), max_size=200))
def test_who_was_quiet_longest_is_forgotten_first(visitors: list[int]) -> None:
    memory = RecentMemory(10, Clock())
    for visitor in visitors:
        memory.acquire_entry(str(visitor), 2, 60)
    assert len(memory) <= 10
    latest = list(dict.fromkeys(reversed(visitors)))[:10]
    assert all(memory.get_moving_window(str(visitor), 2, 60)[1] for visitor in latest)


@pytest.mark.parametrize("text", ["", "30", "minute", "0/minute", "5/minute;1/second", "-1/minute", "99999/second"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it must be a rate"):
        rate(text)


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
    assert whose(address) == counted
