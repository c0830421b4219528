"""A function is run once, whatever happens to the socket; its result reaches the model once, as a response or in words."""

from tests.agent.gemini.rig import BOOK, BOOKED, Cause, Kind, connected

FORGETFUL = "gemini-2.5-flash-native-audio-preview-12-2025"
"""A session of this model that is resumed knows no open call."""


def test_a_call_made_again_while_it_runs_is_run_once() -> None:
    """The result is sent for both ids of the call."""
    rig = connected()
    rig.gemini.calls()
    rig.passes(0.1)
    rig.gemini.calls()
    rig.passes(0.1)
    rig.gemini.calls({**BOOK, "id": "another"})
    assert len(rig.conversation.calls) == 1
    rig.tools.returns({"id": "call_1", "name": "book", "response": {"output": 1}})
    [answered] = rig.gemini.tool_responses()
    assert {response["id"] for response in answered} == {"call_1", "another"}


def test_a_call_that_comes_twice_at_once_is_run_once() -> None:
    rig = connected()
    rig.gemini.calls()
    rig.gemini.calls()
    assert len(rig.conversation.calls) == 1


def test_two_calls_of_one_message_are_two() -> None:
    rig = connected()
    rig.gemini.calls(BOOK, {**BOOK, "id": "another"})
    [asked] = rig.conversation.calls
    assert len(asked) == 2


def test_calls_without_an_id_are_answered_by_their_names() -> None:
    """Calls without an id are different calls while they run; a result belongs to the first one of its name."""
    rig = connected(FORGETFUL)
    for name in ("book", "look_up", "look_up"):
        rig.gemini.calls({"name": name, "args": {}})
        rig.passes(0.1)
    assert [call["name"] for [call, *_] in rig.conversation.calls] == ["book", "look_up", "look_up"]
    rig.gemini.drops()
    rig.connects()
    rig.tools.returns({"name": "look_up", "response": {"output": "found"}})
    assert any("look_up({}) returned {'output': 'found'}" in text for text in rig.gemini.texts)
    assert not any("book({}) returned" in text for text in rig.gemini.texts)


def test_a_call_with_the_id_of_another_is_counted_and_not_run() -> None:
    rig = connected()
    rig.gemini.calls()
    rig.gemini.calls({"id": "call_1", "name": "cancel"})
    assert len(rig.conversation.calls) == 1
    assert rig.unreadable == ["functionCalls.id"]


def test_a_cancellation_without_an_id_cancels_nothing() -> None:
    rig = connected()
    rig.gemini.calls({"name": "book"})
    rig.gemini.cancels("")
    rig.tools.returns({"name": "book", "response": {"output": "booked"}})
    assert rig.gemini.tool_responses(0)


def test_a_cancelled_call_is_not_answered() -> None:
    rig = connected()
    rig.gemini.calls()
    rig.gemini.cancels("call_1")
    rig.tools.returns()
    assert rig.gemini.tool_responses(0) == []


def test_a_result_is_the_first_that_a_resumed_session_hears() -> None:
    rig = connected()
    rig.gemini.calls()
    rig.gemini.drops()
    rig.tools.returns()
    rig.caller.speaks(1, 10)
    rig.connects()
    assert rig.gemini.connections[1][0] == {"tool_response": {"functionResponses": [BOOKED]}}


def test_a_session_that_forgot_the_call_is_told_in_words() -> None:
    rig = connected(FORGETFUL)
    rig.gemini.calls()
    rig.gemini.drops()
    rig.connects()
    rig.tools.returns()
    assert rig.gemini.tool_responses(1) == []
    assert any("booked" in text for text in rig.gemini.texts)


def test_a_result_that_a_new_session_knows_no_call_of_is_told() -> None:
    """The result waited for a socket that took nothing, and the session after it was a new one."""
    rig = connected()
    rig.gemini.calls()
    rig.gemini.stops_reading()
    rig.tools.returns()
    rig.gemini.closes(1008, "BidiGenerateContent session not found")
    rig.until_dialing()
    rig.gemini.upgrades()
    rig.gemini.closes(1008, "BidiGenerateContent session not found")
    rig.connects()
    assert rig.gemini.tool_responses() == []
    assert any("booked" in text for text in rig.gemini.texts)


