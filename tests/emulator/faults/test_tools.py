"""Faults of function calls, by what they do to a scripted conversation."""

import pytest

from tests.emulator.faulty_talk import FaultyTalk


def test_a_call_without_an_id_takes_a_response_without_one() -> None:
    talk = FaultyTalk("tool_no_id", tools={"clock": None})
    talk.spoken()
    [(_, call)] = talk.find("toolCall")
    assert call["functionCalls"] == [{"name": "clock", "args": {}}]
    talk.responds()
    talk.pass_time(5)
    assert talk.text() == "It is noon."


@pytest.mark.parametrize("behavior", ["BLOCKING", "NON_BLOCKING"])
def test_a_call_is_made_again_when_the_caller_goes_on(behavior: str) -> None:
    talk = FaultyTalk("tool_reissue", tools={"clock": behavior})
    talk.spoken()
    talk.typed()
    talk.pass_time(10)
    first, second = (call["functionCalls"][0] for _, call in talk.find("toolCall"))
    assert first["id"] != second["id"]
    assert (first["name"], first["args"]) == (second["name"], second["args"])
    talk.responds()
    talk.pass_time(5)
    assert talk.closed() is None
    assert ("It is noon." in talk.text()) == (behavior == "NON_BLOCKING")


def test_an_answered_call_is_not_made_again() -> None:
    talk = FaultyTalk("tool_reissue", tools={"clock": None})
    talk.spoken()
    talk.responds()
    talk.typed()
    talk.pass_time(10)
    assert len(talk.find("toolCall")) == 1
    assert talk.happened() == 0


def test_a_response_is_ignored() -> None:
    talk = FaultyTalk("tool_response_ignored", tools={"clock": None})
    talk.spoken()
    talk.responds()
    talk.pass_time(10)
    assert talk.find("modelTurn") == []
    talk.responds()
    talk.pass_time(10)
    assert talk.text() == "It is noon."


@pytest.mark.parametrize("code", [1008, 1011])
def test_tools_close_the_socket(code: int) -> None:
    on_call = FaultyTalk(f"tool_{code}:at=tool_call", tools={"clock": None})
    on_call.spoken()
    assert on_call.closed() == code
    on_response = FaultyTalk(f"tool_{code}", tools={"clock": None})
    on_response.spoken()
    assert on_response.closed() is None
    on_response.responds()
    assert on_response.closed() == code
