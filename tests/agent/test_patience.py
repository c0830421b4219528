"""How long a call waits: each rule by itself, and that every call ends, and none before its time, in whatever order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.call.endings import Ending
from agent.call.limits import Limits, Patience

LIMITS = Limits(caller_join_s=60, caller_return_s=20, caller_silence_s=100, still_there_s=40, answer_s=30, longest_call_s=1000)


def in_call(now: float = 0) -> Patience:
    patience = Patience(LIMITS, now)
    patience.caller_came(now)
    return patience


def test_nobody_joins() -> None:
    patience = Patience(LIMITS, 5)
    assert patience.next_at == 65
    assert patience.ending(64.9) is None
    assert patience.ending(65) is Ending.NOBODY_JOINED


def test_a_lost_caller_may_come_back() -> None:
    patience = in_call(1)
    patience.caller_lost(10)
    assert patience.ending(29) is None
    patience.caller_came(29)
    assert patience.ending(40) is None
    patience.caller_lost(50)
    patience.caller_lost(60)
    assert patience.ending(70) is Ending.CALLER_LOST


def test_after_a_caller_who_has_left_somebody_may_come_for_a_moment() -> None:
    """A connection that broke is waited for longer; one that then says goodbye is not."""
    patience = in_call(1)
    patience.caller_lost(10, left=True)
    assert patience.ending(10 + LIMITS.caller_left_s - 0.1) is None
    patience.caller_came(11)
    assert patience.ending(31) is None
    patience.caller_lost(40)
    patience.caller_lost(50, left=True)
    assert patience.next_at == 50 + LIMITS.caller_left_s
    assert patience.ending(50 + LIMITS.caller_left_s) is Ending.CALLER_LEFT


def test_silence_is_counted_from_the_last_word_of_either_side() -> None:
    patience = in_call()
    patience.heard(10)
    patience.agent_speaks(12)
    assert patience.ending(500) is None, "the agent speaks"
    patience.agent_silent(500)
    assert patience.ending(599) is None
    assert patience.ending(600) is Ending.SILENCE


def test_the_caller_is_asked_once_in_a_silence_whether_they_are_there() -> None:
    patience = in_call()
    assert patience.next_at == 40
    assert not patience.asks_back(39.9)
    assert patience.asks_back(40)
    assert not patience.asks_back(41)
    patience.asked(40)
    patience.agent_speaks(41)
    patience.agent_silent(43)
    assert not patience.asks_back(140)
    assert patience.ending(143) is Ending.SILENCE
    patience.heard(142)
    assert not patience.asks_back(181)
    assert patience.asks_back(182)


def test_who_is_owed_an_answer_or_is_away_is_not_asked() -> None:
    patience = in_call()
    patience.typed(10)
    assert not patience.asks_back(39)
    patience.agent_speaks(39)
    assert not patience.asks_back(500)
    patience.agent_silent(500)
    patience.caller_lost(501)
    assert not patience.asks_back(540)


def test_the_model_owes_an_answer_from_the_first_question() -> None:
    patience = in_call()
    patience.asked(10)
    patience.asked(35)
    assert patience.ending(39.9) is None
    assert patience.ending(40) is Ending.NO_ANSWER
    patience.agent_speaks(39.95)
    assert patience.ending(41) is None


def test_a_tool_that_ends_while_the_agent_speaks_starts_no_clock_before_the_speech_ends() -> None:
    patience = in_call()
    patience.agent_speaks(10)
    patience.tool_started(11, "1")
    patience.tool_ended(12, "1", owes_words=True)
    assert patience.ending(90) is None
    patience.agent_silent(90)
    assert patience.ending(119) is None
    assert patience.ending(120) is Ending.NO_ANSWER


def test_a_long_tool_is_waited_for() -> None:
    patience = in_call()
    patience.tool_started(10, "1")
    patience.agent_speaks(11)
    patience.agent_silent(12)
    assert patience.ending(900) is None


def test_a_tool_that_waits_for_another_agent_is_no_reason_to_wait() -> None:
    """The other agent's own tools are."""
    patience = in_call()
    patience.tool_started(10, "waits")
    patience.agent_changed(11)
    assert patience.asks_back(51)
    patience.tool_started(60, "the other agent's")
    assert patience.ending(300) is None
    patience.tool_ended(300, "the other agent's", owes_words=False)
    assert patience.ending(399) is None
    assert patience.ending(400) is Ending.SILENCE
    patience.tool_ended(399, "waits", owes_words=True)
    assert patience.ending(429) is Ending.NO_ANSWER


