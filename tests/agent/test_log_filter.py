"""What callers say doesn't reach a handler: not as an attribute, not in a traceback, not in an argument."""

import asyncio
import gc
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import WorkerError
from agent.log_filter import WORDS, described, located
from tests.agent.gemini.wire import call
from tests.agent.test_local_voice import talking

WORDS_SAID = "my house in Elm Street 5"
PIN = "12 34 56 78"
LISTED = "a place in a list"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """All that reaches the root's handler, with every attribute of each record."""
    text = io.StringIO()

    class Everything(logging.StreamHandler[io.StringIO]):
        def emit(self, record: logging.LogRecord) -> None:
            super().emit(record)
            text.write(f"{vars(record)}\n")

    handler = Everything(text)
    handler.addFilter(WORDS)
    logging.getLogger().addHandler(handler)
    yield text
    logging.getLogger().removeHandler(handler)


def fails_in_parts() -> None:
    raise ExceptionGroup(WORDS_SAID, [ValueError(WORDS_SAID), FileNotFoundError(2, "No such file", WORDS_SAID)])


def fails() -> None:
    try:
        fails_in_parts()
    except ExceptionGroup as error:
        raise KeyError(WORDS_SAID) from error


def test_an_exception_keeps_its_place_and_loses_its_text(written: io.StringIO) -> None:
    try:
        fails()
    except KeyError as error:
        extra = {"lk.pii.arguments": WORDS_SAID, "lk.pii.error": WORDS_SAID, "error": error, "function": "local_time"}
        logging.getLogger("earshot.test").error("the tool failed: %s", error, extra=extra, exc_info=error)  # noqa: TRY400
    told = written.getvalue()
    assert WORDS_SAID not in told
    for kept in ("the tool failed: KeyError", "in fails", "ValueError", "FileNotFoundError: No such file", "local_time"):
        assert kept in told


def test_an_exception_that_nobody_waits_for_loses_its_text(written: io.StringIO) -> None:
    async def lose() -> None:
        async def tool() -> None:
            raise ValueError(f"{WORDS_SAID}\n{WORDS_SAID}")

        task = asyncio.create_task(tool())
        await asyncio.wait({task})

    asyncio.run(lose())
    gc.collect()
    assert "exception was never retrieved" in written.getvalue()
    assert WORDS_SAID not in written.getvalue()


def test_what_is_for_operators_is_kept() -> None:
    assert described(WorkerError("the call in room a could not start")) == "WorkerError: the call in room a could not start"


@given(st.text(min_size=5))
def test_no_text_of_any_exception_is_in_its_traceback(words: str) -> None:
    word = f"<{words}>"
    assert word not in located(RuntimeError(word))
    assert word not in located(UnicodeDecodeError("utf-8", b"\xff", 0, 1, word))


async def test_livekits_records_of_tools_that_fail_have_no_words(written: io.StringIO, tmp_path: Path) -> None:
    """A ToolError with the argument in it, keys that can't be pressed, an argument of the wrong type; the real session."""
    calls = [
        call("local_time", "1", place=WORDS_SAID),
        call("send_dtmf", "2", keys=PIN),
        call("local_time", "3", place=[LISTED]),
    ]
    logging.getLogger("livekit.agents").setLevel(logging.DEBUG)
    async with talking(tmp_path, [*calls]) as talk:
        await talk.conversation.take_turn("what time is it?")
        await talk.endpoint.until(lambda: len(talk.endpoint.of("tool_response")) == len(calls))
    told = written.getvalue()
    assert "ToolError while executing tool" in told
    assert "error parsing arguments" in told
    assert "local_time" in told
    assert "send_dtmf" in told
    for words in (WORDS_SAID, PIN, LISTED):
        assert words not in told
