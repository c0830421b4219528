"""Function calls in a conversation: blocking or not, answered, silent, urgent, dropped."""

import dataclasses
import re

import pytest

from emulator import messages
from emulator.answers import Rule
from tests.emulator.talk import LONG, LOUD, QUIET, SCRIPT, Talk


def test_a_non_blocking_call_ends_its_turn_and_the_answer_is_a_new_one() -> None:
    talk = Talk(tools={"clock": None})
    talk.say(LOUD + QUIET)
    [(called, call)] = talk.find("toolCall")
    assert call["functionCalls"][0]["name"] == "clock"
    assert call["functionCalls"][0]["id"].startswith("call_")
    assert talk.times("turnComplete") == [pytest.approx(called + 0.01)]
    talk.pass_time(5)
    assert talk.find("modelTurn") == []
    answered = talk.now
    talk.answer_calls()
    talk.pass_time(5)
    assert talk.times("modelTurn")[0] == pytest.approx(answered + 0.6)
    assert talk.text() == "It is noon."


def test_a_blocking_call_holds_its_turn() -> None:
    talk = Talk(tools={"clock": "BLOCKING"})
    talk.say(LOUD + QUIET)
    assert talk.find("toolCall")
    assert talk.find("turnComplete") == []
    talk.answer_calls()
    talk.pass_time(5)
    assert talk.text() == "It is noon."
    assert len(talk.times("turnComplete")) == 1


def test_a_blocking_call_is_dropped_without_a_word_when_the_caller_goes_on() -> None:
    talk = Talk(tools={"clock": "BLOCKING"})
    talk.say(LOUD + QUIET)
    talk.type("something else")
    talk.pass_time(8)
    said = talk.text()
    talk.answer_calls()
    talk.pass_time(5)
    assert talk.text() == said
    assert talk.find("toolCallCancellation") == []


def test_a_silent_result_is_not_spoken_about() -> None:
    talk = Talk(tools={"clock": None})
    talk.say(LOUD + QUIET)
    talk.answer_calls(scheduling="SILENT")
    talk.pass_time(5)
    assert talk.find("modelTurn") == []


@pytest.mark.parametrize(("scheduling", "interrupts"), [(None, False), ("WHEN_IDLE", False), ("INTERRUPT", True)])
def test_a_result_during_other_speech_waits_or_interrupts(scheduling: str | None, interrupts: bool) -> None:
    talk = Talk(tools={"clock": None})
    talk.say(LOUD + QUIET)
    talk.type("x")
    talk.pass_time(1)
    assert talk.conversation.turn_open
    talk.answer_calls(scheduling=scheduling)
    talk.pass_time(15)
    assert bool(talk.find("interrupted")) == interrupts
    assert talk.text().endswith("It is noon.")
    assert (LONG in talk.text()) != interrupts


@pytest.mark.parametrize(("pattern", "said"), [("noon", "Lunch time."), ("midnight", "It is noon."), (None, "Lunch time.")])
def test_a_result_may_have_its_own_rule(pattern: str | None, said: str) -> None:
    matches = None if pattern is None else re.compile(pattern)
    script = dataclasses.replace(SCRIPT, results=(Rule("Lunch time.", tool="clock", matches=matches),))
    talk = Talk(script, tools={"clock": None})
    talk.say(LOUD + QUIET)
    talk.answer_calls()
    talk.pass_time(5)
    assert talk.text() == said


def test_a_result_that_will_continue_is_not_the_last() -> None:
    talk = Talk(tools={"clock": None})
    talk.say(LOUD + QUIET)
    talk.answer_calls(will_continue=True)
    talk.pass_time(5)
    assert talk.find("modelTurn") == []
    talk.answer_calls()
    talk.pass_time(5)
    assert talk.text() == "It is noon."


def test_tools_that_the_client_has_not_declared_are_not_called() -> None:
    talk = Talk()
    talk.say(LOUD + QUIET)
    talk.pass_time(5)
    assert talk.find("toolCall") == []
    assert talk.text() == "It is something."


def test_an_answer_to_no_call_is_ignored() -> None:
    talk = Talk()
    talk.send(messages.ToolResponse((messages.FunctionResponse("call_9", "x", {}, None, will_continue=False),)))
    talk.pass_time(5)
    assert talk.find("modelTurn") == []
    assert talk.conversation.close is None
