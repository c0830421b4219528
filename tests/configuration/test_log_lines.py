"""The lines of a log: the same fields in all programs, and nothing that somebody else writes forges a line."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.agents.cli.log import JsonFormatter

from configuration import TextLines, set_log_format
from configuration.log_lines import JsonLines


def record(message: str = "a call begins", *args: object, level: int = logging.INFO, **fields: object) -> logging.LogRecord:
    made = logging.getLogger("earshot.call").makeRecord(
        *("earshot.call", level, "call.py", 7, message, args, None), func="begin", extra=fields
    )
    made.created = 1_764_400_000.25
    return made


def failed() -> logging.LogRecord:
    made = record("it failed", level=logging.ERROR)
    try:
        _fail()
    except ValueError as error:
        made.exc_info = (ValueError, error, error.__traceback__)
    return made


def _fail() -> None:
    raise ValueError("broken")


@pytest.mark.parametrize(
    "made",
    [
        record(room="room-1", job="AJ_1", trace="ab"),
        record("%d of %d", 1, 2, tokens={"input": {"audio": 3}}, pid=5),
        record(error=ValueError("x"), path=["ä"]),
        failed(),
    ],
)
def test_a_line_of_json_is_that_of_livekits_formatter(made: logging.LogRecord) -> None:
    """A worker has LiveKit's, if LOG_FORMAT isn't set. All other programs have ours."""
    ours, theirs = json.loads(JsonLines().format(made)), json.loads(JsonFormatter().format(made))
    assert ours == theirs
    assert list(ours)[:3] == ["message", "level", "name"]
    assert ours["timestamp"] == "2025-11-29T07:06:40.250000+00:00"


def test_a_line_for_people_has_the_fields_behind_the_message() -> None:
    line = TextLines().format(record("call %s", "ended", room="room-1", reason="the caller left", tokens={"audio": 3}, turns=2))
    time, _, rest = line.partition(" INFO ")
    assert len(time) == len("2025-11-29 07:06:40")
    assert rest.strip() == ('earshot.call call ended room=room-1 reason="the caller left" tokens={"audio": 3} turns=2')


def test_a_traceback_follows_its_line() -> None:
    line, *traceback = TextLines().format(failed()).split("\n")
    assert line.endswith("ERROR   earshot.call it failed")
    assert traceback[0].startswith("Traceback")
    assert traceback[-1] == "ValueError: broken"


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_makes_a_second_line(message: str, field: str) -> None:
    made = record("%s", message, said=field)
    assert len(TextLines().format(made).splitlines()) == 1
    assert len(JsonLines().format(made).splitlines()) == 1
    told: dict[str, Any] = json.loads(JsonLines().format(made))
    assert (told["message"], told["said"]) == (message, field)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    text = io.StringIO()
    handler, root = logging.StreamHandler(text), logging.getLogger()
    root.addHandler(handler)
    formatters = {each: each.formatter for each in root.handlers}
    yield text
    root.removeHandler(handler)
    for each, formatter in formatters.items():
        each.setFormatter(formatter)


def test_a_program_writes_the_form_that_it_is_told(written: io.StringIO) -> None:
    told = logging.getLogger("token_server")
    set_log_format("json")
    told.warning("no keys", extra={"room": "a"})
    set_log_format(None)
    told.warning("no keys")
    set_log_format("text")
    told.warning("no keys", extra={"room": "a"})
    first, second, third = written.getvalue().splitlines()
    assert json.loads(first)["room"] == "a"
    assert json.loads(second)["message"] == "no keys"
    assert third.endswith("WARNING token_server no keys room=a")
