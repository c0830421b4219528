"""Which recorded calls are deleted."""

from hypothesis import given
from hypothesis import strategies as st

from records.retention import KeptCall, Retention, expired

NOW = 1_000_000_000.0
DAY_S = 86_400.0
GB = 1_000_000_000


def call(name: str, days_ago: float, gb: float = 0.1) -> KeptCall:
    return KeptCall(name, round(gb * GB), NOW - days_ago * DAY_S)


CALLS = [call("old", 40), call("recent", 2), call("new", 1, gb=1)]


def test_without_limits_all_calls_are_kept() -> None:
    assert expired(CALLS, Retention(), NOW) == []


def test_old_calls_go() -> None:
    assert expired(CALLS, Retention(days=30), NOW) == ["old"]


def test_the_oldest_go_until_the_rest_is_small_enough() -> None:
    assert expired(CALLS, Retention(gb=1.1), NOW) == ["old"]
    assert expired(CALLS, Retention(gb=1.05), NOW) == ["old", "recent"]


def test_a_call_that_may_run_stays() -> None:
    assert expired([call("running", 0.001, gb=100)], Retention(days=0.0001, gb=1), NOW) == []


@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 5)), max_size=20), st.floats(0.01, 20))
def test_what_is_left_is_small_enough_and_newer_than_what_goes(calls: list[tuple[float, float]], gb: float) -> None:
    kept = [call(str(index), days, size) for index, (days, size) in enumerate(calls)]
    gone = set(expired(kept, Retention(gb=gb), NOW))
    left = [each for each in kept if each.name not in gone]
    assert sum(each.size_bytes for each in left) <= gb * GB
    if gone and left:
        assert max(each.changed_at for each in kept if each.name in gone) <= min(each.changed_at for each in left)
