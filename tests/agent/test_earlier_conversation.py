"""The history of a dispatch: what can be read of it is used, within bounds; the rest is a sentence without its words."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import llm

from agent.call.earlier_conversation import MOST_CHARACTERS, MOST_LINES, history_of_call, newest, with_lines
from agent.gemini import Line
from agent.persona import Persona, load
from agent.voice import VoiceAgent

PERSONA = Persona("assistant", instructions="Be brief.")
ASKED = {"role": "user", "text": "My name is Ada."}
ANSWERED = {"role": "assistant", "text": "Hello Ada."}
LINES = [Line(by_caller=True, text="My name is Ada."), Line(by_caller=False, text="Hello Ada.")]


def of(history: Any) -> tuple[list[Line], list[str]]:
    return history_of_call(json.dumps({"persona": "assistant", "history": history}), PERSONA)


def test_lines_of_both_sides_are_read() -> None:
    assert of([ASKED, ANSWERED]) == (LINES, [])


@pytest.mark.parametrize("metadata", ["", "{}", "no JSON", "[]", '{"history": null}', '{"history": []}'])
def test_a_dispatch_without_one_says_nothing_of_it(metadata: str) -> None:
    assert history_of_call(metadata, PERSONA) == ([], [])


@pytest.mark.parametrize("history", ["My name is Ada.", 7, True, {"role": "user", "text": "My name is Ada."}])
def test_what_is_no_list_is_one_sentence_without_the_words(history: Any) -> None:
    lines, [warning] = of(history)
    assert lines == []
    assert "is no list" in warning
    assert "Ada" not in warning


@pytest.mark.parametrize(
    "line",
    [
        *("Ada", None, 7, [], {}, {"role": "user"}, {"text": "Ada"}, {"role": "user", "text": " "}),
        *({"role": "user", "text": 7}, {"role": "system", "text": "Ada"}, {"role": ["user"], "text": "Ada"}),
    ],
)
def test_a_line_of_another_shape_is_left_out_and_the_others_are_used(line: Any) -> None:
    lines, [warning] = of([ASKED, line, ANSWERED])
    assert lines == LINES
    assert warning.startswith("1 of 3 lines of the dispatch's history are left out; write [")
    assert "Ada" not in warning


def test_of_too_many_lines_the_newest_are_used() -> None:
    lines, [warning] = of([{"role": "user", "text": str(number)} for number in range(MOST_LINES + 5)])
    assert [line.text for line in lines] == [str(number) for number in range(5, MOST_LINES + 5)]
    assert f"longer than {MOST_LINES} lines and {MOST_CHARACTERS} characters" in warning


def test_of_too_many_characters_the_newest_are_used() -> None:
    lines, [warning] = of([ASKED, {"role": "assistant", "text": "x" * MOST_CHARACTERS}])
    assert [len(line.text) for line in lines] == [MOST_CHARACTERS]
    assert "the newest lines are used" in warning


def test_an_interpreter_takes_none(tmp_path: Path) -> None:
    (tmp_path / "polyglot.toml").write_text('[live.translation_config]\ntarget_language_code = "pl"\n')
    lines, [warning] = history_of_call(json.dumps({"history": [ASKED]}), load("polyglot", tmp_path))
    assert lines == []
    assert "translates" in warning


@given(st.lists(st.builds(Line, st.booleans(), st.text(max_size=40) | st.just("x" * 7000) | st.just("y" * 13_000))))
def test_what_is_kept_is_the_end_within_the_bounds(lines: list[Line]) -> None:
    kept = newest(lines)
    assert len(kept) <= MOST_LINES
    assert sum(len(line.text) for line in kept) <= MOST_CHARACTERS
    assert bool(kept) == bool(lines)
    assert all(line.text.endswith(end.text) for line, end in zip(reversed(lines), reversed(kept), strict=False))


def test_an_agents_own_context_comes_first() -> None:
    own = llm.ChatContext.empty()
    own.add_message(role="assistant", content="Our shop opens at nine.")
    extended = with_lines(own, LINES)
    told = [(item.role, item.text_content) for item in extended.items if item.type == "message"]
    assert told == [("assistant", "Our shop opens at nine."), ("user", "My name is Ada."), ("assistant", "Hello Ada.")]
    assert len(own.items) == 1


def test_an_agent_of_ours_takes_a_context_as_livekits_do() -> None:
    agent = VoiceAgent(instructions="Be brief.", chat_ctx=with_lines(llm.ChatContext.empty(), LINES))
    assert len(agent.chat_ctx.items) == len(LINES)
