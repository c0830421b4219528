"""The times of a turn, as the worker sees them."""

from agent.call.latency import TurnClock, TurnTimes


def test_a_turn_is_timed_from_the_first_words() -> None:
    clock = TurnClock()
    clock.asked(10.0)
    clock.asked(10.4)
    clock.sounded(11.0)
    assert clock.silent(13.0, interrupted=True) == TurnTimes(1.0, 2.0, interrupted=True)
    assert clock.silent(14.0, interrupted=False) is None
    clock.sounded(20.0)
    assert clock.silent(21.0, interrupted=False) == TurnTimes(None, 1.0, interrupted=False)


def test_what_interrupts_an_answer_is_the_next_question() -> None:
    clock = TurnClock()
    clock.asked(10.0)
    clock.sounded(11.0)
    clock.asked(12.0)
    assert clock.silent(12.0, interrupted=True) == TurnTimes(1.0, 1.0, interrupted=True)
    clock.sounded(13.5)
    assert clock.silent(14.0, interrupted=False) == TurnTimes(1.5, 0.5, interrupted=False)


def test_what_is_said_over_an_answer_that_goes_on_is_the_next_question() -> None:
    clock = TurnClock()
    clock.asked(10.0, over_answer=True)
    clock.sounded(11.0)
    clock.asked(12.0, over_answer=True)
    clock.asked(12.2, over_answer=True)
    assert clock.silent(15.0, interrupted=False) == TurnTimes(1.0, 4.0, interrupted=False)
    clock.sounded(15.5)
    assert clock.silent(16.0, interrupted=False) == TurnTimes(3.5, 0.5, interrupted=False)


def test_a_late_transcript_of_what_was_answered_asks_nothing() -> None:
    clock = TurnClock()
    clock.sounded(11.0)
    clock.asked(11.5)
    assert clock.silent(13.0, interrupted=False) == TurnTimes(None, 2.0, interrupted=False)
    clock.asked(20.0)
    clock.sounded(21.0)
    assert clock.silent(22.0, interrupted=False) == TurnTimes(1.0, 1.0, interrupted=False)
