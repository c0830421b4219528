"""Words that are said again after a break are shown once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.gemini.exchange.overlap import Overlap

SAID = "Once upon a time there was a lighthouse "


def shown(said: str, *pieces: str) -> str:
    overlap = Overlap(said)
    return "".join(overlap.new_words(piece) for piece in pieces) + overlap.rest()


@pytest.mark.parametrize(
    ("pieces", "new"),
    [
        (["keeper who lived on a rock."], "keeper who lived on a rock."),
        (["there was a lighthouse ", "keeper."], "keeper."),
        (["There was a light", "house keeper."], "keeper."),
        ([SAID, "keeper."], "keeper."),
        (["Once upon a time, there was a lighthouse, and more."], "and more."),
        (["Once upon another time."], "Once upon another time."),
        (["Once again: a cat."], "Once again: a cat."),
        (["a time there"], ""),
        (["lighthouse"], "lighthouse"),
        ([], ""),
    ],
)
def test_a_continuation(pieces: list[str], new: str) -> None:
    assert shown(SAID, *pieces) == new


@pytest.mark.parametrize(
    ("said", "piece", "new"),
    [
        ("It rains,", "and it pours.", " and it pours."),
        ("It rains", ", and it pours.", ", and it pours."),
        ("It rains,", " and it pours.", " and it pours."),
        ("It rains, and it", "and it pours.", " pours."),
        ("雨が降って", "います。", "います。"),
    ],
)
def test_a_continuation_is_a_word_of_its_own(said: str, piece: str, new: str) -> None:
    assert shown(said, piece) == new


def test_without_words_before_all_words_are_new() -> None:
    assert shown("", "Hello ", "there.") == "Hello there."


@given(st.lists(st.sampled_from("abcdefgh"), max_size=12), st.lists(st.sampled_from("xyz"), min_size=1, max_size=6), st.data())
def test_a_repetition_from_anywhere_to_the_cut_is_left_out(said: list[str], new: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, max(len(said) - 2, 0)))
    text = " ".join(said[start:] + new) if len(said) - start >= 2 else " ".join(new)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    pieces = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert shown(" ".join(said), *pieces).split() == new


@given(st.lists(st.sampled_from("ab"), max_size=8), st.lists(st.sampled_from("xyz"), min_size=1, max_size=8))
def test_what_was_never_said_is_never_left_out(said: list[str], new: list[str]) -> None:
    assert shown(" ".join(said), *(f"{word} " for word in new)).split() == new
