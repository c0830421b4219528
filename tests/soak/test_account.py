"""The books: what adds up, and what is told when it doesn't."""

from agent.gemini import Cause, Kind, LinkEvent
from tests.soak.account import ENDING, Book

LOST = LinkEvent(Kind.LOST, Cause.DROPPED)
RESTORED = LinkEvent(Kind.RESTORED, Cause.DROPPED, gap_ms=120)
BROKEN = LinkEvent(Kind.LOST, Cause.CLOSED, code=1008)
FAILED = LinkEvent(Kind.FAILED, Cause.CLOSED, code=1008)


def book() -> Book:
    return Book("link 1", patience_s=60)


def test_an_answer_that_is_heard_to_its_end_counts() -> None:
    kept = book()
    kept.asks("spoken", 1)
    kept.hears("It is told ", 2)
    kept.hears(f"{ENDING}.", 3)
    kept.settles(3)
    kept.close(4)
    assert (kept.asked.total(), kept.answered["spoken"], kept.interrupted, kept.wrong) == (1, 1, 0, [])


def test_an_answer_that_the_caller_talks_over_is_no_complaint() -> None:
    kept = book()
    kept.asks("spoken", 1)
    kept.hears("It is told ", 2)
    kept.settles(3)
    kept.close(4)
    assert (kept.answered.total(), kept.interrupted, kept.wrong) == (0, 1, [])


def test_who_waits_for_too_long_is_told_once_with_what_came_before() -> None:
    kept = book()
    kept.asks("typed", 1)
    assert not kept.is_stuck(61)
    assert kept.is_stuck(61.1)
    assert not kept.is_stuck(62)
    [wrong] = kept.wrong
    assert "question 1 (typed) has no answer after 60 s" in wrong
    assert "asks 1 (typed)" in wrong


def test_a_tool_that_runs_twice_for_one_question_is_told() -> None:
    kept = book()
    kept.asks("tool", 1)
    kept.runs_tool(2)
    assert kept.wrong == []
    kept.runs_tool(3)
    assert "ran the tool of question 1 2 times" in kept.wrong[0]


def test_what_is_lost_is_restored() -> None:
    kept = book()
    for at, event in enumerate((LOST, RESTORED, LOST, RESTORED)):
        kept.happens(event, at)
    kept.close(100)
    assert kept.wrong == []
    assert kept.gaps_ms == [120, 120]


def test_a_loss_that_nothing_follows_is_told() -> None:
    kept = book()
    kept.happens(LOST, 1)
    kept.close(100)
    assert "never told to be restored" in kept.wrong[0]


def test_what_was_not_lost_cannot_be_restored() -> None:
    kept = book()
    kept.happens(RESTORED, 1)
    assert "had not been lost" in kept.wrong[0]


def test_a_planned_change_that_took_several_attempts_is_no_loss() -> None:
    kept = book()
    kept.happens(LinkEvent(Kind.RESTORED, Cause.GOAWAY, gap_ms=0), 1)
    assert kept.wrong == []


def test_an_end_is_right_only_after_two_broken_sessions_in_a_row() -> None:
    kept = book()
    for at, event in enumerate((BROKEN, LinkEvent(Kind.RESTORED, Cause.CLOSED), BROKEN, FAILED)):
        kept.happens(event, at)
    assert (kept.is_over, kept.wrong) == (True, [])
    kept = book()
    for at, event in enumerate((BROKEN, FAILED)):
        kept.happens(event, at)
    assert "the link gave up: closed 1008" in kept.wrong[0]


def test_after_the_end_nothing_is_told() -> None:
    kept = book()
    kept.happens(LinkEvent(Kind.FAILED, Cause.MUTE), 1)
    kept.happens(LOST, 2)
    assert "after its end" in kept.wrong[-1]
