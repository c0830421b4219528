"""When pictures go to the model, for any order of frames, speech and time."""

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from agent.gemini.picture_pace import QUIET_EVERY_S, SPEAKING_EVERY_S, PicturePace

SOURCES = ("camera", "screen_share")
STEPS = st.lists(
    st.tuples(
        st.floats(0.0, 4.0),
        st.sampled_from(["offer", "withdraw", "down", "nothing"]),
        st.sampled_from(SOURCES),
        st.booleans(),
    ),
    max_size=60,
)
ROUNDING_S = 1e-9


@given(STEPS)
def test_pictures_are_a_second_apart_and_three_while_nobody_speaks(
    steps: list[tuple[float, str, str, bool]],
) -> None:
    """Only what was offered is sent, and each offer at most once; `next_at` is the time from which `take` has something."""
    pace, now, sent_at, waiting = PicturePace(), 0.0, -math.inf, set[str]()
    for wait_s, act, source, speaks in steps:
        now += wait_s
        if act == "offer":
            pace.offer(source)
            waiting.add(source)
        elif act == "withdraw":
            pace.withdraw(source)
            waiting.discard(source)
        elif act == "down":
            pace.refused(now)
        due_at = pace.next_at(speaks=speaks)
        assert (due_at == math.inf) == (not waiting)
        taken = pace.take(now, speaks=speaks)
        assert (taken is not None) == (due_at <= now)
        if taken is not None:
            waiting.remove(taken)
            assert now - sent_at >= (SPEAKING_EVERY_S if speaks else QUIET_EVERY_S) - ROUNDING_S
            pace.sent(taken, now)
            sent_at = now


@given(st.lists(st.booleans(), min_size=2, max_size=20))
def test_two_sources_take_turns(speech: list[bool]) -> None:
    pace, now, sent = PicturePace(), 0.0, []
    for speaks in speech:
        for source in SOURCES:
            pace.offer(source)
        now = max(now, pace.next_at(speaks=speaks))
        taken = pace.take(now, speaks=speaks)
        assert taken is not None
        pace.sent(taken, now)
        sent.append(taken)
    assert all(before != after for before, after in itertools.pairwise(sent))


def test_the_first_picture_goes_at_once_and_speech_brings_the_next_nearer() -> None:
    pace = PicturePace()
    pace.offer("camera")
    assert pace.take(5.0, speaks=False) == "camera"
    pace.sent("camera", 5.0)
    pace.offer("camera")
    assert (pace.next_at(speaks=False), pace.next_at(speaks=True)) == (8.0, 6.0)


@given(STEPS, st.floats(0.0, 200.0))
def test_a_connection_is_sent_again_the_pictures_that_its_session_may_not_know(
    steps: list[tuple[float, str, str, bool]], known_until: float
) -> None:
    """The last of each source that was sent since its session's last handle, unless the source has ended."""
    pace, now, shown_at = PicturePace(), 0.0, dict[str, float]()
    for wait_s, act, source, speaks in steps:
        now += wait_s
        if act == "offer":
            pace.offer(source)
        elif act == "withdraw":
            pace.withdraw(source)
            shown_at.pop(source, None)
        while (taken := pace.take(now, speaks=speaks)) is not None:
            pace.sent(taken, now)
            shown_at[taken] = now
    waiting = _taken(pace, now)
    for source in waiting:
        shown_at.pop(source, None)
    pace.opened(known_until)
    assert _taken(pace, now) == {source for source, at in shown_at.items() if at >= known_until}


def _taken(pace: PicturePace, now: float) -> set[str]:
    """Take all that waits, as if enough time had passed."""
    taken = set[str]()
    while (source := pace.take(now + 2 * QUIET_EVERY_S, speaks=False)) is not None:
        taken.add(source)
    return taken


def test_a_new_session_waits_for_its_picture_as_for_any_other() -> None:
    pace = PicturePace()
    pace.offer("screen_share")
    assert pace.take(5.0, speaks=False) == "screen_share"
    pace.sent("screen_share", 5.0)
    pace.opened(-math.inf)
    assert (pace.next_at(speaks=False), pace.next_at(speaks=True)) == (8.0, 6.0)


def test_a_picture_that_is_being_sent_when_a_connection_opens_is_not_sent_twice() -> None:
    pace = PicturePace()
    for now in (5.0, 10.0):
        pace.offer("screen_share")
        assert pace.take(now, speaks=False) == "screen_share"
        if now == 10.0:
            pace.opened(-math.inf)
        pace.sent("screen_share", now)
    assert pace.next_at(speaks=True) == math.inf