def test_who_says_hm_without_a_connection_hears_the_result() -> None:
    rig = connected()
    rig.gemini.answers("One moment, please.", seconds=3.0)
    rig.gemini.has_generated()
    rig.gemini.calls()
    rig.tools.returns()
    rig.gemini.drops()
    rig.caller.speaks(1, 20)
    rig.connects()
    assert any("booked" in text for text in rig.gemini.texts)


def test_a_call_that_is_made_again_is_not_run_again() -> None:
    rig = connected(FORGETFUL)
    rig.gemini.calls()
    rig.tools.returns()
    rig.gemini.drops()
    rig.connects()
    before = len(rig.conversation.messages)
    rig.gemini.calls({**BOOK, "id": "call_9"})
    assert rig.conversation.messages[before:] == []
    assert [{**BOOKED, "id": "call_9"}] in rig.gemini.tool_responses(1)


def test_a_call_made_again_for_an_ignored_result_is_not_run() -> None:
    """A call that comes a third time is run: the caller wants it twice."""
    rig = connected()
    rig.gemini.calls()
    rig.tools.returns()
    rig.passes(3.5)
    assert rig.kinds(Kind.NUDGED), "nothing came"
    before = len(rig.conversation.messages)
    rig.gemini.calls({**BOOK, "id": "call_2"})
    assert rig.conversation.messages[before:] == []
    assert [{**BOOKED, "id": "call_2"}] in rig.gemini.tool_responses(0)
    rig.passes(1)
    rig.gemini.calls({**BOOK, "id": "call_2"})
    assert rig.conversation.messages[before:] == [], "the same message once more"
    rig.gemini.calls({**BOOK, "id": "call_3"})
    assert "toolCall" in rig.conversation.messages[-1], "the caller wants it twice"


def test_a_call_dropped_for_the_caller_and_made_again_runs_once() -> None:
    rig = connected("gemini-3.1-flash-live-preview")
    rig.gemini.understands("Book three o'clock.")
    rig.gemini.calls()
    rig.caller.speaks(1, 25)
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    rig.tools.returns()
    rig.passes(0.5)
    before = len(rig.conversation.messages)
    rig.gemini.calls({**BOOK, "id": "call_2"})
    assert rig.conversation.messages[before:] == []
    assert [{**BOOKED, "id": "call_2"}] in rig.gemini.tool_responses(0)


def test_the_same_call_after_a_handover_is_another_call() -> None:
    rig = connected()
    rig.gemini.drops()
    rig.connects()
    for number in range(3):
        rig.passes(1)
        rig.gemini.calls({"id": f"key_{number}", "name": "press", "args": {"key": "1"}})
        assert "toolCall" in rig.conversation.messages[-1], "it is run"
        rig.tools.returns({"id": f"key_{number}", "name": "press", "response": {"output": "pressed"}})
        rig.gemini.ends_turn()


def test_a_tool_that_never_returns_is_given_up() -> None:
    rig = connected()
    rig.gemini.calls()
    rig.gemini.ends_turn()
    rig.passes(2.4)
    assert rig.kinds(Kind.NUDGED, Kind.WAITING) == []
    rig.passes(7.5)
    assert rig.kinds(Kind.NUDGED, Kind.WAITING) == [Kind.WAITING], "the caller hears that it takes a moment"
    rig.passes(0.3)
    assert rig.causes(Kind.NUDGED) == [Cause.TOOL]
    [[response]] = rig.gemini.tool_responses(0)
    assert (response["id"], "too long" in response["response"]["error"]) == ("call_1", True)
    assert rig.conversation.messages[-1] == {"toolCallCancellation": {"ids": ["call_1"]}}, "its work is cancelled"
    rig.tools.returns()
    assert len(rig.gemini.tool_responses(0)) == 1, "what it returns later is nobody's"
