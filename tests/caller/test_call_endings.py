"""The end of a call in words: every code has a sentence, and the sentence of a failure says what to do."""

import pytest

from agent.call.endings import Ending, after_failure
from agent.gemini import Cause
from caller import AgentAttributes, CallEndedError, CallEnding, Event, Left, RoomEvent
from caller.call_endings import ENDINGS, FAILURES, ending_of


def test_every_ending_and_every_final_cause_has_a_sentence() -> None:
    assert set(ENDINGS) == {ending.name.lower() for ending in Ending}
    final = {cause for cause in Cause if after_failure(cause) is not Ending.MODEL_FAILED}
    assert set(FAILURES) == {str(cause) for cause in final}


@pytest.mark.parametrize(
    "told",
    [
        [RoomEvent(2.0, {"type": "call_ended", "reason": "model_refused", "text": "...", "failure": "key"})],
        [AgentAttributes(2.0, {"earshot.ending": "model_refused", "earshot.failure": "key"})],
        [AgentAttributes(1.0, {"earshot.failure": "key"}), RoomEvent(2.0, {"type": "call_ended", "reason": "model_refused"})],
    ],
)
def test_a_refused_key_says_what_to_check(told: list[Event]) -> None:
    """The event and the agent's attributes say the same; either may be lost."""
    ending = ending_of([*told, Left(3.0, "ROOM_DELETED")])
    assert (ending.code, ending.failure, ending.disconnect) == ("model_refused", "key", "ROOM_DELETED")
    assert ending.words.startswith("Gemini refused the API key. Check GOOGLE_API_KEY")
    said = str(CallEndedError("agent_sound", ending))
    assert said == f"the call ended while waiting for the agent's voice (ROOM_DELETED): {ending.words}"


def test_an_ending_that_is_no_failure_names_the_setting_that_made_it() -> None:
    ending = ending_of([RoomEvent(2.0, {"type": "call_ended", "reason": "silence"}), Left(3.0, "ROOM_DELETED")])
    assert ending.words == "nobody said anything for a while (CALLER_SILENCE_S)"


def test_without_a_word_of_the_agent_livekits_reason_is_told() -> None:
    assert CallEnding(disconnect="SERVER_SHUTDOWN").words == "livekit-server was shut down"
    assert CallEnding(disconnect="SOMETHING_NEW").words == "the connection ended"
    assert CallEnding(code="something_new").words == "something new"
    assert ending_of([Left(3.0, "ROOM_DELETED")]) == CallEnding(disconnect="ROOM_DELETED")
