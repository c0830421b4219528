"""An answer that breaks off goes on once, and one that had come whole is over; either way the conversation hears one end."""

import pytest

from tests.agent.gemini.rig import Cause, Kind, connected

PARTIAL = ["gemini-3.1-flash-live-preview", "gemini-2.5-flash-native-audio-preview-12-2025", "unknown"]
"""Models whose handles restore no more than what was said before them."""


def test_a_drop_in_the_agents_sentence_is_completed_once() -> None:
    rig = connected()
    rig.gemini.answers("Once upon a time there was ", 3.0)
    rig.gemini.drops()
    rig.connects()
    [reminder] = rig.gemini.texts
    assert "cut off" in reminder
    assert "there was" in reminder
    rig.gemini.says("time there was a lighthouse.", 1.0)
    rig.gemini.completes()
    assert rig.conversation.captions.split() == ["Once", "upon", "a", "time", "there", "was", "a", "lighthouse."]
    assert rig.conversation.ends == 1
    restored = rig.events[-1]
    assert (restored.kind, restored.during, restored.gap_ms) == (Kind.RESTORED, "agent_speaks", 0), (
        "three seconds were there to play"
    )


def test_an_answer_that_had_come_whole_is_only_played_out() -> None:
    rig = connected()
    rig.gemini.answers()
    rig.gemini.has_generated()
    rig.gemini.drops()
    rig.connects()
    assert rig.gemini.texts == []
    assert rig.conversation.ends == 1


def test_a_turn_without_its_end_is_ended() -> None:
    rig = connected()
    rig.gemini.answers(seconds=1.0)
    rig.gemini.has_generated()
    rig.passes(3.5)
    assert rig.conversation.ends == 0
    rig.passes(1.0)
    assert rig.conversation.ends == 1


def test_who_writes_without_a_connection_ends_the_broken_answer() -> None:
    rig = connected()
    rig.gemini.answers(seconds=1.0)
    rig.gemini.drops()
    rig.caller.types("What time is it?")
    assert rig.conversation.ends_with("turnComplete"), "the next answer is one by itself"
    rig.connects()
    assert not any("cut off" in text for text in rig.gemini.texts)


@pytest.mark.parametrize("lost", [True, False])
def test_who_writes_into_an_endless_answer_gets_a_new_one(*, lost: bool) -> None:
    """All of the answer has come, but for the message that says so."""
    rig = connected()
    rig.gemini.answers(seconds=1.0)
    rig.gemini.has_generated()
    rig.caller.types("What time is it?")
    if lost:
        rig.gemini.drops()
        rig.connects()
    rig.gemini.answers("It is noon.", 1.0)
    assert rig.conversation.ends == 1
    assert rig.conversation.has("turnComplete").index(True) < rig.conversation.position("noon")


def test_another_answer_is_another_though_the_first_never_ended() -> None:
    rig = connected()
    rig.gemini.answers(seconds=1.0)
    rig.gemini.has_generated()
    rig.caller.speaks(1, 20)
    rig.gemini.understands("And now?")
    rig.gemini.says("Now it is noon.", 1.0)
    assert rig.conversation.has("turnComplete").index(True) < rig.conversation.position("noon")


def test_an_answer_that_stalls_is_asked_to_go_on_until_the_end() -> None:
    """The model is asked to go on from what was heard, first by the same connection, then by others.

    A stall takes eight seconds to notice; each step after it, three, as long as an answer may take to begin.
    """
    rig = connected()
    stalled_at = rig.now
    asked, closed = [], []
    rig.gemini.answers("Once upon a time there was a lighthouse", 3.0)
    for _ in range(2):
        rig.until(lambda: any("cut off" in text for text in rig.gemini.texts), within_s=30)
        asked.append(rig.now - stalled_at)
        [reminder] = rig.gemini.texts
        assert "lighthouse" in reminder
        assert rig.kinds(Kind.WAITING), "the caller was told meanwhile"
        rig.gemini.interrupts()  # what was being generated ends by the reminder
        rig.gemini.ends_turn()
        rig.until(lambda: rig.socket != "open", within_s=30)
        closed.append(rig.now - stalled_at)
        rig.connects()
    rig.passes_connected(60)
    assert asked == pytest.approx([8.0, 11.0], abs=0.3)
    assert closed == pytest.approx([11.0, 14.0], abs=0.3)
    assert rig.now - stalled_at == pytest.approx(17.0, abs=0.5)
    assert rig.is_over
    assert rig.events[-1].cause is Cause.MUTE
    assert rig.conversation.captions == "Once upon a time there was a lighthouse", "and nothing of it twice"


