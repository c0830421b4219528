"""What ends a connection, when, and what the client is told before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.closes import GO_AWAY_IGNORED, IDLE, TOKEN_EXPIRED
from emulator.lifetime import Age, Lifetime, Limits, duration

START = 1000.0


def lifetime(limits: Limits | None = None, *, age: Age | None = None, compressed: bool = False) -> Lifetime:
    return Lifetime(limits or Limits(), START, age or Age(START), compressed=compressed)


def keep(connection: Lifetime, until: float) -> None:
    connection.received(until - 1)


def test_the_recorded_connection_is_warned_50_seconds_before_its_close() -> None:
    connection = lifetime()
    keep(connection, START + 540)
    assert connection.next_at == START + 540
    assert connection.due(START + 539.9) == []
    assert connection.due(START + 540.01) == [{"goAway": {"timeLeft": "50s"}}]
    assert connection.due(START + 541) == []
    assert connection.next_at == START + 590
    assert connection.close(START + 589.9) is None
    assert connection.close(START + 590) == GO_AWAY_IGNORED


def test_the_sentence_is_cut_where_the_recording_is() -> None:
    assert GO_AWAY_IGNORED.reason.endswith("once the session durat")


def test_a_client_that_sends_nothing_is_aborted_without_a_warning() -> None:
    connection = lifetime()
    connection.received(START + 20)
    assert connection.next_at == START + 170
    assert connection.close(START + 169.9) is None
    assert connection.close(START + 170) == IDLE
    assert connection.due(START + 170) == []


def test_a_session_is_over_after_15_minutes_on_whatever_connection() -> None:
    connection = lifetime(age=Age(START - 600))
    keep(connection, START + 250)
    assert connection.due(START + 250) == [{"goAway": {"timeLeft": "50s"}}]
    keep(connection, START + 300)
    assert connection.close(START + 299.9) is None
    assert connection.close(START + 300) == GO_AWAY_IGNORED


def test_video_leaves_two_minutes_and_the_next_connection_knows() -> None:
    age = Age(START)
    connection = lifetime(age=age)
    connection.received(START + 30, video=True)
    connection.received(START + 99, video=True)
    assert connection.due(START + 100) == [{"goAway": {"timeLeft": "50s"}}]
    assert connection.close(START + 150) == GO_AWAY_IGNORED
    assert lifetime(age=Age(START - 100, video_since=START - 100)).close(START + 20) == GO_AWAY_IGNORED
    assert age.video_since == START + 30


def test_video_shortly_before_the_end_shortens_the_warning() -> None:
    connection = lifetime(Limits(video_session_s=10))
    connection.received(START + 5, video=True)
    assert connection.due(START + 5.2) == [{"goAway": {"timeLeft": "10s"}}]


def test_a_session_that_is_long_over_is_told_and_closed_at_once() -> None:
    connection = lifetime(age=Age(START - 5000))
    assert connection.next_at == START
    assert connection.due(START) == [{"goAway": {"timeLeft": "0s"}}]
    assert connection.close(START) == GO_AWAY_IGNORED


def test_compression_lifts_the_sessions_limits_but_not_the_connections() -> None:
    connection = lifetime(age=Age(START - 5000), compressed=True)
    connection.received(START + 539, video=True)
    assert connection.close(START + 589) is None
    assert connection.close(START + 590) == GO_AWAY_IGNORED


def test_an_ephemeral_tokens_expiry_ends_its_connection() -> None:
    connection = lifetime(Limits(token_s=60))
    assert connection.next_at == START + 60
    assert connection.close(START + 60) == TOKEN_EXPIRED


def test_scaling_shortens_every_time() -> None:
    limits = Limits(token_s=100).scaled(0.02)
    assert (limits.connection_s, limits.warning_s, limits.idle_s, limits.token_s) == pytest.approx((11.8, 1, 3, 2))
    assert (limits.session_s, limits.video_session_s) == pytest.approx((18, 2.4))
    assert Limits().scaled(0.5).token_s is None
    connection = lifetime(limits)
    connection.received(START + 1.5)
    assert connection.close(START + 2) == TOKEN_EXPIRED


@pytest.mark.parametrize(("seconds", "written"), [(50, "50s"), (17.25, "17.250s"), (0.9999, "1s"), (0, "0s")])
def test_durations_are_written_as_proto3_does(seconds: float, written: str) -> None:
    assert duration(seconds) == written


@given(
    st.lists(st.tuples(st.floats(0, 200), st.booleans()), max_size=20),
    st.floats(0, 2000),
    st.booleans(),
)
def test_a_client_that_calls_at_next_at_is_always_closed_and_warned_once_at_most(
    events: list[tuple[float, bool]], age_s: float, compressed: bool
) -> None:
    """Whatever is received: following `next_at` alone never stands still before the close."""
    connection, now, warned = lifetime(age=Age(START - age_s), compressed=compressed), START, 0
    for later_s, video in events:
        now += later_s
        warned += len(connection.due(now))
        if connection.close(now) is None:
            connection.received(now, video=video)
    for _ in range(2):
        now = max(now, connection.next_at)
        warned += len(connection.due(now))
        if connection.close(now) is not None:
            break
    assert connection.close(now) is not None
    assert warned <= 1
