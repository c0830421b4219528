"""What the link does differently for a tool with options: its time limit, calls that are meant twice, results in parts."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tests.agent.gemini.rig import BOOK, BOOKED, Cause, Kind, Rig, ToolOptions, connected

FORGETFUL = "gemini-2.5-flash-native-audio-preview-12-2025"
"""A session of this model that is resumed knows no open call."""


def part(text: str, call_id: str = "call_1") -> dict[str, Any]:
    """A value of a tool that goes on."""
    return {"id": call_id, "name": "book", "response": {"output": text}, "willContinue": True}


def test_a_tool_has_a_time_limit_of_its_own() -> None:
    rig = connected(tools={"book": ToolOptions(timeout_s=30)})
    rig.gemini.calls()
    rig.gemini.ends_turn()
    rig.passes(29.9)
    assert rig.gemini.tool_responses(0) == []
    rig.passes(0.3)
    assert rig.causes(Kind.NUDGED) == [Cause.TOOL]
    [[response]] = rig.gemini.tool_responses(0)
    assert "given up" in response["response"]["error"]


def test_of_a_shielded_tool_whose_time_is_up_it_is_said_that_it_goes_on() -> None:
    rig = connected(tools={"book": ToolOptions(timeout_s=1, shielded=True)})
    rig.gemini.calls()
    rig.gemini.ends_turn()
    rig.passes(1.1)
    [[response]] = rig.gemini.tool_responses(0)
    assert "goes on" in response["response"]["error"]
    rig.tools.returns()
    assert len(rig.gemini.tool_responses(0)) == 1, "its result is nobody's"


def test_a_repeatable_call_that_is_made_again_while_it_runs_is_another_call() -> None:
    rig = connected(tools={"book": ToolOptions(repeatable=True)})
    rig.gemini.calls()
    rig.passes(0.1)
    rig.gemini.calls({**BOOK, "id": "call_2"})
    assert [call["id"] for [call] in rig.conversation.calls] == ["call_1", "call_2"]
    rig.tools.returns({**BOOKED, "id": "call_2"})
    assert rig.gemini.tool_responses(0) == [[{**BOOKED, "id": "call_2"}]], "each has a result of its own"


def test_a_repeatable_call_that_comes_again_after_a_loss_is_run_once() -> None:
    """The service may have dropped it: it isn't meant twice."""
    rig = connected(FORGETFUL, tools={"book": ToolOptions(repeatable=True)})
    rig.gemini.calls()
    rig.gemini.drops()
    rig.connects()
    rig.gemini.calls({**BOOK, "id": "call_2"})
    assert len(rig.conversation.calls) == 1


@pytest.mark.parametrize("typed", [True, False])
def test_after_a_silent_result_no_words_are_owed(typed: bool) -> None:
    """The model has done what it was asked by calling the function."""
    rig = connected()
    rig.caller.types("Note it.") if typed else rig.gemini.understands("Note it.")
    rig.gemini.calls()
    rig.gemini.ends_turn()
    rig.tools.returns(BOOKED | {"scheduling": "SILENT"})
    rig.passes(10)
    assert rig.kinds(Kind.NUDGED, Kind.WAITING, Kind.LOST) == []


def test_a_silent_result_settles_nothing_that_was_asked_since() -> None:
    rig = connected()
    rig.caller.types("Note it.")
    rig.gemini.calls()
    rig.gemini.ends_turn()
    rig.passes(0.5)
    rig.caller.types("And what time is it?")
    rig.tools.returns(BOOKED | {"scheduling": "SILENT"})
    rig.passes(4)
    assert rig.kinds(Kind.NUDGED), "the time is owed"


def test_a_silent_result_beside_another_leaves_the_words_about_that_one_owed() -> None:
    rig = connected()
    rig.caller.types("Note it, and book it.")
    rig.gemini.calls(BOOK, {**BOOK, "id": "call_2", "name": "note"})
    rig.gemini.ends_turn()
    rig.tools.returns()
    rig.tools.returns({"id": "call_2", "name": "note", "response": {"output": ""}, "scheduling": "SILENT"})
    rig.passes(4)
    assert rig.kinds(Kind.NUDGED)


