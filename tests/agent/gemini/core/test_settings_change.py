"""Settings that change in a call: instructions and tools by an update where the model takes one, all else by a connection."""

import pytest

from tests.agent.gemini.rig import BOOKED, Cause, Kind, Rig, begun, connected

GEMINI_2_5, GEMINI_3_1 = "gemini-2.5-flash-native-audio-preview-12-2025", "gemini-3.1-flash-live-preview"
BY_CONNECTION = [
    pytest.param("gemini-3.8-live", "generationConfig", id="another voice"),
    pytest.param(GEMINI_3_1, "systemInstruction", id="3.1"),
    pytest.param(GEMINI_2_5, "tools", id="2.5"),
    pytest.param("unknown", "tools", id="an unknown model"),
]


def order(rig: Rig, connection: int = -1) -> list[str]:
    """The first field of each message that a connection got, without sound."""
    return [next(iter(item)) for item in rig.gemini.connections[connection] if isinstance(item, dict)]


def test_an_update_is_sent_at_once_while_nobody_speaks() -> None:
    rig = connected()
    rig.asks_for(systemInstruction="Be kind.")
    assert rig.gemini.updates == [{"systemInstruction": "Be kind."}]
    assert (rig.socket, rig.gemini.handles) == ("open", [None])


def test_an_update_waits_for_the_end_of_what_the_model_says() -> None:
    """It isn't known whether one would end that."""
    rig = connected()
    rig.gemini.answers("Once upon a time ")
    rig.asks_for(systemInstruction="Be kind.")
    rig.gemini.says("there was a lighthouse.")
    assert rig.gemini.updates == []
    rig.gemini.has_generated()
    assert rig.gemini.updates == [{"systemInstruction": "Be kind."}]
    assert rig.conversation.captions == "Once upon a time there was a lighthouse."


def test_an_update_goes_before_what_is_typed_over_an_answer() -> None:
    rig = connected()
    rig.gemini.answers()
    rig.asks_for(tools="lights")
    rig.caller.types("Switch on the lights.")
    assert order(rig) == ["contextUpdate", "typed"]


def test_an_update_goes_before_a_result_that_is_spoken_about() -> None:
    rig = connected()
    rig.gemini.calls()
    rig.gemini.says("Let me look.")
    rig.asks_for(systemInstruction="The seat is booked.")
    rig.tools.returns()
    assert order(rig) == ["contextUpdate", "tool_response"]


@pytest.mark.parametrize("more", [{"scheduling": "SILENT"}, {"willContinue": True}], ids=["a silent result", "progress"])
def test_an_update_goes_into_no_answer_for_a_result_that_is_not_spoken_about(more: dict[str, object]) -> None:
    rig = connected()
    rig.gemini.calls()
    rig.gemini.says("Let me look.")
    rig.asks_for(systemInstruction="Be kind.")
    rig.tools.returns({**BOOKED, **more})
    assert order(rig) == ["tool_response"]
    rig.gemini.has_generated()
    assert order(rig) == ["tool_response", "contextUpdate"]


def test_the_caller_who_speaks_puts_no_update_off() -> None:
    rig = connected()
    rig.caller.speaks(1, 50)
    rig.asks_for(systemInstruction="Be kind.")
    rig.caller.speaks(51, 60)
    assert rig.gemini.updates == [{"systemInstruction": "Be kind."}]
    assert rig.gemini.words() == list(range(1, 61))


def test_a_change_that_is_taken_back_sends_nothing() -> None:
    rig = connected()
    rig.gemini.answers()
    before = rig.wanted["systemInstruction"]
    rig.asks_for(systemInstruction="Be kind.")
    rig.asks_for(systemInstruction=before)
    rig.gemini.completes()
    rig.passes(2)
    assert rig.gemini.updates == []
    assert rig.socket == "open"


def test_two_changes_in_a_row_are_one() -> None:
    rig = connected()
    rig.gemini.answers()
    rig.asks_for(systemInstruction="Be kind.")
    rig.asks_for(tools="lights")
    rig.gemini.completes()
    assert rig.gemini.updates == [{"systemInstruction": "Be kind.", "tools": "lights"}]


def test_an_update_waits_for_a_socket_that_takes_no_more() -> None:
    rig = connected()
    rig.gemini.stops_reading()
    rig.asks_for(tools="lights")
    assert rig.gemini.updates == []
    rig.gemini.reads_on()
    assert rig.gemini.updates == [{"tools": "lights"}]


def test_a_connection_that_is_opened_later_has_the_change_in_its_setup() -> None:
    rig = connected()
    rig.asks_for(systemInstruction="Be kind.")
    rig.gemini.drops()
    rig.asks_for(tools="lights")
    rig.connects()
    rig.passes(1)
    assert rig.gemini.told == rig.wanted
    assert rig.gemini.updates == []


def test_a_change_that_waits_when_the_connection_is_lost_is_in_the_next_setup() -> None:
    rig = connected()
    rig.gemini.answers()
    rig.asks_for(systemInstruction="Be kind.")
    rig.gemini.drops()
    rig.connects()
    rig.passes(1)
    assert rig.gemini.told == rig.wanted
    assert rig.gemini.updates == []


def test_an_update_waits_for_a_connection_that_is_being_set_up() -> None:
    """The page says what it can do while Gemini is dialled: another connection for that would put off the greeting."""
    rig = begun()
    rig.gemini.upgrades()
    rig.asks_for(tools="lights")
    assert rig.socket == "upgraded"
    rig.gemini.sets_up()
    assert (rig.gemini.updates, rig.gemini.handles) == ([{"tools": "lights"}], [None])


