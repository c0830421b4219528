"""A process is killed, and another goes on with the conversation: what was owed is owed, and nothing is done or said twice."""

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import rule

from tests.agent.gemini.core.test_any_order import AnyOrder, AnyOrderWithButton
from tests.agent.gemini.rig import BOOK, BOOKED, Cause, Frame, Kind, Rig, connected, with_button

STORY = "Once upon a time there was a lighthouse with a keeper, a cat and a boat far out in the cold grey sea."
GEMINI_3_1 = "gemini-3.1-flash-live-preview"


def continued(rig: Rig) -> Rig:
    rig.dies()
    rig.connects()
    return rig


def test_an_answer_goes_on_after_the_words_that_were_heard() -> None:
    """Six seconds of sound came at once, and were heard for two: their words are named, and the caller is told of the loss."""
    rig = connected()
    rig.gemini.answers(STORY, 6.0)
    rig.passes(2.0)
    continued(rig)
    assert rig.gemini.handles == [None, "h1"]
    (told,) = rig.gemini.texts
    assert "Once upon a time there" in told
    assert "sea" not in told
    assert "cut off" in told
    assert "line was gone for a moment" in told
    assert [(event.kind, event.cause) for event in rig.events] == [(Kind.CONNECTED, Cause.PROCESS)]


def test_an_answer_that_is_all_there_and_still_plays_goes_on() -> None:
    """In the process that has died its sound waited to be heard; nobody hears it now."""
    rig = connected()
    rig.gemini.answers(STORY, 6.0)
    rig.gemini.completes()
    rig.passes(2.0)
    assert "cut off" in continued(rig).gemini.texts[0]


def test_nothing_is_said_if_nothing_was_owed() -> None:
    rig = connected()
    rig.gemini.answers(STORY, 6.0)
    rig.passes(7.0)
    rig.gemini.completes()
    continued(rig)
    rig.passes(1.0)
    assert rig.gemini.connections[-1] == []


def test_an_answer_that_was_interrupted_does_not_go_on() -> None:
    rig = connected()
    rig.gemini.answers(STORY, 6.0)
    rig.passes(1.0)
    rig.caller.says(1, 30)
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    continued(rig)
    assert "cut off" not in str(rig.gemini.connections[-1])
    rig.passes(1)
    assert rig.gemini.words() == list(range(1, 31)), "their words are answered instead"


def test_a_second_kill_names_the_words_that_were_heard_of_both() -> None:
    rig = connected()
    rig.gemini.answers("One two three four ", 1.4)
    rig.passes(2.0)
    continued(rig)
    rig.gemini.says("five six seven eight nine", 1.8)
    rig.passes(2.2)
    told = continued(rig).gemini.texts[0]
    assert "three four five" in told
    assert "eight" in told


def test_a_typed_question_is_asked_again() -> None:
    rig = connected()
    rig.caller.types("What is my number?")
    assert continued(rig).gemini.received("typed") == ["What is my number?"]
    assert "line was gone" in rig.gemini.texts[0]


def test_a_spoken_question_without_an_answer_is_asked_about() -> None:
    rig = connected()
    rig.caller.says(1, 60)
    rig.caller.pauses(61, 100)
    rig.gemini.understands("What is my number?")
    told = continued(rig).gemini.texts[0]
    assert "What is my number?" in told
    assert "no answer yet" in told


def test_speech_that_the_model_may_not_have_heard_is_sent_again() -> None:
    rig = connected()
    rig.caller.says(1, 60)
    rig.caller.pauses(61, 70)
    continued(rig)
    rig.passes(3)
    assert rig.gemini.words() == list(range(1, 61))


@pytest.mark.parametrize("call_id", ["call_1", "call_2"])
def test_a_tool_that_ran_is_not_run_again_and_its_outcome_is_unknown(call_id: str) -> None:
    rig = connected()
    rig.caller.types("Book the table.")
    rig.gemini.calls()
    assert len(rig.conversation.calls) == 1
    continued(rig)
    ((response,),) = rig.gemini.tool_responses()
    assert response["id"] == BOOK["id"]
    assert "may have been" in response["response"]["error"]
    rig.passes(0.1)
    rig.gemini.calls(BOOK | {"id": call_id})
    assert len(rig.conversation.calls) == 1, "made again because of the loss"
    assert rig.gemini.tool_responses()[1][0] == response | {"id": call_id}
    rig.gemini.says("I don't know whether it worked. Shall I try again?", 2.0)
    rig.gemini.completes()
    rig.caller.types("Yes, again.")
    rig.gemini.calls(BOOK | {"id": "call_3"})
    assert len(rig.conversation.calls) == 2, "the caller has asked for it"