def test_a_short_end_of_a_broken_answer_is_its_end() -> None:
    rig = connected()
    rig.gemini.answers()
    rig.gemini.drops()
    rig.connects()
    rig.gemini.says(" keeper.", 0.3)
    rig.gemini.completes()
    rig.passes(10)
    assert rig.kinds(Kind.NUDGED) == []


def test_the_end_of_an_empty_answer_is_none_of_the_next() -> None:
    rig = connected()
    rig.gemini.understands("What time is it?")
    rig.gemini.has_generated()
    rig.gemini.drops()
    rig.connects()
    rig.gemini.says("It is noon.", 0.4)
    assert rig.conversation.count("generationComplete") == 0, "none of an answer had come"
    assert rig.conversation.captions == "It is noon."


@pytest.mark.parametrize("model", PARTIAL)
def test_what_a_handle_does_not_cover_is_told_again(model: str) -> None:
    """The handle is older than the turn: the session that it restores knows neither the question nor the answer."""
    rig = connected(model)
    rig.gemini.understands("My name is Ada.")
    rig.gemini.says("Nice to meet you, Ada.", 3.0)
    rig.gemini.has_generated()
    rig.gemini.drops()
    rig.connects()
    [told] = rig.gemini.texts
    assert "Caller: My name is Ada." in told
    assert "You: Nice to meet you, Ada." in told
    [content] = rig.gemini.received("client_content")
    assert not content["turnComplete"], "nobody waits for an answer"
    rig.gemini.gives_handle("h2")
    rig.gemini.drops()
    rig.connects()
    assert rig.gemini.texts == [], "now the handle covers it"


@pytest.mark.parametrize("model", PARTIAL)
def test_the_typed_question_of_a_broken_answer_is_told_again(model: str) -> None:
    rig = connected(model)
    rig.caller.types("Tell me of whales.")
    rig.gemini.says("Whales are mammals that", 3.0)
    rig.gemini.drops()
    rig.connects()
    written = str(rig.gemini.connections[-1])
    assert "Caller: Tell me of whales." in written
    assert "mammals" in written
    assert rig.gemini.received("typed") == [], "it isn't asked twice"


@pytest.mark.parametrize("is_lost", [True, False])
def test_an_answer_that_is_whole_after_a_stall_is_not_asked_to_go_on(*, is_lost: bool) -> None:
    """The caller was told that it takes a moment; then it turns out that all of the answer had come."""
    rig = connected()
    rig.gemini.answers(seconds=1.0)
    rig.passes(4)
    assert rig.kinds(Kind.WAITING) == [Kind.WAITING]
    rig.gemini.has_generated()
    if is_lost:
        rig.gemini.drops()
        rig.connects()
    rig.passes(10)
    assert rig.gemini.texts == []
    assert rig.kinds(Kind.NUDGED) == []


def test_an_answer_that_ends_after_a_stall_has_spoken_about_its_results() -> None:
    rig = connected()
    rig.gemini.understands("Book a table.")
    rig.gemini.calls()
    rig.tools.returns()
    rig.gemini.says("It is booked.", 1.0)
    rig.passes(4)
    assert rig.kinds(Kind.WAITING) == [Kind.WAITING]
    rig.gemini.ends_turn()
    rig.caller.types("And now?")
    rig.passes(4)
    [reminder] = rig.gemini.texts
    assert "booked" not in reminder, "the model has spoken about it"
