"""What callers say doesn't reach a handler: not as an attribute, not in a traceback, not in an argument."""

import asyncio
import gc
import io
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from livekit.agents.telemetry.pii import GEN_AI_PII_ATTRIBUTES, is_pii_attribute
from pydantic import BaseModel

from agent.errors import WorkerError
from agent.worker.log_filter import described
from configuration.log_filter import WordFilter, is_private_field, located, log_what_goes_to_stderr
from configuration.private_text import PrivateText
from tests.agent.gemini.wire import call
from tests.agent.test_local_voice import talking
from tests.ports import free_port

WORDS_SAID = "my house in Elm Street 5"
PIN = "12 34 56 78"
LISTED = "a place in a list"
NUMBER = "+49 151 2345678"


@pytest.fixture
def private() -> PrivateText:
    return PrivateText()


@pytest.fixture
def written(private: PrivateText) -> Iterator[io.StringIO]:
    """All that reaches the root's handler, with every attribute of each record."""
    text = io.StringIO()

    class Everything(logging.StreamHandler[io.StringIO]):
        def emit(self, record: logging.LogRecord) -> None:
            super().emit(record)
            text.write(f"{vars(record)}\n")

    handler = Everything(text)
    handler.addFilter(WordFilter(private, described))
    logging.getLogger().addHandler(handler)
    yield text
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize("name", [*sorted(GEN_AI_PII_ATTRIBUTES), "gen_ai.prompt.variable.city", "lk.pii.words", "pii"])
def test_each_field_that_livekit_takes_for_private_is_dropped(name: str) -> None:
    assert is_pii_attribute(name)
    assert is_private_field(name)


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


class Booking(BaseModel):
    people: int


async def test_an_exception_whose_text_has_several_lines_is_lost_whole(written: io.StringIO) -> None:
    async def tool() -> None:
        Booking.model_validate({"people": WORDS_SAID})

    task = asyncio.create_task(tool())
    await asyncio.wait({task})
    del task
    gc.collect()
    assert "tool() done" in written.getvalue()
    assert "exception=..." in written.getvalue()
    assert WORDS_SAID not in written.getvalue()


async def test_neither_results_nor_arguments_of_callbacks_are_in_asyncios_messages(written: io.StringIO) -> None:
    """Asyncio's own loop; it says which callback has failed, or what a task has waited for."""

    def fail(words: str) -> None:
        raise ValueError(words)

    loop = asyncio.get_running_loop()
    loop.call_soon(fail, WORDS_SAID)
    await asyncio.sleep(0)
    done = loop.create_future()
    done.set_result(WORDS_SAID)
    loop.call_exception_handler({"message": "something is wrong", "future": done})
    assert "in fail" in written.getvalue()
    assert "<Future finished result=..." in written.getvalue()
    assert WORDS_SAID not in written.getvalue()


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("failed: %(error)s", ({"error": ValueError(WORDS_SAID), "lk.pii.words": WORDS_SAID},)),
        ("failed: %(lk.pii.error)s ValueError", ({"lk.pii.error": WORDS_SAID},)),
        ("failed: %s", ([ValueError(WORDS_SAID), {"one": KeyError(WORDS_SAID)}],)),
        ("failed: %s, %s", (1, (ValueError(WORDS_SAID),))),
    ],
)
def test_exceptions_are_found_in_mappings_and_lists(written: io.StringIO, message: str, arguments: tuple[object, ...]) -> None:
    logging.getLogger("earshot.test").error(message, *arguments, extra={"errors": [OSError(WORDS_SAID)]})
    assert "ValueError" in written.getvalue()
    assert WORDS_SAID not in written.getvalue()


async def test_why_livekit_or_a_proxy_refuses_is_kept() -> None:
    """The real client's errors, without the URL: it may hold a key, or words."""

    async def refuse(_: web.BaseRequest) -> web.Response:
        return web.Response(status=401)

    server = web.Server(refuse)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    refuser = f"http://127.0.0.1:{runner.addresses[0][1]}"
    told = []
    async with aiohttp.ClientSession() as http:
        for url, proxy in ((refuser, None), ("https://x.invalid", refuser), (f"http://127.0.0.1:{free_port()}", None)):
            with pytest.raises(aiohttp.ClientError) as caught:
                await http.ws_connect(f"{url}/rtc?access_token=secret", proxy=proxy)
            told.append(described(caught.value))
    await runner.cleanup()
    assert told[0].startswith("WSServerHandshakeError: 401")
    assert told[1].startswith("ClientHttpProxyError: 401")
    assert re.fullmatch(r"ClientConnectorError: 127\.0\.0\.1:\d+: .+", told[2])
    assert "secret" not in str(told)


def test_what_is_for_operators_is_kept() -> None:
    assert described(WorkerError("the call in room a could not start")) == "WorkerError: the call in room a could not start"


@given(st.text(min_size=5))
def test_no_text_of_any_exception_is_in_its_traceback(words: str) -> None:
    word = f"<{words}>"
    assert word not in located(RuntimeError(word), described)
    assert word not in located(UnicodeDecodeError("utf-8", b"\xff", 0, 1, word), described)


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


@dataclass(frozen=True)
class Heard:
    """An object as libraries have them: its text has what was said."""

    words: str


class Kind(Enum):
    SPOKEN = "spoken"


@pytest.mark.parametrize("value", [Heard(WORDS_SAID), [Heard(WORDS_SAID)], {"heard": {Heard(WORDS_SAID)}}, WORDS_SAID.encode()])
def test_an_object_has_its_types_name_in_its_place(written: io.StringIO, value: object) -> None:
    logging.getLogger("a.library").error("received %s", value, extra={"message_received": value})
    assert WORDS_SAID not in written.getvalue()
    assert "<Heard>" in written.getvalue() or "<bytes>" in written.getvalue()


