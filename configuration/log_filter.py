"""Keeps what callers say, and who they are, out of the log: one filter, on every logger and handler of a process.

Words of a call come into a record in five ways. LiveKit marks attributes that hold them with `pii` in their names
(livekit-agents 1.8.9, telemetry/pii.py), and OpenTelemetry's conventions have names for them. A traceback ends with the text
of its exception, and a tool's may quote its arguments. Exceptions are arguments and attributes of records, alone or in lists
and mappings. asyncio writes a lost exception, a future's result and a callback's arguments into its message
(asyncio/base_futures.py, asyncio/format_helpers.py). Everything else that a library or a tool writes is text: numbers,
addresses and what the persona lists are taken out of it (configuration/private_text.py).
"""

import datetime
import logging
import re
import sys
import threading
import traceback
import uuid
import warnings
from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum
from numbers import Number
from pathlib import PurePath
from types import NoneType
from typing import Any, TextIO

from configuration.errors import ConfigurationError
from configuration.private_text import PrivateText

Describe = Callable[[BaseException], str]
"""Says in a line what an exception is, without what may be about a call."""

_DEEPEST = 10
"""Exceptions that led to each other, in one traceback."""
_NESTED = 4
"""Lists and mappings in each other that are kept."""
_PLAIN = (str, Number, NoneType, Enum, PurePath, datetime.date, datetime.time, datetime.timedelta, uuid.UUID, type)
"""Types whose values say no more than they are. The text of any other object, such as a message of Gemini's, may have words."""
_LISTS = (list, tuple, set, frozenset, deque)
_ASYNCIO_WORDS = re.compile(r"(exception=|result=|\((?!\))).*", re.DOTALL)
"""The beginning of words; nobody knows where they end. A function without arguments, as in `coro=<run() done>`, has none."""
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) - {"exc_text"}
"""Attributes that logging makes itself, and that are no text of a call. The message is looked at as a whole."""
_KEPT = frozenset({"call", "room", "job", "trace"})
"""Fields by which an operator finds the lines of a call; a room's name may have a number in it."""


class WordFilter(logging.Filter):
    """Lets every record through, without the words. Exceptions keep their type and place.

    Args:
        private: What is taken out of every text.
        describe: Says what an exception is.
    """

    def __init__(self, private: PrivateText, describe: Describe) -> None:
        super().__init__()
        self._private = private
        self._describe = describe

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
            record.exc_text = located(record.exc_info[1], self._describe)
            record.exc_info = None
        for name, value in list(vars(record).items()):
            if is_private_field(name):
                delattr(record, name)
            elif name not in _OF_EVERY_RECORD:
                known = self._without_words(value)
                setattr(record, name, known if name in _KEPT else self._private.value({name: known})[name])
        record.msg = self._private.value(self._without_words(record.msg))
        if record.name == "asyncio":
            record.msg, record.args = self._private.text(_ASYNCIO_WORDS.sub(r"\1...", record.getMessage())), None
        elif record.args:
            record.args = self._without_words(record.args)
            self._write_message(record)
        return True

    def _write_message(self, record: logging.LogRecord) -> None:
        """Put the arguments into the message, if there is private text in it then."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):  # logging would write them to stderr (docs/facts.md L460)
            record.msg, record.args = f"{record.msg} (the arguments of this message don't fit)", None
            return
        without = self._private.text(message)
        if without != message:
            record.msg, record.args = without, None

    def _without_words(self, value: Any, depth: int = _NESTED) -> Any:
        """A value with its description in place of each exception in it, and the type's name in place of an object.

        What is marked in a mapping keeps its name, which the message may ask for.
        """
        if isinstance(value, BaseException):
            return self._describe(value)
        if isinstance(value, _PLAIN):
            return value
        if depth > 0 and isinstance(value, Mapping):
            return {
                name: "..." if is_private_field(str(name)) else self._without_words(each, depth - 1)
                for name, each in value.items()
            }
        if depth > 0 and isinstance(value, _LISTS):
            return (tuple if isinstance(value, tuple) else list)(self._without_words(each, depth - 1) for each in value)
        return f"<{type(value).__qualname__}>"


def is_private_field(name: str) -> bool:
    """Whether a field may have words: a part of its name is `pii`, or it has a name of OpenTelemetry's for generative AI."""
    return "pii" in name.split(".") or name.startswith("gen_ai.")


def keep_words_out(private: PrivateText, describe: Describe) -> None:
    """Filter what this process logs from here on: on the loggers there are, and on the root's handlers for all others."""
    words = WordFilter(private, describe)
    root = logging.getLogger()
    known = [logger for logger in logging.Logger.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    for filtered in (root, *known, *root.handlers):
        filtered.addFilter(words)


def log_what_goes_to_stderr(logger: logging.Logger) -> None:
    """Log exceptions of threads and of destructors, and warnings.

    Python writes their texts to stderr, past all filters (docs/facts.md L460). A warning may quote a value that a library was
    given; one that something is deprecated is about code.
    """

    def of_thread(lost: threading.ExceptHookArgs) -> None:
        logger.error("a thread has failed", exc_info=lost.exc_value)

    def of_destructor(lost: "sys.UnraisableHookArgs") -> None:
        logger.error("an exception could not be raised", exc_info=lost.exc_value)

    def show_warning(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,  # noqa: ARG001  Python's own parameters
        line: str | None = None,  # noqa: ARG001
    ) -> None:
        text = str(message) if issubclass(category, DeprecationWarning) else category.__name__
        logger.warning("Python warns: %s", text, extra={"place": f"{filename}:{lineno}"})

    threading.excepthook = of_thread
    warnings.showwarning = show_warning
    sys.unraisablehook = of_destructor


def described(error: BaseException, for_operators: tuple[type[BaseException], ...] = ()) -> str:
    """An exception in a line: its type, and what of its text can't be about a call. Names of files may be.

    Args:
        error: The exception.
        for_operators: Errors whose text is about the program, beside those of settings.
    """
    name = type(error).__qualname__
    if isinstance(error, (ConfigurationError, *for_operators)):
        return f"{name}: {error}"
    if isinstance(error, OSError) and error.strerror is not None:
        return f"{name}: {error.strerror}"  # without the file's name
    return name


def located(error: BaseException, describe: Describe) -> str:
    """A traceback like Python's own, with descriptions in place of the texts."""
    return "\n".join(_located(error, describe, _DEEPEST))


def _located(error: BaseException, describe: Describe, depth: int) -> list[str]:
    lines: list[str] = []
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None and depth > 0:
        how = "is the direct cause of the next one" if error.__cause__ else "was being handled when the next one came"
        lines += [*_located(earlier, describe, depth - 1), "", f"This exception {how}:", ""]
    lines.append("Traceback (most recent call last):")
    lines += "".join(traceback.format_tb(error.__traceback__)).rstrip("\n").split("\n")
    lines.append(describe(error))
    if isinstance(error, BaseExceptionGroup) and depth > 0:
        for number, part in enumerate(error.exceptions, 1):
            lines += [f"--- {number} of {len(error.exceptions)} ---", *_located(part, describe, depth - 1)]
    return lines
