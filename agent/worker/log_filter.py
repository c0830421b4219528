"""Keeps what callers say out of the log: one filter, on every logger and handler of a process.

Words of a call come into a record in four ways. LiveKit marks attributes that hold them with `pii` in their names
(livekit-agents 1.8.9, telemetry/pii.py). A traceback ends with the text of its exception, and a tool's may quote its arguments.
Exceptions are arguments and attributes of records, alone or in lists and mappings. asyncio writes a lost exception, a future's
result and a callback's arguments into its message (asyncio/base_futures.py, asyncio/format_helpers.py).
"""

import logging
import re
import traceback
from collections.abc import Mapping
from typing import Any

import aiohttp
from livekit.agents.telemetry.pii import is_pii_attribute

from agent.errors import PersonaError, SettingsError, WorkerError
from agent.gemini import DeclarationError

_FOR_OPERATORS = (DeclarationError, PersonaError, SettingsError, WorkerError)
"""Errors whose text is about the worker and never about a call."""
_DEEPEST = 10
"""Exceptions that led to each other, in one traceback."""
_NESTED = 3
"""Lists and mappings in each other that are looked into."""
_ASYNCIO_WORDS = re.compile(r"(exception=|result=|\((?!\))).*", re.DOTALL)
"""The beginning of words; nobody knows where they end. A function without arguments, as in `coro=<run() done>`, has none."""
_OTHERWISE = {"args", "exc_info"}


class WordFilter(logging.Filter):
    """Lets every record through, without the words. Exceptions keep their type and place."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in list(vars(record).items()):
            if is_pii_attribute(name):
                delattr(record, name)
            elif name not in _OTHERWISE:
                setattr(record, name, _without_words(value))
        if record.args is not None:
            record.args = _without_words(record.args)
        if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
            record.exc_text = located(record.exc_info[1])
            record.exc_info = None
        if record.name == "asyncio":
            record.msg, record.args = _ASYNCIO_WORDS.sub(r"\1...", record.getMessage()), None
        return True


WORDS = WordFilter()


def keep_words_out() -> None:
    """Filter what this process logs from here on: on the loggers there are, and on the root's handlers for all others."""
    root = logging.getLogger()
    known = [logger for logger in logging.Logger.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    for filtered in (root, *known, *root.handlers):
        filtered.addFilter(WORDS)


def _without_words(value: Any, depth: int = _NESTED) -> Any:
    """A value with `described` in place of each exception in it.

    What is marked in a mapping keeps its name, which the message may ask for.
    """
    if isinstance(value, BaseException):
        return described(value)
    if depth == 0:
        return value
    if isinstance(value, Mapping):
        return {name: "..." if is_pii_attribute(str(name)) else _without_words(each, depth - 1) for name, each in value.items()}
    if type(value) in {list, tuple}:
        return type(value)(_without_words(each, depth - 1) for each in value)
    return value


def described(error: BaseException) -> str:
    """An exception in a line: its type, and what of its text can't be about a call. URLs and names of files may be."""
    name = type(error).__qualname__
    if isinstance(error, _FOR_OPERATORS):
        return f"{name}: {error}"
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{name}: {error.status} {error.message}".rstrip()
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = error.strerror or type(error.os_error).__qualname__
        return f"{name}: {error.host}:{error.port}: {reason}"
    if isinstance(error, OSError) and error.strerror is not None:
        return f"{name}: {error.strerror}"  # without the file's name
    return name


def located(error: BaseException) -> str:
    """A traceback like Python's own, with `described` in place of the texts."""
    return "\n".join(_located(error, _DEEPEST))


def _located(error: BaseException, depth: int) -> list[str]:
    lines: list[str] = []
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None and depth > 0:
        how = "is the direct cause of the next one" if error.__cause__ else "was being handled when the next one came"
        lines += [*_located(earlier, depth - 1), "", f"This exception {how}:", ""]
    lines.append("Traceback (most recent call last):")
    lines += "".join(traceback.format_tb(error.__traceback__)).rstrip("\n").split("\n")
    lines.append(described(error))
    if isinstance(error, BaseExceptionGroup) and depth > 0:
        for number, part in enumerate(error.exceptions, 1):
            lines += [f"--- {number} of {len(error.exceptions)} ---", *_located(part, depth - 1)]
    return lines
