"""Keeps what callers say out of the log: one filter, on every logger and handler of a process.

Words of a call come into a record in four ways. LiveKit marks attributes that hold them with `pii` in their names
(livekit-agents 1.8.9, telemetry/pii.py). A traceback ends with the text of its exception, and a tool's may quote its arguments.
Exceptions are arguments and attributes of records. asyncio writes a lost exception into its message.
"""

import logging
import re
import traceback

from livekit.agents.telemetry.pii import is_pii_attribute

from agent.errors import PersonaError, SettingsError, WorkerError
from agent.gemini import DeclarationError

_FOR_OPERATORS = (DeclarationError, PersonaError, SettingsError, WorkerError)
"""Errors whose text is about the worker and never about a call."""
_DEEPEST = 10
_LOST_EXCEPTION = re.compile(r"exception=.*?(?=>$|> created at|$)", re.MULTILINE | re.DOTALL)


class WordFilter(logging.Filter):
    """Lets every record through, without the words. Exceptions keep their type and place."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in list(vars(record).items()):
            if is_pii_attribute(name):
                delattr(record, name)
            elif isinstance(value, BaseException):
                setattr(record, name, described(value))
        if isinstance(record.args, tuple):
            record.args = tuple(described(each) if isinstance(each, BaseException) else each for each in record.args)
        if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
            record.exc_text = located(record.exc_info[1])
            record.exc_info = None
        if record.name == "asyncio" and isinstance(record.msg, str):
            record.msg = _LOST_EXCEPTION.sub("exception=...", record.msg)
        return True


WORDS = WordFilter()


def keep_words_out() -> None:
    """Filter what this process logs from here on: on the loggers there are, and on the root's handlers for all others."""
    root = logging.getLogger()
    known = [logger for logger in logging.Logger.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    for filtered in (root, *known, *root.handlers):
        filtered.addFilter(WORDS)


def described(error: BaseException) -> str:
    """An exception in a line: its type, and its text if that can't be about a call."""
    name = type(error).__qualname__
    if isinstance(error, _FOR_OPERATORS):
        return f"{name}: {error}"
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
