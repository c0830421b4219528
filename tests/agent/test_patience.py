"""How long a call waits: each rule by itself, and that every call ends whatever happens in whatever order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.patience import Ending, Limits, Patience

LIMITS = Limits(caller_join_s=60, caller_return_s=20, caller_silence_s=100, answer_s=30, longest_call_s=1000)


def test_nobody_joins() -> None:
    patience = Patience(LIMITS, 5)
    assert patience.next_at == 65
    assert patience.ending(64.9) is None
    assert patience.ending(65) is Ending.NOBODY_JOINED


def test_a_lost_caller_may_come_back() -> None:
    patience = Patience(LIMITS, 0)
    patience.caller_came(1)
    patience.caller_lost(10)
    assert patience.ending(29) is None
    patience.caller_came(29)
    assert patience.ending(40) is None
    patience.caller_lost(50)
    patience.caller_lost(60)
    assert patience.ending(70) is Ending.CALLER_LOST


def test_silence_is_counted_from_the_last_word_of_either_side() -> None:
    patience = Patience(LIMITS, 0)
    patience.caller_came(0)
    patience.heard(10)
    patience.agent_busy(12)
    assert patience.ending(500) is None, "the agent speaks"
    patience.agent_done(500)
    assert patience.ending(599) is None
    assert patience.ending(600) is Ending.SILENCE


def test_the_model_owes_an_answer_from_the_first_question() -> None:
    patience = Patience(LIMITS, 0)
    patience.caller_came(0)
    patience.asked(10)
    patience.asked(35)
    assert patience.ending(39.9) is None
    assert patience.ending(40) is Ending.NO_ANSWER
    patience.agent_busy(39.95)
    assert patience.ending(41) is None


def test_spoken_words_are_no_debt_but_silence_after_them_is_the_models() -> None:
    patience = Patience(LIMITS, 0)
    patience.caller_came(0)
    patience.heard(10)
    patience.heard(60)
    assert patience.ending(159) is None, "people may talk to each other"
    assert patience.ending(160) is Ending.NO_ANSWER
    patience.agent_busy(159)
    patience.agent_done(159)
    assert patience.ending(259) is Ending.SILENCE


def test_the_longest_call_comes_before_everything_but_absence() -> None:
    patience = Patience(LIMITS, 0)
    patience.caller_came(0)
    patience.asked(980)
    assert patience.ending(1010) is Ending.TOO_LONG
    patience.caller_lost(985)
    assert patience.ending(1010) is Ending.CALLER_LOST


@pytest.mark.parametrize("ending", list(Ending))
def test_every_ending_has_words(ending: Ending) -> None:
    assert ending.value
    assert ending.with_goodbye == (ending in {Ending.TOO_LONG, Ending.SILENCE})


EVENTS = st.sampled_from(["caller_came", "caller_lost", "heard", "asked", "agent_busy", "agent_done"])


@given(st.lists(st.tuples(EVENTS, st.floats(0, 50)), max_size=40))
def test_every_call_ends_and_never_before_its_time(steps: list[tuple[str, float]]) -> None:
    patience, now = Patience(LIMITS, 0.0), 0.0
    for event, wait in steps:
        if patience.ending(now) is not None:
            break
        assert patience.next_at > now
        now += wait
        if patience.ending(now) is None:
            getattr(patience, event)(now)
    came = patience.ending(now)
    assert came is not None or patience.next_at <= now + LIMITS.longest_call_s
    assert patience.ending(now + LIMITS.longest_call_s + LIMITS.caller_join_s) is not None
