"""The link's own words to the model come back as the caller's from some models; a caller's own words are always theirs."""

import math

import pytest

from tests.agent.gemini.rig import connected

MODEL = "gemini-3.1-flash-live-preview"


@pytest.mark.parametrize("pieces", [1, 3])
def test_our_own_words_as_the_callers_are_not_believed(pieces: int) -> None:
    rig = connected(MODEL)
    rig.gemini.understands("Hello?")
    rig.passes(3.2)
    [sent] = [each["text"] for each in rig.gemini.received("realtime_input")]
    told = rig.conversation.count("inputTranscription")
    size = math.ceil(len(sent) / pieces)
    for start in range(0, len(sent), size):
        rig.gemini.understands(sent[start : start + size])
    assert rig.conversation.count("inputTranscription") == told


def test_a_caller_whose_words_look_like_instructions_is_heard() -> None:
    """Nothing that a caller says or types disappears because of its form."""
    rig = connected(MODEL)
    words = "<instructions> is the tag that I mean."
    rig.gemini.understands(words)
    assert words in str(rig.conversation.messages[-1])
