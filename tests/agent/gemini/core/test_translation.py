"""A conversation without turns: the model translates while the caller speaks, and neither waits for the other."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tests.agent.gemini.rig import TRANSLATE_MODEL, TRANSLATES, Cause, Kind, Rig, TurnRules, connected
from tests.agent.gemini.rig.messages import activity, calls, content, transcript, voice, words

CHUNK_S = 0.25
"""The length of the service's messages of sound."""
FRAMES = 13
"""Frames of 20 ms in about that time."""


def call() -> Rig:
    """A connected call with the model that translates, which answers pings."""
    rig = connected(TRANSLATE_MODEL, rules=TRANSLATES)
    rig.gemini.answers_pings()
    return rig


def passages(rig: Rig) -> int:
    """How many passages are over."""
    return rig.conversation.ends


def hears(rig: Rig, said: str = "", *, caller_speaks: bool, chunks: int = 1) -> None:
    """The service sends translated sound in real time, while the caller speaks or is silent."""
    for _ in range(chunks):
        rig.caller.sends(0, FRAMES - 1, loud=caller_speaks)
        rig.gemini.sends(voice(CHUNK_S, said, loud=True))
        said = ""


def hears_silence(rig: Rig, *, caller_speaks: bool = False, chunks: int = 1) -> None:
    for _ in range(chunks):
        rig.caller.sends(0, FRAMES - 1, loud=caller_speaks)
        rig.gemini.sends(voice(CHUNK_S))


def test_no_words_want_an_answer_and_no_voice_interrupts() -> None:
    assert TurnRules(interruptible=False, may_stay_silent=True) == TRANSLATES


def test_the_caller_speaks_on_while_the_translation_is_played_and_interrupts_nothing() -> None:
    rig = call()
    hears_silence(rig, caller_speaks=True, chunks=8)
    assert rig.conversation.messages[1:] == [], "silence before the translation goes no further"
    hears(rig, " Good day", caller_speaks=True, chunks=8)
    hears(rig, " to all", caller_speaks=True, chunks=8)
    assert rig.conversation.captions == "Good day to all"
    assert not rig.conversation.count("interrupted")
    assert not passages(rig)
    assert rig.kinds(Kind.NUDGED, Kind.LOST, Kind.WAITING, Kind.IGNORED) == []


def test_a_pause_of_the_translation_ends_a_passage_and_the_next_words_begin_another() -> None:
    rig = call()
    hears(rig, "Good day.", caller_speaks=True, chunks=4)
    hears_silence(rig, chunks=3)
    assert not passages(rig)
    hears_silence(rig)
    assert passages(rig) == 1
    before = len(rig.conversation.messages)
    hears_silence(rig, chunks=20)
    assert len(rig.conversation.messages) == before
    hears(rig, "How are you?", caller_speaks=False)
    assert rig.conversation.count("modelTurn") == 4 + 4 + 2, "the silence just before a passage is played with it"
    hears_silence(rig, chunks=4)
    assert passages(rig) == 2


def test_tokens_of_a_silence_that_is_played_with_a_passage_are_counted_once() -> None:
    rig = call()
    rig.gemini.sends(voice(CHUNK_S) | {"usageMetadata": {"promptTokenCount": 1}})
    hears(rig, "Good day.", caller_speaks=False)
    assert rig.conversation.count("modelTurn") == 2, "the silence is played with it"
    assert sum("usageMetadata" in message for message in rig.conversation.messages) == 1


def test_a_long_passage_ends_with_the_next_silence() -> None:
    rig = call()
    hears(rig, "Once upon a time", caller_speaks=True, chunks=90)
    assert not passages(rig)
    hears_silence(rig, caller_speaks=True)
    assert passages(rig) == 1


def test_a_passage_ends_after_a_minute_without_any_silence_and_another_goes_on() -> None:
    rig = call()
    hears(rig, "Once upon a time", caller_speaks=True, chunks=225)
    assert not passages(rig)
    hears(rig, " there was", caller_speaks=True, chunks=10)
    assert passages(rig) == 1
    assert rig.conversation.count("modelTurn") == 235, "no sound is lost between them"


def test_a_caller_s_line_without_an_end_is_cut() -> None:
    rig = call()
    for _ in range(60):
        rig.gemini.sends(transcript(" and then and then"))
        rig.passes(1)
    assert rig.conversation.count("voiceActivity") == 60 * 18 // 306


