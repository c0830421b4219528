"""Limits of a call: each rule by itself, and that every call ends, and none before its time, in whatever order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.call.endings import Ending
from agent.call.limits import CallTimer
from tests.agent.listeners import LIMITS


def in_call(now: float = 0) -> CallTimer:
    timer = CallTimer(LIMITS, now)
    timer.caller_joined(now)
    return timer


def test_nobody_joins() -> None:
    timer = CallTimer(LIMITS, 5)
    assert timer.next_at == 65
    assert timer.ending(64.9) is None
    assert timer.ending(65) is Ending.NOBODY_JOINED


def test_a_lost_caller_may_come_back() -> None:
    timer = in_call(1)
    timer.caller_gone(10)
    assert timer.ending(29) is None
    timer.caller_joined(29)
    assert timer.ending(40) is None
    timer.caller_gone(50)
    timer.caller_gone(60)
    assert timer.ending(70) is Ending.CALLER_LOST


def test_after_a_caller_who_has_left_somebody_may_come_for_a_moment() -> None:
    """A connection that broke is waited for longer; one that then says goodbye is not."""
    timer = in_call(1)
    timer.caller_gone(10, left=True)
    assert timer.ending(10 + LIMITS.caller_left_s - 0.1) is None
    timer.caller_joined(11)
    assert timer.ending(31) is None
    timer.caller_gone(40)
    timer.caller_gone(50, left=True)
    assert timer.next_at == 50 + LIMITS.caller_left_s
    assert timer.ending(50 + LIMITS.caller_left_s) is Ending.CALLER_LEFT


def test_silence_is_counted_from_the_last_word_of_either_side() -> None:
    timer = in_call()
    timer.caller_said_words(10)
    timer.agent_starts_speaking(12)
    assert timer.ending(500) is None, "the agent speaks"
    timer.agent_stops_speaking(500)
    assert timer.ending(599) is None
    assert timer.ending(600) is Ending.SILENCE


def test_the_caller_is_asked_once_in_a_silence_whether_they_are_there() -> None:
    timer = in_call()
    assert timer.next_at == 40
    assert not timer.asks_still_there(39.9)
    assert timer.asks_still_there(40)
    assert not timer.asks_still_there(41)
    timer.reply_requested(40)
    timer.agent_starts_speaking(41)
    timer.agent_stops_speaking(43)
    assert not timer.asks_still_there(140)
    assert timer.ending(143) is Ending.SILENCE
    timer.caller_said_words(142)
    assert not timer.asks_still_there(181)
    assert timer.asks_still_there(182)


def test_who_is_owed_an_answer_or_is_away_is_not_asked() -> None:
    timer = in_call()
    timer.caller_typed(10)
    assert not timer.asks_still_there(39)
    timer.agent_starts_speaking(39)
    assert not timer.asks_still_there(500)
    timer.agent_stops_speaking(500)
    timer.caller_gone(501)
    assert not timer.asks_still_there(540)


def test_the_model_owes_an_answer_from_the_first_question() -> None:
    timer = in_call()
    timer.reply_requested(10)
    timer.reply_requested(35)
    assert timer.ending(39.9) is None
    assert timer.ending(40) is Ending.NO_ANSWER
    timer.agent_starts_speaking(39.95)
    assert timer.ending(41) is None


def test_a_tool_that_ends_while_the_agent_speaks_starts_no_clock_before_the_speech_ends() -> None:
    timer = in_call()
    timer.agent_starts_speaking(10)
    timer.tool_started(11, "1")
    timer.tool_ended(12, "1", reply_required=True)
    assert timer.ending(90) is None
    timer.agent_stops_speaking(90)
    assert timer.ending(119) is None
    assert timer.ending(120) is Ending.NO_ANSWER


def test_a_long_tool_is_waited_for() -> None:
    timer = in_call()
    timer.tool_started(10, "1")
    timer.agent_starts_speaking(11)
    timer.agent_stops_speaking(12)
    assert timer.ending(900) is None


def test_a_tool_that_waits_for_another_agent_is_no_reason_to_wait() -> None:
    """The other agent's own tools are."""
    timer = in_call()
    timer.tool_started(10, "waits")
    timer.agent_handed_off(11)
    assert timer.asks_still_there(51)
    timer.tool_started(60, "the other agent's")
    assert timer.ending(300) is None
    timer.tool_ended(300, "the other agent's", reply_required=False)
    assert timer.ending(399) is None
    assert timer.ending(400) is Ending.SILENCE
    timer.tool_ended(399, "waits", reply_required=True)
    assert timer.ending(429) is Ending.NO_ANSWER


@pytest.mark.parametrize(("reply_required", "ending"), [(True, Ending.NO_ANSWER), (False, None)])
def test_a_tool_without_a_result_is_no_debt(reply_required: bool, ending: Ending | None) -> None:
    timer = in_call()
    timer.tool_started(10, "1")
    timer.tool_ended(11, "1", reply_required=reply_required)
    assert timer.ending(50) is ending


def test_spoken_words_are_no_debt_but_silence_after_them_is_the_models() -> None:
    timer = in_call()
    timer.caller_said_words(10)
    timer.caller_said_words(60)
    assert timer.ending(159) is None, "people may talk to each other"
    assert timer.ending(160) is Ending.NO_ANSWER
    timer.agent_starts_speaking(159)
    timer.agent_stops_speaking(159)
    assert timer.ending(259) is Ending.SILENCE


