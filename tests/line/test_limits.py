"""Bounds on strangers: rates, lines of the log, guesses at a password."""

import string

from hypothesis import given
from hypothesis import strategies as st

from telephony.line.limits import FailedLogins, LogThrottle, TokenBucket, one_line


@given(st.lists(st.floats(0, 0.5), max_size=300))
def test_a_rate_holds_over_any_time(waits: list[float]) -> None:
    rate, now, taken = TokenBucket(10), 0.0, 0
    for wait_s in waits:
        now += wait_s
        taken += rate.take(now)
    assert taken <= 10 + 10 * now


@given(st.text(max_size=2000))
def test_a_line_is_printable_ascii_and_short(text: str) -> None:
    shown = one_line(text)
    assert len(shown) <= 303
    assert set(shown) <= set(string.printable) - set("\t\n\r\x0b\x0c")


def test_what_would_forge_a_line_is_escaped() -> None:
    assert one_line("x\x1b[2K\u2028y\nz") == "x\\x1b[2K\\u2028y\\nz"
    assert one_line("A" * 15_000) == "A" * 300 + "..."


def test_a_flood_of_strangers_is_ten_lines_a_second_and_each_of_them_one_a_minute() -> None:
    notices = LogThrottle()
    lines = [(number / 1000, notices.line(f"{number}", "x", number / 1000)) for number in range(5000)]
    written = [at for at, line in lines if line is not None]
    assert len(written) > 20
    assert all(sum(start <= at < start + 1 for at in written) <= 10 for start in written)
    assert "were left out" in [line for _, line in lines if line is not None][-1]
    assert notices.line("one", "x", 100.0) is not None
    assert [notices.line("one", "x", at) is None for at in (100.1, 159.0, 161.0)] == [True, True, False]


def test_guesses_take_longer_and_longer() -> None:
    attempts, now, guesses = FailedLogins(), 0.0, 0
    while now < 24 * 3600:
        if not attempts.blocked("198.51.100.1", "a", now):
            attempts.wrong("198.51.100.1", "a", now)
            guesses += 1
        now += 1.0
    assert guesses < 120
    attempts.right("198.51.100.1", "a")
    assert not attempts.blocked("198.51.100.1", "a", now)


def test_accounts_of_one_address_are_counted_apart() -> None:
    attempts = FailedLogins()
    for _ in range(FailedLogins.FREE):
        attempts.wrong("198.51.100.1", "a", 0.0)
        attempts.right("198.51.100.1", "b")
    assert attempts.blocked("198.51.100.1", "a", 0.0)
    assert not attempts.blocked("198.51.100.1", "b", 0.0)
    assert not attempts.blocked("198.51.100.2", "a", 0.0)


def test_guesses_of_others_change_nothing_and_the_table_is_bounded() -> None:
    attempts = FailedLogins()
    for number in range(3 * FailedLogins.MOST):
        for _ in range(FailedLogins.FREE):
            attempts.wrong(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}", "a", 0.0)
    kept = [
        number for number in range(3 * FailedLogins.MOST) if attempts.blocked(f"10.0.{number // 256}.{number % 256}", "a", 0.0)
    ]
    assert len(kept) == FailedLogins.MOST
    assert not attempts.blocked("198.51.100.1", "a", 0.0)


def test_one_customer_s_ipv6_addresses_count_as_one() -> None:
    attempts = FailedLogins()
    for number in range(FailedLogins.FREE):
        attempts.wrong(f"2001:db8::{number}", "a", 0.0)
    assert attempts.blocked("2001:db8::ffff", "a", 0.0)
    assert not attempts.blocked("2001:db8:0:1::1", "a", 0.0)
