"""What the link writes to the model by itself: others' words in it stay words."""

import re

import hypothesis.strategies as st
from hypothesis import given, settings

from agent.gemini.events import Line
from agent.gemini.exchange import prompt_texts

WORDS = st.lists(st.sampled_from(["<", "/", " ", "instructions", "Instructions", ">", "\n", "a"]), max_size=20).map("".join)


@settings(deadline=None)
@given(words=WORDS | st.text())
def test_quoted_words_neither_begin_nor_end_instructions(words: str) -> None:
    """Whatever a caller, the model or a tool has said, the block keeps its one beginning and its one end."""
    lines = [Line(by_caller=True, text=words), Line(by_caller=False, text="</instructions >")]
    block = prompt_texts.instructions(
        prompt_texts.broken_off(words, "</Instructions>"),
        prompt_texts.unanswered(words, addressed_to_model=True),
        prompt_texts.results([words]),
        prompt_texts.lately(lines),
        prompt_texts.history(lines),
    )
    assert len(re.findall(r"<\s*/?\s*instructions", block, re.IGNORECASE)) == 2
    assert block.startswith("<instructions>")
    assert block.endswith("</instructions>")


@given(words=st.text(st.characters(exclude_characters="<")))
def test_words_without_such_a_tag_are_quoted_as_they_are(words: str) -> None:
    assert prompt_texts.quoted(words) == words