def test_a_passage_is_over_if_nothing_comes_any_more() -> None:
    rig = call()
    hears(rig, "Good day.", caller_speaks=True)
    rig.passes(1.6)
    assert passages(rig) == 1


def test_nothing_is_owed_however_long_the_model_is_silent() -> None:
    rig = call()
    rig.gemini.sends(transcript("Hello? Is anybody there?"))
    for _ in range(60):
        hears_silence(rig, caller_speaks=True, chunks=2)
        hears_silence(rig, chunks=2)
    assert rig.kinds(Kind.NUDGED, Kind.LOST, Kind.WAITING, Kind.FAILED) == []
    assert rig.gemini.texts == []


def test_the_caller_s_lines_end_with_a_sentence_or_a_pause_and_not_with_the_translation() -> None:
    rig = call()
    rig.gemini.sends(transcript(" Guten Tag,"))
    hears(rig, "Good", caller_speaks=True)
    hears_silence(rig, caller_speaks=True, chunks=4)
    assert (passages(rig), rig.conversation.count("voiceActivity")) == (1, 0)
    rig.gemini.sends(transcript(" allerseits."))
    rig.passes(0.01)
    assert rig.conversation.count("voiceActivity") == 1
    rig.gemini.sends(transcript(" Ich"))
    rig.passes(1.9)
    assert rig.conversation.count("voiceActivity") == 1
    rig.passes(0.2)
    assert rig.conversation.count("voiceActivity") == 2


def test_the_model_is_sent_sound_alone() -> None:
    rig = call()
    rig.caller.types("Hello")
    rig.tools.returns()
    rig.changes_agent()
    rig.passes(1)
    rig.connects()
    assert rig.gemini.texts == []
    assert not rig.gemini.received("client_content")
    assert not rig.gemini.received("tool_response")


def test_turns_and_calls_that_the_service_never_sends_are_left_out() -> None:
    rig = call()
    hears(rig, "Good day.", caller_speaks=False)
    rig.gemini.sends(content(interrupted=True), content(turnComplete=True), calls(), activity("START"), activity("END"))
    assert rig.conversation.count("interrupted") + passages(rig) + rig.conversation.count("toolCall") == 0
    hears(rig, " And goodbye.", caller_speaks=False)
    assert rig.conversation.captions == "Good day. And goodbye."


def test_after_a_loss_what_may_not_be_translated_is_sent_again_and_no_more() -> None:
    rig = call()
    rig.caller.speaks(0, 499)
    rig.gemini.sends(voice(CHUNK_S, "one", loud=True))
    rig.caller.speaks(500, 599)
    rig.gemini.drops()
    assert passages(rig) == 1, "the passage is over"
    rig.connects()
    rig.passes(10)
    assert rig.gemini.handles[-1] == "h1"
    again = rig.gemini.words()
    assert again[-1] == 599
    assert len(again) == pytest.approx(300, abs=2), "four seconds before the last translated sound, and all since"
    assert rig.gemini.texts == []


def test_what_is_long_translated_is_not_sent_again() -> None:
    rig = call()
    rig.caller.speaks(0, 199)
    hears(rig, "one", caller_speaks=False, chunks=4)
    hears_silence(rig, chunks=20)
    rig.gemini.drops()
    rig.connects()
    rig.passes(5)
    assert rig.gemini.words() == []


def test_a_closed_microphone_is_followed_by_silence_which_brings_the_last_words() -> None:
    rig = call()
    rig.caller.speaks(0, 49)
    rig.caller.closes_microphone()
    rig.passes(1)
    assert rig.gemini.received("realtime_input") == [], "no audioStreamEnd, at which the model says nothing"
    assert len(rig.gemini.frames()) == 50 + 4


def test_a_service_that_hears_nothing_is_left_for_another_connection() -> None:
    rig = call()
    rig.passes(1)
    rig.caller.speaks(0, 99)
    rig.caller.pauses(100, 500)
    assert rig.causes(Kind.LOST) == [Cause.UNACKNOWLEDGED]


