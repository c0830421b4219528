"""Answers that the application stops: nothing more of them is heard, and what is asked next is answered."""

import pytest

from tests.agent.gemini.rig import BOOK, Kind, Rig, connected

GEMINI_2_5 = "gemini-2.5-flash-native-audio-preview-12-2025"
MODELS = ["gemini-3.8-live", GEMINI_2_5, "gemini-3.1-flash-live-preview"]
STORY = "Once upon a time "


def stopped(model: str = "gemini-3.8-live") -> Rig:
    """In the middle of an answer, the application has just stopped it."""
    rig = connected(model)
    rig.gemini.answers_pings()
    rig.gemini.answers(STORY)
    rig.passes(1)
    rig.stops()
    return rig


@pytest.mark.parametrize("model", MODELS)
def test_the_answer_is_over_and_nothing_more_of_it_is_heard(model: str) -> None:
    rig = stopped(model)
    assert (rig.conversation.captions, rig.conversation.ends) == (STORY, 1)
    rig.gemini.says("there was a lighthouse ", 2.0)
    rig.gemini.completes()
    rig.passes(3)
    assert (rig.conversation.captions, rig.conversation.ends) == (STORY, 1)
    assert rig.kinds(Kind.NUDGED, Kind.CHECKED, Kind.IGNORED, Kind.LOST) == []
    rig.caller.types("Go on.")
    rig.gemini.says("In it lived a keeper.")
    rig.gemini.completes()
    assert rig.conversation.captions == f"{STORY}In it lived a keeper."
    assert rig.conversation.ends == 2


def test_the_service_is_told_by_a_lone_dot() -> None:
    rig = stopped()
    assert rig.gemini.texts == []
    rig.passes(0.3)
    assert rig.gemini.texts == ["."]
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    rig.passes(0.5)
    rig.gemini.ends_turn()
    assert (rig.conversation.ends, rig.conversation.count("interrupted")) == (1, 0)
    rig.caller.types("Who are you?")
    rig.gemini.says("I am a clerk.")
    assert rig.conversation.captions == f"{STORY}I am a clerk."


def test_the_turn_that_answers_the_dot_is_no_answer_to_what_was_said_since() -> None:
    """Without a reminder, which would interrupt what the model is thinking about."""
    rig = stopped()
    rig.passes(0.3)
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    rig.caller.speaks(1, 50)
    rig.gemini.understands("Who are you?")
    rig.gemini.ends_turn()
    rig.passes(1)
    assert (rig.kinds(Kind.NUDGED), rig.gemini.texts) == ([], ["."])


def test_what_is_asked_right_away_stops_the_service_by_itself() -> None:
    rig = stopped()
    rig.caller.types("Who are you?")
    rig.passes(0.5)
    assert rig.gemini.texts == []
    rig.gemini.says("there was ")
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    rig.gemini.says("I am a clerk.")
    assert rig.conversation.captions == f"{STORY}I am a clerk."


@pytest.mark.parametrize("model", MODELS[1:])
def test_other_models_are_not_asked_to_stop(model: str) -> None:
    """They would answer the dot, or don't take it."""
    rig = stopped(model)
    rig.passes(1)
    assert rig.gemini.texts == []


def test_of_an_answer_that_has_come_whole_only_the_sound_ends() -> None:
    rig = connected()
    rig.gemini.answers(STORY, 5.0)
    rig.gemini.has_generated()
    rig.stops()
    rig.passes(1)
    assert (rig.conversation.ends, rig.gemini.texts) == (1, [])
    rig.caller.types("Who are you?")
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    rig.gemini.says("I am a clerk.")
    assert (rig.conversation.captions, rig.conversation.ends) == (f"{STORY}I am a clerk.", 1)


def test_an_answer_that_has_not_begun_still_comes() -> None:
    rig = connected()
    rig.caller.types("Tell me a story.")
    rig.stops()
    rig.gemini.says(STORY)
    assert rig.conversation.captions == STORY


def test_what_was_typed_over_an_answer_is_answered_though_that_is_stopped() -> None:
    rig = connected()
    rig.gemini.answers(STORY)
    rig.caller.types("Who are you?")
    rig.stops()
    rig.passes(1)
    assert rig.gemini.texts == []
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    rig.gemini.says("I am a clerk.")
    assert rig.conversation.captions == f"{STORY}I am a clerk."


def test_a_stopped_answer_is_not_gone_on_with_after_a_loss() -> None:
    rig = stopped()
    rig.gemini.drops()
    rig.connects()
    rig.passes(1)
    assert rig.gemini.texts == []
    rig.caller.types("Who are you?")
    rig.gemini.says("I am a clerk.")
    assert rig.conversation.captions == f"{STORY}I am a clerk."


def test_an_answer_that_broke_off_with_the_connection_can_be_stopped() -> None:
    rig = connected()
    rig.gemini.answers(STORY)
    rig.gemini.drops()
    rig.stops()
    assert rig.conversation.ends == 1
    rig.connects()
    rig.passes(1)
    assert rig.gemini.texts == []


@pytest.mark.parametrize("model", MODELS)
def test_a_function_that_the_stopped_answer_calls_is_run(model: str) -> None:
    """A call without a result would hold the model up. What the model says about the result is another answer."""
    rig = stopped(model)
    rig.gemini.calls()
    assert rig.conversation.calls == [[BOOK]]
    rig.passes(1)
    rig.tools.returns()
    rig.gemini.says("It is booked.")
    rig.gemini.completes()
    rig.passes(20)
    assert (rig.conversation.captions, rig.conversation.ends) == (f"{STORY}It is booked.", 2)
    assert (rig.kinds(Kind.NUDGED, Kind.CHECKED, Kind.WAITING, Kind.LOST), rig.gemini.texts) == ([], [])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("returns_first", [False, True])
def test_a_function_of_an_answer_that_is_stopped_since_is_spoken_about(model: str, *, returns_first: bool) -> None:
    rig = connected(model)
    rig.gemini.answers("Let me look that up. ")
    rig.gemini.calls()
    if returns_first:
        rig.tools.returns()
    rig.stops()
    rig.passes(1)
    if not returns_first:
        rig.tools.returns()
    rig.gemini.says("It is booked.")
    rig.gemini.completes()
    assert (rig.conversation.captions, rig.conversation.ends) == ("Let me look that up. It is booked.", 2)


def test_nothing_more_is_heard_of_an_answer_that_was_given_while_a_function_ran() -> None:
    rig = connected(GEMINI_2_5)
    rig.gemini.calls()
    rig.passes(1)
    rig.gemini.answers(STORY)
    rig.stops()
    rig.gemini.says("there was a lighthouse.")
    rig.tools.returns()
    rig.gemini.completes()
    rig.gemini.says("It is booked.")
    rig.gemini.completes()
    assert (rig.conversation.captions, rig.conversation.ends) == (f"{STORY}It is booked.", 2)


def test_the_caller_interrupts_a_stopped_answer_as_any() -> None:
    rig = stopped(GEMINI_2_5)
    rig.caller.speaks(1, 50)
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    rig.gemini.understands("Who are you?")
    rig.gemini.says("I am a clerk.")
    rig.gemini.completes()
    assert (rig.conversation.captions, rig.conversation.ends) == (f"{STORY}I am a clerk.", 2)
