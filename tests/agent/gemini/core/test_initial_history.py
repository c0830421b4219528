"""What was said before the first connection is told to its session once, and is lost in none. An earlier session is resumed."""

from typing import Any

import pytest

from tests.agent.gemini.rig import Cause, Kind, Line, Rig, begun

HELLO = Line(by_caller=True, text="My name is Ada.")
WELCOME = Line(by_caller=False, text="Hello Ada.")
TURNS = [
    {"role": "user", "parts": [{"text": "My name is Ada."}]},
    {"role": "model", "parts": [{"text": "Hello Ada."}]},
]
WHOLE, MOMENT = "gemini-3.8-live", "gemini-3.1-flash-live-preview"
"""A model whose handles restore all, and one whose handles restore what was known when they were given."""


def with_history(model: str = WHOLE) -> Rig:
    rig = begun(model)
    rig.is_given_history(HELLO, WELCOME)
    return rig


def contents(rig: Rig) -> list[dict[str, Any]]:
    """The contents that the newest connection was sent."""
    return rig.gemini.received("client_content")


@pytest.mark.parametrize("model", [WHOLE, MOMENT])
def test_the_first_session_is_told_as_turns_before_all_else(model: str) -> None:
    """Also before what was typed meanwhile; and nothing is owed for it."""
    rig = with_history(model)
    rig.caller.types("What is my name?")
    rig.connects()
    assert contents(rig)[0] == {"turns": TURNS, "turnComplete": True}
    assert rig.gemini.connections[-1][1] == {"typed": "What is my name?"}


def test_nobody_waits_for_an_answer_to_it() -> None:
    rig = with_history()
    rig.connects()
    rig.passes(60)
    assert len(contents(rig)) == 1
    assert rig.kinds(Kind.NUDGED, Kind.CHECKED, Kind.WAITING) == []


def test_attempts_that_fail_before_a_session_is_there_cost_nothing() -> None:
    rig = with_history()
    rig.gemini.refuses(503)
    rig.until_dialing()
    rig.gemini.upgrades()
    rig.gemini.drops()
    rig.connects()
    assert contents(rig) == [{"turns": TURNS, "turnComplete": True}]


@pytest.mark.parametrize("code", [1007, 1008])
def test_a_service_that_refuses_the_announcement_is_told_without_one(code: int) -> None:
    """It was reported of 3.1. The turns aren't complete then: without the announcement they would be answered."""
    rig = with_history(MOMENT)
    rig.gemini.upgrades()
    rig.gemini.closes(code, "Request contains an invalid argument.")
    rig.connects()
    assert rig.gemini.announced == [True, False]
    assert contents(rig) == [{"turns": TURNS, "turnComplete": False}]
    assert rig.kinds(Kind.CONNECTED, Kind.FAILED) == [Kind.CONNECTED]


def test_a_setup_that_is_refused_without_the_announcement_too_is_final() -> None:
    rig = with_history()
    rig.gemini.upgrades()
    rig.gemini.closes(1007, "API key not valid. Please pass a valid API key.")
    rig.until_dialing()
    rig.gemini.upgrades()
    rig.gemini.closes(1007, "API key not valid. Please pass a valid API key.")
    assert rig.causes(Kind.FAILED) == [Cause.KEY]


@pytest.mark.parametrize("model", [WHOLE, MOMENT])
def test_a_session_that_may_have_missed_it_is_told_in_words(model: str) -> None:
    """The connection breaks before the model has spoken: the message may not have arrived when the handle was given."""
    rig = with_history(model)
    rig.connects()
    rig.gemini.gives_handle("h1")
    rig.gemini.drops()
    rig.connects()
    [content] = contents(rig)
    assert not content["turnComplete"]
    assert "Caller: My name is Ada." in rig.gemini.texts[0]
    assert "You: Hello Ada." in rig.gemini.texts[0]


@pytest.mark.parametrize(("model", "is_told"), [(WHOLE, False), (MOMENT, True)])
def test_a_session_that_has_spoken_knows_it_from_its_next_handle_on(model: str, *, is_told: bool) -> None:
    """On a model whose handles restore what was known when they were given, one from before may lack it."""
    rig = with_history(model)
    rig.connects()
    rig.gemini.gives_handle("h1")
    rig.gemini.says("Welcome.")
    rig.gemini.completes()
    rig.gemini.drops()
    rig.connects()
    assert any("My name is Ada." in text for text in rig.gemini.texts) is is_told
    rig.gemini.gives_handle("h2")
    rig.gemini.drops()
    rig.connects()
    assert contents(rig) == []


def test_a_new_session_is_told_all_that_was_said_and_not_the_turns_again() -> None:
    rig = with_history()
    rig.connects()
    rig.gemini.drops()
    rig.connects()
    assert [content["turnComplete"] for content in contents(rig)] == [False]
    assert "My number is 42." in rig.gemini.texts[0], "what the conversation tells"


def test_an_earlier_session_is_resumed_and_told_nothing() -> None:
    rig = with_history()
    rig.resumes("earlier")
    rig.connects()
    assert rig.gemini.handles == ["earlier"]
    assert contents(rig) == []
    assert rig.kinds(Kind.CONNECTED) == [Kind.CONNECTED]


def test_an_earlier_session_whose_handle_may_lack_its_end_is_told_the_last_lines() -> None:
    rig = with_history(MOMENT)
    rig.resumes("earlier")
    rig.connects()
    [content] = contents(rig)
    assert not content["turnComplete"]
    assert "You: Hello Ada." in rig.gemini.texts[0]


def test_a_refused_handle_costs_one_attempt_and_the_history_is_told() -> None:
    rig = with_history()
    rig.resumes("earlier")
    rig.gemini.upgrades()
    rig.gemini.closes(1008, "BidiGenerateContent session not found")
    rig.connects()
    assert rig.gemini.handles == ["earlier", None]
    assert contents(rig) == [{"turns": TURNS, "turnComplete": True}]
    assert [event.attempts for event in rig.events if event.kind is Kind.CONNECTED] == [2]


def test_an_earlier_session_that_stays_locked_is_not_waited_for_long() -> None:
    rig = with_history()
    rig.resumes("earlier")
    began_at = rig.now
    while rig.gemini.handles[-1:] != [None]:
        rig.until_dialing()
        rig.gemini.upgrades()
        rig.passes(0.5)
        if rig.gemini.handles[-1] is not None:
            rig.gemini.closes(1011, "Internal error encountered.")
    assert rig.now - began_at < 5
    assert set(rig.causes(Kind.RETRYING)) == {Cause.LOCKED}