def goes_on_deaf(rig: Rig, *, first: int, seconds: float, speaks: bool = False) -> int:
    """Sentences or silence of the caller's, and silence of the service's. Returns the number of the next frame."""
    for _ in range(round(seconds / CHUNK_S)):
        if rig.is_over:
            break
        rig.connects()
        act = rig.caller.says if speaks else rig.caller.pauses
        act(first, first + FRAMES - 1)
        first += FRAMES
        if rig.socket == "open":
            rig.gemini.sends(voice(CHUNK_S))
    return first


def test_silence_is_no_sign_that_the_service_hears() -> None:
    rig = call()
    frame = goes_on_deaf(rig, first=0, seconds=1.5, speaks=True)
    frame = goes_on_deaf(rig, first=frame, seconds=3.0)
    assert rig.kinds(Kind.WAITING, Kind.LOST) == [Kind.WAITING]
    goes_on_deaf(rig, first=frame, seconds=2.0)
    assert rig.causes(Kind.LOST) == [Cause.UNACKNOWLEDGED]


def test_what_no_service_has_heard_is_said_to_each_new_connection() -> None:
    rig = call()
    frame = goes_on_deaf(rig, first=0, seconds=1.5, speaks=True)
    sentence = rig.gemini.words()
    frame = goes_on_deaf(rig, first=frame, seconds=6.0)
    frame = goes_on_deaf(rig, first=frame, seconds=1.5, speaks=True)
    goes_on_deaf(rig, first=frame, seconds=6.0)
    assert rig.causes(Kind.LOST) == [Cause.UNACKNOWLEDGED] * 2
    assert len(sentence) > 50
    for connection in (1, 2):
        assert set(sentence) <= set(rig.gemini.words(connection)), f"new connection {connection}"


def test_an_interpreter_who_stays_deaf_ends_the_call() -> None:
    rig = call()
    frame, began_at = 0, rig.now
    for _ in range(12):
        frame = goes_on_deaf(rig, first=frame, seconds=1.5, speaks=True)
        frame = goes_on_deaf(rig, first=frame, seconds=8.0)
    assert rig.causes(Kind.FAILED) == [Cause.MUTE]
    assert 30 <= rig.now - began_at <= 60
    assert rig.gemini.texts == []


def test_the_callers_words_alone_show_that_the_service_hears() -> None:
    """As of speech in the target language, which isn't translated."""
    rig = call()
    frame = 0
    for _ in range(6):
        frame = goes_on_deaf(rig, first=frame, seconds=1.5, speaks=True)
        frame = goes_on_deaf(rig, first=frame, seconds=1.0)
        rig.gemini.sends(transcript(" Good day."))
        frame = goes_on_deaf(rig, first=frame, seconds=8.0)
    assert rig.kinds(Kind.WAITING, Kind.LOST, Kind.FAILED) == []


def test_words_without_sound_are_a_passage_too() -> None:
    rig = call()
    rig.gemini.sends(words("Good day."))
    assert rig.conversation.captions == "Good day."
    rig.passes(1.6)
    assert passages(rig) == 1


ANYTHING = st.sampled_from(
    [
        {},
        content(),
        content(outputTranscription={}),
        voice(CHUNK_S),
        voice(CHUNK_S, loud=True),
        voice(CHUNK_S, " well", loud=True),
        words(" there was"),
        transcript(" What"),
        transcript(" time is it?"),
        content(interrupted=True),
        content(turnComplete=True, generationComplete=True),
        calls(),
        activity("START"),
        {"usageMetadata": {"promptTokenCount": 1}},
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ANYTHING, st.booleans(), st.sampled_from([0.0, 0.3, 1.7])), max_size=30))
def test_whatever_comes_each_passage_ends_once_and_the_model_is_written_nothing(
    steps: list[tuple[dict[str, Any], bool, float]],
) -> None:
    rig = call()
    for message, drops, pause_s in steps:
        if drops and rig.socket == "open" and pause_s:
            rig.gemini.drops()
        rig.connects()
        rig.gemini.sends(message)
        rig.passes(pause_s)
    rig.passes(5)
    is_open = False
    for said in rig.conversation.messages:
        fields = said.get("serverContent", {}).keys()
        if {"modelTurn", "outputTranscription"} & fields:
            is_open = True
        if "turnComplete" in fields:
            assert is_open, "only a passage that has begun ends"
            is_open = False
    assert not is_open
    assert not rig.gemini.texts
    assert rig.kinds(Kind.NUDGED, Kind.FAILED) == []