@pytest.mark.parametrize(("owes_words", "ending"), [(True, Ending.NO_ANSWER), (False, None)])
def test_a_tool_without_a_result_is_no_debt(owes_words: bool, ending: Ending | None) -> None:
    patience = in_call()
    patience.tool_started(10, "1")
    patience.tool_ended(11, "1", owes_words=owes_words)
    assert patience.ending(50) is ending


def test_spoken_words_are_no_debt_but_silence_after_them_is_the_models() -> None:
    patience = in_call()
    patience.heard(10)
    patience.heard(60)
    assert patience.ending(159) is None, "people may talk to each other"
    assert patience.ending(160) is Ending.NO_ANSWER
    patience.agent_speaks(159)
    patience.agent_silent(159)
    assert patience.ending(259) is Ending.SILENCE


def test_who_speaks_for_long_is_not_silent() -> None:
    patience = in_call()
    patience.typed(5)
    patience.caller_speaks(10)
    assert not patience.asks_back(100)
    assert patience.ending(120) is None
    patience.caller_pauses(120)
    assert not patience.asks_back(149)
    assert patience.ending(149) is None
    assert patience.ending(150) is Ending.NO_ANSWER


def test_a_voice_that_is_never_heard_to_end_does_not_keep_the_call() -> None:
    patience = in_call()
    patience.caller_speaks(10)
    assert patience.next_at == 170
    assert not patience.asks_back(169)
    assert patience.asks_back(170)
    assert patience.ending(230) is Ending.SILENCE


def test_what_a_lost_link_keeps_from_being_said_is_no_silence() -> None:
    """The link gives up by itself; until then nobody can answer, and nobody is asked back."""
    patience = in_call()
    patience.typed(10)
    patience.link_lost(15)
    assert patience.ending(900) is None
    assert not patience.asks_back(900)
    assert patience.next_at == 1000
    patience.link_restored(900)
    assert patience.ending(929) is None
    assert patience.ending(930) is Ending.NO_ANSWER


def test_a_silence_is_counted_from_the_links_return() -> None:
    patience = in_call()
    patience.link_lost(10)
    patience.link_restored(50)
    assert not patience.asks_back(89)
    assert patience.asks_back(90)
    patience.asked(90)
    patience.link_lost(91)
    assert patience.ending(1000) is Ending.TOO_LONG, "not even then does a call go on for ever"


def test_the_longest_call_comes_before_everything_but_absence() -> None:
    patience = in_call()
    patience.asked(980)
    assert patience.ending(1010) is Ending.TOO_LONG
    patience.caller_lost(985)
    assert patience.ending(1010) is Ending.CALLER_LOST


EVENTS = ["caller_came", "caller_lost", "heard", "asked", "agent_speaks", "agent_silent", "tool_started", "tool_ended"]
EVENTS += ["agent_changed", "caller_speaks", "caller_pauses", "link_lost", "link_restored"]


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.floats(0, 50)), max_size=40))
def test_every_call_ends_and_never_before_its_time(steps: list[tuple[str, float]]) -> None:
    """The test keeps the plain facts itself: who speaks, what runs, when the last word was, since when one is owed."""
    patience, now, last_word = in_call(), 0.0, 0.0
    owed: float | None = None
    speaking, is_lost = False, False
    running: list[str] = []
    talking_since: float | None = None
    for number, (event, wait) in enumerate(steps):
        now += wait
        ending = patience.ending(now)
        if ending in {Ending.NO_ANSWER, Ending.SILENCE}:
            assert not speaking
            assert not running
            assert not is_lost
            assert talking_since is None or now - talking_since > LIMITS.answer_s
            owed_s = 0.0 if owed is None else now - owed
            assert owed_s >= LIMITS.answer_s or now - last_word >= LIMITS.caller_silence_s
        if ending is not None:
            return
        patience.asks_back(now)
        assert patience.next_at > now
        if event == "tool_started":
            running.append(str(number))
            patience.tool_started(now, running[-1])
        elif event == "tool_ended":
            patience.tool_ended(now, running.pop() if running else "", owes_words=True)
        else:
            getattr(patience, event)(now)
        speaking = {"agent_speaks": True, "agent_silent": False}.get(event, speaking)
        talking_since = {"caller_speaks": now, "caller_pauses": None}.get(event, talking_since)
        running = [] if event == "agent_changed" else running
        is_lost = {"link_lost": True, "link_restored": False}.get(event, is_lost)
        last_word = last_word if event in {"caller_lost", "link_lost"} else now
        if event in {"agent_speaks", "tool_started"}:
            owed = None
        elif (
            event == "tool_ended"
            or (event in {"agent_silent", "agent_changed", "caller_pauses", "link_restored"} and owed is not None)
            or (event == "asked" and owed is None)
        ):
            owed = now
    assert patience.ending(now + LIMITS.longest_call_s) is not None
