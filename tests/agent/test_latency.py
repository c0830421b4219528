"""The times of a turn, as the worker sees them."""

from collections.abc import Callable
from functools import partial

import pytest

from agent.call.latency import ResponseClock, TurnClock, TurnTimes
from records.latency import responses
from records.voice_spans import Span

PAUSE_S = 0.4
"""The end of speech is told so much later."""


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


def response_s(caller: list[tuple[float, float]], agent: list[tuple[float, float]], *typed_at: float) -> list[float | None]:
    """What a call whose sides speak so is told to have for latencies, one for each time that the agent speaks."""
    clock, found = ResponseClock(), list[float | None]()
    told: list[tuple[float, Callable[[], object]]] = []

    def agent_ends(at: float) -> None:
        found.append(clock.silent(at))

    for start_s, end_s in caller:
        told.append((start_s + 0.06, partial(clock.speech_began, start_s)))
        told.append((end_s + PAUSE_S, partial(clock.speech_ended, end_s)))
    for start_s, end_s in agent:
        told.append((start_s, partial(clock.sounded, start_s)))
        told.append((end_s, partial(agent_ends, end_s)))
    told += [(at, partial(clock.asked_in_text, at)) for at in typed_at]
    for _, tell in sorted(told, key=lambda each: each[0]):
        tell()
    return [None if each is None else round(each, 3) for each in found]


@pytest.mark.parametrize(
    ("caller", "agent", "expected"),
    [
        pytest.param([(1, 2)], [(3, 5)], [1.0], id="a reply"),
        pytest.param([(1, 2)], [(2.1, 5)], [0.1], id="a reply before the pause is over"),
        pytest.param([(1, 2), (2.8, 4)], [(5, 6)], [1.0], id="speech that goes on after a pause"),
        pytest.param([(1, 2), (2.8, 4)], [(2.84, 6)], [None], id="speech that has gone on, not yet noticed"),
        pytest.param([(1, 4)], [(3, 6)], [None], id="the agent begins while the caller speaks"),
        pytest.param([(1, 2), (4, 5)], [(3, 4.3), (6, 7)], [1.0, 1.0], id="an interruption is the next question"),
        pytest.param([(1, 2), (4, 4.2)], [(3, 4.3), (6, 7)], [1.0, None], id="words that are over before the agent is silent"),
        pytest.param([], [(1, 2), (5, 6)], [None, None], id="nobody has asked"),
        pytest.param([(1, 2)], [(3, 5), (8, 9)], [1.0, None], id="the agent speaks again by itself"),
    ],
)
def test_a_response_latency_begins_with_the_end_of_the_callers_speech(
    caller: list[tuple[float, float]], agent: list[tuple[float, float]], expected: list[float | None]
) -> None:
    """As records/latency.py finds it in the sound."""
    assert response_s(caller, agent) == expected
    in_sound = responses([Span(*each) for each in caller], [Span(*each) for each in agent])
    assert [round(each.latency_s, 3) for each in in_sound] == [each for each in expected if each is not None]


@pytest.mark.parametrize("typed_at", [2.2, 2.7], ids=["before the end of speech is told", "after it"])
def test_an_answer_to_a_typed_line_is_no_reply_to_what_was_said_before(typed_at: float) -> None:
    assert response_s([(1, 2), (6, 7)], [(3, 5), (8, 9)], typed_at) == [None, 1.0]


@pytest.mark.parametrize("ended_at", [float("-inf"), 4.0], ids=["ever", "since they began"])
def test_a_caller_who_was_never_loud_has_no_latency(ended_at: float) -> None:
    """They have held the talk button, and spoken too softly, or not at all."""
    clock = ResponseClock()
    clock.speech_began(5.0)
    clock.speech_ended(ended_at)
    clock.sounded(7.0)
    assert clock.silent(8.0) is None
