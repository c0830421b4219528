"""When words are heard: at their place in the sound, shifted by every gap before it, and by none after it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.voice.playout import Playout


def test_positions_are_heard_in_the_course_of_the_sound() -> None:
    playout = Playout()
    playout.delivered(1.0, 99.9)
    assert playout.heard_at(0.0) is None, "nothing plays yet"
    playout.begins(100.0)
    playout.delivered(1.0, 100.1)
    assert playout.heard_at(0.0) == 100.0
    assert playout.heard_at(1.5) == 101.5


def test_words_wait_for_their_sound_but_not_for_ever() -> None:
    playout = Playout()
    playout.delivered(1.0, 100.0)
    playout.begins(100.0)
    assert playout.heard_at(1.0) is None
    playout.ends()
    assert playout.heard_at(1.0) == 101.0


def test_a_gap_shifts_what_comes_after_it_and_nothing_before() -> None:
    playout = Playout()
    playout.delivered(2.0, 100.0)
    playout.begins(100.0)
    playout.delivered(1.0, 103.5)
    assert playout.heard_at(1.9) == pytest.approx(101.9)
    assert playout.heard_at(2.0) == pytest.approx(103.5)
    assert playout.heard_at(2.5) == pytest.approx(104.0)


def test_an_answer_without_sound_is_heard_when_it_ends() -> None:
    playout = Playout()
    playout.ends()
    playout.begins(100.0)
    assert playout.heard_at(0.0) == 100.0


@given(
    st.lists(st.tuples(st.floats(0, 3), st.floats(0.01, 1)), min_size=1, max_size=30), st.lists(st.floats(0, 1), max_size=20)
)
def test_it_agrees_with_a_loudspeaker(deliveries: list[tuple[float, float]], asked: list[float]) -> None:
    """Against a plain simulation: each piece begins when it comes or when the one before it has been played."""
    playout, now, free_at, position = Playout(), 100.0, 100.0, 0.0
    heard: list[tuple[float, float, float]] = []
    playout.begins(now)
    for wait_s, length_s in deliveries:
        now += wait_s
        playout.delivered(length_s, now)
        begins = max(now, free_at)
        heard.append((position, length_s, begins))
        position, free_at = position + length_s, begins + length_s
    for share in sorted(asked):
        wanted = share * position * 0.999
        start, _, begins = next(piece for piece in reversed(heard) if piece[0] <= wanted)
        assert playout.heard_at(wanted) == pytest.approx(begins + wanted - start, abs=1e-6)


def test_what_was_not_heard_when_the_voice_stopped_is_heard_when_it_goes_on() -> None:
    playout = Playout()
    playout.begins(100.0)
    playout.delivered(4.0, 100.0)
    playout.stops(101.0)
    assert playout.heard_at(0.5) == 100.5
    assert playout.heard_at(2.0) is None, "nobody knows yet"
    playout.goes_on(107.0)
    assert playout.heard_at(0.5) == 100.5
    assert playout.heard_at(2.0) == pytest.approx(108.0)
    playout.delivered(1.0, 108.0)
    assert playout.heard_at(4.5) == pytest.approx(110.5)


def test_a_voice_that_stops_in_a_gap_loses_no_sound() -> None:
    playout = Playout()
    playout.begins(100.0)
    playout.delivered(1.0, 100.0)
    playout.stops(103.0)
    playout.delivered(1.0, 104.0)
    playout.goes_on(105.0)
    assert playout.heard_at(1.5) == pytest.approx(105.5)
