"""The lines of a program's log: JSON, or text for people. All programs have the same fields.

The JSON is that of LiveKit's own formatter, which a worker has without LOG_FORMAT; programs without livekit-agents have it too.
"""

import datetime
import json
import logging
import sys
from typing import Annotated, Any, Literal

from pydantic import BaseModel

from configuration.model import LOWER_CASE

_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_CONTROLS = (*range(32), *range(0x7F, 0xA0), 0x2028, 0x2029)
_LINE_BREAKS = {code: ascii(chr(code))[1:-1] for code in _CONTROLS}
"""Characters of a message that would forge another line, or change the terminal."""


class LogSettings(BaseModel):
    """The settings of a program's log."""

    log_format: Annotated[Literal["json", "text"] | None, LOWER_CASE] = None
    """The form of each line of the log. Without it: json for a worker that `agent.py start` runs, else text."""


class JsonLines(logging.Formatter):
    """A record as a line of JSON. What JSON doesn't have becomes text."""

    def format(self, record: logging.LogRecord) -> str:
        known: dict[str, Any] = {"message": record.getMessage(), "level": record.levelname, "name": record.name}
        if traceback := _traceback(self, record):
            known["exc_info"] = traceback
        known |= _fields(record)
        known.setdefault("pid", record.process)
        known.setdefault("code.file.path", record.pathname)
        known.setdefault("code.function.name", record.funcName)
        known.setdefault("code.line.number", record.lineno)
        known["timestamp"] = datetime.datetime.fromtimestamp(record.created, tz=datetime.UTC).isoformat()
        return json.dumps(known, default=str)


class TextLines(logging.Formatter):
    """A record as a line for people: time, level, logger, message and fields. A traceback follows in lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        fields = [f"{name}={_shown(value)}" for name, value in _fields(record).items()]
        time = f"{datetime.datetime.fromtimestamp(record.created).astimezone():%Y-%m-%d %H:%M:%S}"
        line = " ".join([time, f"{record.levelname:7}", record.name, record.getMessage(), *fields]).translate(_LINE_BREAKS)
        return "\n".join(filter(None, [line, _traceback(self, record)]))


def log_to_stderr() -> None:
    """Log records of level INFO and above to stderr, as text for people until `set_log_format`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def set_log_format(log_format: Literal["json", "text"] | None) -> None:
    """Have the root's handlers write lines of this form from here on. None: as they do now."""
    if log_format is not None:
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines() if log_format == "json" else TextLines())


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD and not name.startswith("_")}


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if record.exc_info:
        return formatter.formatException(record.exc_info)
    return record.exc_text or ""


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value if value and value.isprintable() and " " not in value else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list | tuple) else str(value)
