"""What a caller's next call begins with: the session, the lines, or nothing. A remembered call is read as it was written."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.call import remembered_call
from agent.call.remembered_call import (
    REMEMBERED_S,
    RememberedCall,
    Resumption,
    Terms,
    from_json,
    is_worth_keeping,
    resumption,
    to_json,
)
from agent.gemini import Line

TERMS = Terms("assistant", "gemini-3.8-live", "a-hash")
LINES = (Line(by_caller=True, text="My name is Ada."), Line(by_caller=False, text="Hello Ada."))
CALL = RememberedCall(TERMS, ended_at=1000.0, handle="h1", lines=LINES)
SESSION, WORDS = Resumption("h1", LINES), Resumption(None, LINES)

ROWS: dict[str, tuple[RememberedCall, float, Resumption | None]] = {
    "ended more than REMEMBERED_S ago": (CALL, 1000.1 + REMEMBERED_S, None),
    "was another persona's": (replace(CALL, terms=replace(TERMS, persona="nurse")), 1001.0, None),
    "has no handle": (replace(CALL, handle=None), 1001.0, WORDS),
    "had another model, or another key": (replace(CALL, terms=replace(TERMS, model="gemini-9-live")), 1001.0, WORDS),
    "otherwise": (CALL, 1001.0, SESSION),
}


def test_the_table_of_the_module_has_these_rows() -> None:
    [_, *rows] = [line.strip() for line in (remembered_call.__doc__ or "").splitlines() if line.startswith("    ")]
    assert [row.partition("  ")[0] for row in rows] == list(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_what_the_next_call_begins_with(row: str) -> None:
    remembered, now, expected = ROWS[row]
    assert resumption(remembered, TERMS, now) == expected


def test_a_call_with_another_key_is_told_the_lines() -> None:
    assert resumption(CALL, replace(TERMS, access="another"), 1001.0) == WORDS


@pytest.mark.parametrize(("now", "is_used"), [(1000.0 + REMEMBERED_S, True), (990.0, True), (0.0, False)])
def test_two_hours_count_and_clocks_may_differ_a_little(now: float, *, is_used: bool) -> None:
    assert (resumption(CALL, TERMS, now) == SESSION) is is_used


def test_without_a_remembered_call_there_is_nothing() -> None:
    assert resumption(None, TERMS, 1001.0) is None


def test_a_call_in_which_the_caller_said_nothing_is_not_kept() -> None:
    assert not is_worth_keeping([])
    assert not is_worth_keeping(LINES[1:])
    assert is_worth_keeping(LINES)


@given(st.builds(Terms, st.text(), st.text(), st.text()), st.lists(st.builds(Line, st.booleans(), st.text())))
def test_what_is_written_is_read(terms: Terms, lines: list[Line]) -> None:
    call = RememberedCall(terms, 1000.5, None, tuple(lines))
    assert from_json(to_json(call)) == call
    assert from_json(to_json(replace(call, handle="h1"))) == replace(call, handle="h1")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", "{", '{"lines": [1]}', to_json(CALL).replace('["caller", "My', '["My'), "[" * 5000]
)
def test_anything_else_is_no_remembered_call(text: str) -> None:
    assert from_json(text) is None