def test_who_speaks_for_long_is_not_silent() -> None:
    timer = in_call()
    timer.caller_typed(5)
    timer.caller_starts_speaking(10)
    assert not timer.asks_still_there(100)
    assert timer.ending(120) is None
    timer.caller_stops_speaking(120)
    assert not timer.asks_still_there(149)
    assert timer.ending(149) is None
    assert timer.ending(150) is Ending.NO_ANSWER


def test_a_voice_that_is_never_heard_to_end_does_not_keep_the_call() -> None:
    timer = in_call()
    timer.caller_starts_speaking(10)
    assert timer.next_at == 170
    assert not timer.asks_still_there(169)
    assert timer.asks_still_there(170)
    assert timer.ending(230) is Ending.SILENCE


def test_what_a_lost_link_keeps_from_being_said_is_no_silence() -> None:
    """The link gives up by itself; until then nobody can answer, and nobody is asked whether they are there."""
    timer = in_call()
    timer.caller_typed(10)
    timer.link_lost(15)
    assert timer.ending(900) is None
    assert not timer.asks_still_there(900)
    assert timer.next_at == 1000
    timer.link_restored(900)
    assert timer.ending(929) is None
    assert timer.ending(930) is Ending.NO_ANSWER


def test_a_silence_is_counted_from_the_links_return() -> None:
    timer = in_call()
    timer.link_lost(10)
    timer.link_restored(50)
    assert not timer.asks_still_there(89)
    assert timer.asks_still_there(90)
    timer.reply_requested(90)
    timer.link_lost(91)
    assert timer.ending(1000) is Ending.TOO_LONG, "not even then does a call go on for ever"


def test_the_longest_call_comes_before_everything_but_absence() -> None:
    timer = in_call()
    timer.reply_requested(980)
    assert timer.ending(1010) is Ending.TOO_LONG
    timer.caller_gone(985)
    assert timer.ending(1010) is Ending.CALLER_LOST


EVENTS = ["caller_joined", "caller_gone", "caller_said_words", "caller_starts_speaking", "caller_stops_speaking"]
EVENTS += ["reply_requested", "agent_starts_speaking", "agent_stops_speaking", "agent_handed_off"]
EVENTS += ["tool_started", "tool_ended", "link_lost", "link_restored", "caller_presses", "caller_releases"]
RESTARTS = {"agent_stops_speaking", "agent_handed_off", "caller_stops_speaking", "link_restored", "caller_releases"}
"""After these, a reply that is owed is counted anew."""


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.floats(0, 50)), max_size=40))
def test_every_call_ends_and_never_before_its_time(steps: list[tuple[str, float]]) -> None:
    """The test keeps the plain facts itself: who speaks, what runs, when the last word was, since when one is owed."""
    timer, now, last_word = in_call(), 0.0, 0.0
    owed: float | None = None
    speaking, is_lost, holds = False, False, False
    running: list[str] = []
    talking_since: float | None = None
    for number, (event, wait) in enumerate(steps):
        now += wait
        ending = timer.ending(now)
        if ending in {Ending.NO_ANSWER, Ending.SILENCE}:
            assert not speaking
            assert not running
            assert not is_lost
            assert not holds
            assert talking_since is None or now - talking_since > LIMITS.answer_s
            owed_s = 0.0 if owed is None else now - owed
            assert owed_s >= LIMITS.answer_s or now - last_word >= LIMITS.caller_silence_s
        if ending is not None:
            return
        timer.asks_still_there(now)
        assert timer.next_at > now
        if event == "tool_started":
            running.append(str(number))
            timer.tool_started(now, running[-1])
        elif event == "tool_ended":
            timer.tool_ended(now, running.pop() if running else "", reply_required=True)
        else:
            getattr(timer, event)(now)
        speaking = {"agent_starts_speaking": True, "agent_stops_speaking": False}.get(event, speaking)
        talking_since = {"caller_starts_speaking": now, "caller_stops_speaking": None}.get(event, talking_since)
        running = [] if event == "agent_handed_off" else running
        is_lost = {"link_lost": True, "link_restored": False}.get(event, is_lost)
        holds = {"caller_presses": True, "caller_releases": False}.get(event, holds)
        last_word = last_word if event in {"caller_gone", "link_lost"} else now
        if event in {"agent_starts_speaking", "tool_started"}:
            owed = None
        elif event == "tool_ended" or (event in RESTARTS and owed is not None) or (event == "reply_requested" and owed is None):
            owed = now
    assert timer.ending(now + LIMITS.longest_call_s) is not None


def test_who_holds_the_talk_button_is_there() -> None:
    """However long: the button has a limit of its own. The silence is counted from its release."""
    timer = in_call()
    assert timer.asks_still_there(40)
    timer.caller_presses(50)
    assert timer.ending(500) is None
    assert not timer.asks_still_there(500)
    timer.caller_releases(500)
    assert not timer.asks_still_there(539)
    assert timer.asks_still_there(540)
    assert timer.ending(600) is Ending.SILENCE
