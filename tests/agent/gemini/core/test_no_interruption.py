"""`activity_handling = "NO_INTERRUPTION"`: the caller's voice stops no answer, and what was said meanwhile is answered next."""

import pytest

from tests.agent.gemini.rig import Cause, Kind, Rig, TurnRules, connected

V2_5, V3_1, V3_8 = "gemini-2.5-flash-native-audio-preview-12-2025", "gemini-3.1-flash-live-preview", "gemini-3.8-live"
UNINTERRUPTIBLE = TurnRules(interruptible=False)


def answering(model: str = V3_8) -> Rig:
    """A model that has sent ten seconds of an answer."""
    rig = connected(model, rules=UNINTERRUPTIBLE)
    rig.gemini.answers_pings()
    rig.gemini.answers("Once upon a time there was a lighthouse ", seconds=10.0)
    return rig


def test_a_voice_over_an_answer_interrupts_nothing_while_the_socket_is_down() -> None:
    rig = answering()
    rig.gemini.drops()
    rig.caller.speaks(1, 60)
    rig.connects()
    assert rig.conversation.count("interrupted") == rig.conversation.ends == 0
    assert "cut off" in rig.gemini.texts[0], "the rest of the answer is wanted"
    rig.passes(2)
    assert rig.gemini.words() == list(range(1, 61)), "and the model hears what was said meanwhile"


def test_a_voice_over_sound_whose_turn_is_over_at_the_service_interrupts_nothing() -> None:
    rig = answering()
    rig.gemini.completes()
    rig.caller.speaks(1, 60)
    assert rig.conversation.count("interrupted") == 0


def test_an_interruption_that_was_not_asked_for_is_none() -> None:
    """The service stops all the same, though the caller's voice was not to interrupt it: it is told to go on."""
    rig = answering()
    rig.caller.speaks(1, 40)
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    assert rig.conversation.count("interrupted") == rig.conversation.ends == 0
    assert rig.causes(Kind.IGNORED) == [Cause.PHANTOM]
    assert "cut off" in rig.gemini.texts[0]


def test_a_typed_line_interrupts() -> None:
    """The service stops for content that wants an answer, whatever it does about voices (docs/facts.md G13)."""
    rig = answering()
    rig.caller.types("What time is it?")
    rig.gemini.interrupts()
    rig.gemini.ends_turn()
    assert rig.conversation.count("interrupted") == 1


@pytest.mark.parametrize("model", [V2_5, V3_1, V3_8])
def test_what_was_said_over_an_answer_is_owed_when_that_is_over(model: str) -> None:
    rig = answering(model)
    rig.passes(1.0)
    rig.caller.speaks(1, 50)
    rig.gemini.understands("And in Tokyo?")
    rig.gemini.has_generated()
    rig.passes(7.0)
    rig.gemini.ends_turn()
    rig.passes(2.0)
    assert rig.kinds(Kind.NUDGED) == [], "it comes next"
    rig.passes(2.0)
    assert rig.causes(Kind.NUDGED) == [Cause.UNANSWERED], "and is asked about when it doesn't"
    assert "And in Tokyo?" in str(rig.gemini.connections[-1])


def test_the_answer_to_what_was_said_over_another_ends_the_debt() -> None:
    rig = answering()
    rig.passes(1.0)
    rig.caller.speaks(1, 50)
    rig.gemini.understands("And in Tokyo?")
    rig.gemini.completes()
    rig.gemini.says("Eleven.", 1.0)
    rig.gemini.completes()
    rig.passes_connected(20)
    assert rig.conversation.ends == 2
    assert rig.kinds(Kind.NUDGED, Kind.LOST) == []


def test_late_words_of_the_question_are_no_other_one() -> None:
    """On 2.5 a transcript comes in pieces, of which some come while the model answers already (docs/facts.md G10)."""
    rig = connected(V2_5, rules=UNINTERRUPTIBLE)
    rig.gemini.answers_pings()
    rig.caller.speaks(1, 50)
    rig.caller.pauses(51, 90)
    rig.gemini.answers()
    rig.gemini.understands(" Please.")
    rig.gemini.completes()
    rig.passes_connected(20)
    assert rig.kinds(Kind.NUDGED, Kind.LOST) == []


def test_words_over_an_answer_are_sent_again_if_the_connection_is_lost_before_the_model_has_understood_them() -> None:
    rig = answering(V2_5)
    rig.passes(1.0)
    rig.caller.speaks(1, 60)
    rig.gemini.completes()
    rig.gemini.drops()
    rig.connects()
    rig.passes(3)
    assert rig.gemini.words() == list(range(1, 61))


def test_words_over_an_answer_that_the_model_has_understood_are_told_again_after_a_loss() -> None:
    """Nobody knows whether the service would still answer them."""
    rig = answering()
    rig.passes(1.0)
    rig.caller.speaks(1, 50)
    rig.gemini.understands("And in Tokyo?")
    rig.gemini.drops()
    rig.connects()
    assert "And in Tokyo?" in rig.gemini.texts[0]
    rig.gemini.says("whose keeper was alone. And in Tokyo it is eleven.", 2.0)
    rig.gemini.completes()
    rig.passes_connected(20)
    assert rig.kinds(Kind.NUDGED) == [], "it was asked once"


def test_a_broken_answer_goes_on_before_what_was_said_over_it() -> None:
    rig = answering(V2_5)
    rig.passes(1.0)
    rig.caller.speaks(1, 60)
    rig.gemini.drops()
    rig.connects()
    assert "cut off" in rig.gemini.texts[0]
    assert rig.gemini.received("client_content")[0].get("turnComplete"), "nothing else would make the model go on"