def test_an_update_that_is_taken_back_during_the_setup_is_not_sent() -> None:
    rig = begun()
    rig.gemini.upgrades()
    rig.asks_for(tools="lights")
    rig.asks_for(tools="none")
    rig.gemini.sets_up()
    assert rig.gemini.updates == []


@pytest.mark.parametrize(("model", "field"), BY_CONNECTION)
def test_a_connection_is_changed_at_the_end_of_the_turn(model: str, field: str) -> None:
    rig = connected(model)
    rig.gemini.answers("Once upon a time ")
    rig.asks_for(**{field: "another"})
    rig.passes(1)
    rig.gemini.says("there was a lighthouse.")
    rig.gemini.has_generated()
    rig.passes(1)
    assert rig.socket == "open", "in mid-sentence"
    rig.gemini.ends_turn()
    rig.gemini.gives_handle("h2")
    rig.passes(0.1)
    assert rig.socket == "closing"
    rig.connects()
    assert rig.gemini.handles == [None, "h2"]
    assert rig.gemini.told == rig.wanted
    assert rig.conversation.captions == "Once upon a time there was a lighthouse."
    assert (rig.conversation.ends, rig.gemini.texts) == (1, [])
    assert [(event.kind, event.cause, event.gap_ms) for event in rig.events[1:]] == [(Kind.HANDED_OVER, Cause.SETTINGS, 0)]
    assert rig.kinds(Kind.CONNECTED) == [Kind.CONNECTED]


@pytest.mark.parametrize(("model", "field"), BY_CONNECTION)
def test_what_is_typed_is_answered_by_the_new_settings(model: str, field: str) -> None:
    """As the greeting of an agent that takes over is: it asks for it right after the change."""
    rig = connected(model)
    rig.gemini.answers()
    rig.asks_for(**{field: "another"})
    rig.caller.types("Who are you?")
    assert rig.socket == "closing"
    rig.connects()
    assert (rig.gemini.received("typed", 0), rig.gemini.received("typed", 1)) == ([], ["Who are you?"])
    assert rig.gemini.told == rig.wanted


def test_who_speaks_already_is_answered_before_the_connection_changes() -> None:
    rig = connected(GEMINI_2_5)
    rig.caller.speaks(1, 50)
    rig.asks_for(systemInstruction="Be kind.")
    rig.caller.pauses(51, 100)
    rig.gemini.understands("Who are you?")
    rig.passes(1)
    assert rig.socket == "open"
    rig.gemini.says("I am a clerk.")
    rig.gemini.completes()
    rig.passes(1)
    assert rig.socket == "closing"


def test_who_begins_to_speak_after_the_change_is_heard_by_the_new_connection() -> None:
    rig = connected(GEMINI_2_5)
    rig.gemini.answers()
    rig.asks_for(systemInstruction="Be kind.")
    rig.gemini.completes()
    assert rig.socket == "open", "a handle may come"
    rig.caller.speaks(1, 60)
    assert rig.socket == "closing"
    rig.connects()
    rig.caller.pauses(61, 160)
    assert rig.gemini.words(1) == list(range(1, 61)), "from the first word on"


def test_a_tool_that_runs_puts_the_change_off_and_its_result_comes_after_it() -> None:
    rig = connected(GEMINI_2_5)
    rig.gemini.calls()
    rig.asks_for(tools="another")
    rig.passes(3)
    assert rig.socket == "open"
    rig.tools.returns()
    assert rig.socket == "closing"
    rig.connects()
    assert rig.gemini.told == rig.wanted
    [told] = rig.gemini.texts
    assert "booked" in told
    assert rig.gemini.tool_responses(0) == []


def test_a_tool_of_the_agent_that_has_left_answers_its_call_later() -> None:
    """It may wait for the other agent, which talks to the caller meanwhile."""
    rig = connected()
    rig.gemini.answers_pings()
    rig.gemini.calls()
    rig.gemini.ends_turn()
    rig.changes_agent()
    rig.passes(1)
    rig.connects()
    rig.passes(60)
    rig.tools.returns()
    assert rig.gemini.tool_responses() == [[BOOKED]]
    assert rig.kinds(Kind.NUDGED, Kind.LOST, Kind.WAITING) == []
    assert rig.gemini.told == rig.wanted


def test_a_call_that_hands_over_is_not_given_up_while_the_first_agent_still_speaks() -> None:
    rig = connected()
    rig.gemini.answers_pings()
    rig.caller.types("I want to pay a bill.")
    rig.gemini.calls()
    rig.hands_over("call_1")
    rig.gemini.says("I will put you through.", 20.0)
    rig.gemini.completes()
    rig.passes(25)
    assert rig.kinds(Kind.NUDGED, Kind.LOST) == []
    rig.changes_agent()
    rig.tools.returns()
    rig.connects()
    assert [[BOOKED]] in (rig.gemini.tool_responses(0), rig.gemini.tool_responses(-1))


def test_a_result_that_comes_while_the_model_speaks_does_not_cut_it_off() -> None:
    rig = connected(GEMINI_2_5)
    rig.gemini.calls()
    rig.gemini.says("Let me look. ")
    rig.asks_for(tools="another")
    rig.tools.returns()
    assert (rig.socket, rig.gemini.tool_responses()) == ("open", [[BOOKED]])


def test_a_silent_result_changes_no_connection() -> None:
    rig = connected()
    rig.gemini.calls()
    rig.gemini.ends_turn()
    rig.asks_for(generationConfig="Kore")
    rig.tools.returns({**BOOKED, "scheduling": "SILENT"})
    assert rig.gemini.tool_responses(0) == [[{**BOOKED, "scheduling": "SILENT"}]]