def test_progress_leaves_the_call_open_and_asks_for_no_answer() -> None:
    rig = connected()
    rig.gemini.calls()
    rig.gemini.ends_turn()
    rig.tools.returns(part("Looking."))
    rig.passes(2.4)
    rig.tools.returns(part("Still looking."))
    rig.passes(2.4)
    assert rig.kinds(Kind.NUDGED) == []
    rig.tools.returns()
    assert rig.gemini.tool_responses(0) == [[part("Looking.")], [part("Still looking.")], [BOOKED]]
    rig.passes(3.5)
    assert rig.kinds(Kind.NUDGED), "now the model owes words"


def test_progress_without_a_connection_is_told_by_its_newest_value() -> None:
    rig = connected()
    rig.gemini.calls()
    rig.gemini.drops()
    for text in ("one", "two", "three"):
        rig.tools.returns(part(text))
    rig.connects()
    assert rig.gemini.tool_responses(1) == [[part("three")]]
    rig.tools.returns()
    assert rig.gemini.tool_responses(1) == [[part("three")], [BOOKED]]


def test_a_session_that_forgot_the_call_hears_the_last_value_alone() -> None:
    rig = connected(FORGETFUL)
    rig.gemini.calls()
    rig.gemini.drops()
    rig.connects()
    rig.tools.returns(part("Looking."))
    assert not any("Looking." in text for text in rig.gemini.texts)
    rig.tools.returns({"id": "call_1", "name": "book", "response": {}, "scheduling": "SILENT"})
    assert rig.gemini.tool_responses(1) == []
    assert any("Looking." in text for text in rig.gemini.texts), "the call ended with it"


EVENTS = ["returns 1", "returns 2", "progress 1", "drop", "caller", "answer", "again 1", "time"]


def _happens(rig: Rig, event: str, runs: dict[str, str]) -> None:
    what, _, number = event.partition(" ")
    call_id = f"call_{number}"
    if what == "returns" and runs.get(call_id) == "runs":
        runs[call_id] = "returned"
        rig.tools.returns({"id": call_id, "name": call_id, "response": {"output": f"done {number}"}})
    elif what == "progress" and runs.get(call_id) == "runs":
        rig.tools.returns({"id": call_id, "name": call_id, "response": {"output": "half"}, "willContinue": True})
    elif what == "drop":
        rig.gemini.drops()
        rig.connects()
    elif what == "caller":
        rig.caller.speaks(1, 25)
    elif what == "answer":
        rig.gemini.answers("Well.")
        rig.gemini.ends_turn()
    elif what == "again" and runs[call_id] == "runs":
        rig.gemini.calls({"id": call_id, "name": call_id, "args": {}})
    else:
        rig.passes(0.5)


@settings(deadline=None, max_examples=50)
@given(model=st.sampled_from(["gemini-3.8-live", FORGETFUL]), events=st.lists(st.sampled_from(EVENTS), max_size=8))
def test_in_any_order_each_call_runs_once_and_its_result_is_told(model: str, events: list[str]) -> None:
    """By an id that the session knows, or in words."""
    rig = connected(model, tools={"call_1": ToolOptions(repeatable=True)})
    rig.gemini.calls({"id": "call_1", "name": "call_1", "args": {}}, {"id": "call_2", "name": "call_2", "args": {}})
    runs = {"call_1": "runs", "call_2": "runs"}
    for event in events:
        _happens(rig, event, runs)
    for number in ("1", "2"):
        _happens(rig, f"returns {number}", runs)
    run = [call["id"] for calls in rig.conversation.calls for call in calls]
    assert sorted(run) == ["call_1", "call_2"]
    sent = [str(message) for connection in rig.gemini.connections for message in connection if isinstance(message, dict)]
    for number in ("1", "2"):
        assert any(f"done {number}" in message for message in sent), "no result is lost"