def test_a_result_that_the_model_may_not_have_is_told_again() -> None:
    rig = connected()
    rig.caller.types("Book the table.")
    rig.gemini.calls()
    rig.tools.returns()
    continued(rig)
    assert "book({\"slot\": \"3pm\"}) returned {'output': 'booked'}" in rig.gemini.texts[0]
    rig.passes(0.1)
    rig.gemini.calls(BOOK | {"id": "call_2"})
    assert len(rig.conversation.calls) == 1
    assert rig.gemini.tool_responses()[-1][0]["response"] == BOOKED["response"]


def test_a_result_that_waited_for_a_connection_is_sent() -> None:
    rig = connected()
    rig.caller.types("Book the table.")
    rig.gemini.calls()
    rig.gemini.drops()
    rig.tools.returns()
    assert continued(rig).gemini.tool_responses() == [[BOOKED]]


@pytest.mark.parametrize("model", ["gemini-3.8-live", GEMINI_3_1])
def test_a_session_that_the_service_has_forgotten_is_told_the_conversation(model: str) -> None:
    rig = connected(model)
    rig.gemini.answers(STORY, 6.0)
    rig.passes(2.0)
    rig.dies()
    rig.until_dialing()
    rig.gemini.upgrades()
    rig.gemini.closes(1008, "BidiGenerateContent session not found")
    rig.connects()
    assert rig.gemini.handles[-1] is None
    told = str(rig.gemini.connections[-1])
    assert "My number is 42." in told
    assert "cut off" in told


def test_a_locked_session_is_not_waited_for_longer_than_two_seconds() -> None:
    """Another machine that has lost its network may keep the session locked for minutes."""
    rig = connected()
    rig.dies()
    died_at = rig.now
    while rig.gemini.handles[-1] is not None or len(rig.gemini.handles) == 1:
        rig.until_dialing()
        rig.gemini.upgrades()
        rig.passes(0.55)
        rig.gemini.closes(1011, "Internal error encountered.")
    assert rig.now - died_at < 5.0


def test_with_the_button_what_was_said_is_a_turn() -> None:
    rig = with_button()
    rig.caller.presses()
    rig.caller.speaks(1, 50)
    rig.caller.releases()
    continued(rig)
    rig.passes(3)
    assert rig.gemini.activities() == ["start", *range(1, 51), "end"]


class AnyKill(AnyOrder):
    """The process is killed at any moment of any order of events."""

    @rule(connects=st.booleans())
    def process_dies(self, *, connects: bool) -> None:
        """Nobody owed anything, and nothing is asked of the model; or something was owed, and is. No tool is run."""
        rig = self.rig
        if rig.is_over:
            return
        calls = len(rig.conversation.calls)
        rig.dies()
        if not connects:
            return
        rig.connects()
        sent = rig.gemini.connections[-1]
        written = [item for item in sent if not isinstance(item, Frame)]
        if rig.was_idle and not self.loud:
            assert not [item for item in written if "line was gone" in str(item) or "turnComplete': True" in str(item)]
        if not rig.was_idle:
            assert written, "what was owed is forgotten"
        assert len(rig.conversation.calls) == calls


AnyKill.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestAnyKill = AnyKill.TestCase


class AnyKillWithButton(AnyOrderWithButton, AnyKill):
    """The same with push-to-talk. The call tells the other process that the button is held."""

    @rule(connects=st.booleans())
    def process_dies(self, *, connects: bool) -> None:
        super().process_dies(connects=connects)
        if self.is_held and not self.rig.is_over:
            self.rig.caller.presses()


AnyKillWithButton.TestCase.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
TestAnyKillWithButton = AnyKillWithButton.TestCase
