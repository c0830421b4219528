"""The latencies that a call measures as it goes on."""

import numpy as np
import pytest

from agent.call.heard_latencies import HeardLatencies, SavedLatencies
from records.stereo_wav import LEFT, RIGHT

RATE_HZ = 16_000


def tone(duration_s: float) -> bytes:
    return np.full(round(duration_s * RATE_HZ), 3000, dtype=np.int16).tobytes()


def question(heard: HeardLatencies, at_s: float, latency_s: float) -> None:
    """A second of the caller's voice from then on, and the answer; then 3 s of silence have passed."""
    heard.hear(LEFT, tone(1), RATE_HZ, at_s)
    heard.hear(RIGHT, tone(1), RATE_HZ, at_s + 1 + latency_s)
    heard.passed(at_s + 5)


def test_a_greeting_and_answers_are_measured() -> None:
    heard = HeardLatencies()
    heard.came(0.5)
    heard.came(3.0)
    heard.hear(RIGHT, tone(1), RATE_HZ, 1.25)
    heard.passed(2.0)
    for index in range(50):
        question(heard, 10.0 + 10 * index, 0.4 + 0.01 * index)
    found = heard.measured
    assert found.greeting_s == pytest.approx(0.75, abs=0.01)
    assert found.responses_s == pytest.approx([0.4 + 0.01 * index for index in range(50)], abs=0.01)


def test_a_caller_who_speaks_first_is_not_greeted() -> None:
    heard = HeardLatencies()
    heard.came(0.5)
    question(heard, 1.0, 0.5)
    heard.passed(10)
    assert heard.measured.greeting_s is None


def test_another_process_goes_on_with_what_was_measured() -> None:
    heard = HeardLatencies()
    heard.go_on(SavedLatencies((0.5,), 0.9))
    heard.came(20.0)
    heard.hear(RIGHT, tone(1), RATE_HZ, 21.0)
    heard.passed(25)
    question(heard, 30.0, 0.7)
    assert heard.measured.responses_s == pytest.approx((0.5, 0.7), abs=0.01)
    assert heard.measured.greeting_s == 0.9