def test_what_says_no_more_than_it_is_stays(written: io.StringIO) -> None:
    known = {
        "path": Path("/srv/calls"),
        "kind": Kind.SPOKEN,
        "ids": {7},
        "tokens": {"input": {"audio": 12345678}},
        "none": None,
    }
    logging.getLogger("earshot.call").warning(
        "%s began at %.1f in %s", Kind.SPOKEN, 2.5, Path("/srv/calls"), extra={"known": known}
    )
    for kept in ("Kind.SPOKEN began at 2.5 in /srv/calls", "PosixPath('/srv/calls')", "12345678", "[7]"):
        assert kept in written.getvalue()


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        (f"no such number: {NUMBER}", ()),
        ("no such number: %s", (NUMBER,)),
        ("no such number: %(number)s", ({"number": NUMBER},)),
        ("no such number: +49 151 %d", (2345678,)),
        ("no such numbers: %s", ([{"first": NUMBER}],)),
        ("no such address: %s", ("jo@example.org",)),
        ("no such project: %s", ("project apollo",)),
    ],
)
def test_numbers_addresses_and_what_the_persona_lists_are_in_no_text(
    written: io.StringIO, private: PrivateText, message: str, arguments: tuple[object, ...]
) -> None:
    private.of_persona(["Project Apollo"])
    logging.getLogger("a.tool").error(message, *arguments, extra={"said": NUMBER, "more": ["jo@example.org", "Project Apollo"]})
    for words in (NUMBER, "2345678", "jo@example.org", "apollo", "Apollo"):
        assert words not in written.getvalue()
    assert "no such" in written.getvalue()


async def test_asyncios_own_messages_have_no_numbers(written: io.StringIO) -> None:
    """A library may name its tasks by callers; asyncio in debug mode says which were slow."""
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0

    async def answer() -> None:
        await asyncio.sleep(0)

    await asyncio.create_task(answer(), name=f"call of {NUMBER}")
    loop.set_debug(False)
    assert re.search(r"Executing <Task .*name='call of \[number\]'", written.getvalue())
    assert "2345678" not in written.getvalue()


def test_a_number_that_is_no_text_is_left_out_unless_its_name_says_that_it_is_a_figure(written: io.StringIO) -> None:
    fields = {"phone": 4915112345678, "asked": [{"card": 4111111111111111}], "input_tokens": {"audio": 1234567}, "pid": 4194303}
    logging.getLogger("a.tool").warning("asked", extra=fields)
    for kept in ("'phone': '[number]'", "'asked': [{'card': '[number]'}]", "'audio': 1234567", "'pid': 4194303"):
        assert kept in written.getvalue()


def test_what_an_operator_looks_for_stays(written: io.StringIO) -> None:
    """The room of a telephone's call may be named by a number; machines have addresses of four numbers."""
    fields = {"call": "RM_1234567890", "room": "call-4915123456789", "job": "AJ_1234567890", "trace": 16 * "12"}
    logging.getLogger("earshot.call").warning("LiveKit at %s is away", "ws://192.168.100.200:7880", extra=fields)
    for kept in ("ws://192.168.100.200:7880", *fields.values()):
        assert kept in written.getvalue()


def test_an_error_for_operators_has_no_numbers_of_callers(written: io.StringIO) -> None:
    error = WorkerError(f"the call of {NUMBER} could not start")
    logging.getLogger("earshot.call").error("it failed: %s", error, exc_info=error)
    assert written.getvalue().count("the call of [number] could not start") >= 2
    assert NUMBER not in written.getvalue()


def test_a_message_whose_arguments_do_not_fit_loses_them(written: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """Logging itself would write a complaint to stderr, with the arguments."""
    logging.getLogger("a.tool").error("failed %d", WORDS_SAID)
    told = capsys.readouterr()
    assert "failed %d (the arguments of this message don't fit)" in written.getvalue()
    assert WORDS_SAID not in written.getvalue() + told.err + told.out


def test_what_python_writes_to_stderr_is_logged_without_words(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Tool:
        def __del__(self) -> None:
            raise ValueError(WORDS_SAID)

    def fail() -> None:
        raise ValueError(WORDS_SAID)

    monkeypatch.setattr(threading, "excepthook", None)
    monkeypatch.setattr(sys, "unraisablehook", None)
    monkeypatch.setattr(warnings, "showwarning", None)
    log_what_goes_to_stderr(logging.getLogger("earshot.worker"))
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    Tool()
    gc.collect()
    warnings.showwarning(UserWarning(f"input_value={WORDS_SAID!r}"), UserWarning, "tool.py", 7)
    warnings.showwarning(DeprecationWarning("book() goes in version 2"), DeprecationWarning, "tool.py", 8)
    assert "a thread has failed" in written.getvalue()
    assert "in __del__" in written.getvalue()
    assert "Python warns: UserWarning" in written.getvalue()
    assert "'place': 'tool.py:7'" in written.getvalue()
    assert "book() goes in version 2" in written.getvalue()
    assert WORDS_SAID not in written.getvalue() + capsys.readouterr().err


@given(st.text(max_size=20), st.integers(10**6, 10**18))
def test_no_long_number_of_a_text_is_in_a_record(before: str, number: int) -> None:
    record = logging.makeLogRecord({"msg": "%s", "args": (f"{before} {number}.",), "extra": {"said": [f"{before} {number}"]}})
    assert WordFilter(PrivateText(), described).filter(record)
    assert str(number) not in f"{record.getMessage()}{vars(record)}"
