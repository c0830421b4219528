"""What went over the wire, as JSON lines: time, session, direction, message. Sound is written as its length."""

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TextIO

from emulator.messages import Json

_AUDIO_KEYS = {"data"}


class Journal:
    """A file that is written line by line; without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            self._file = self._path.open("a", encoding="utf-8", buffering=1)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, session: str, direction: Literal["received", "sent", "event"], message: str | bytes | Json) -> None:
        """Keep one message, a raw frame or an object. `t` is in seconds on the monotonic clock."""
        if self._file is None:
            return
        if isinstance(message, str | bytes):
            try:
                message = json.loads(message)
            except ValueError:
                message = {"unreadable_bytes": len(message)}
        line = {"t": round(time.monotonic(), 4), "session": session, "direction": direction, "message": _short(message)}
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: f"<{len(inner)} characters>" if key in _AUDIO_KEYS and isinstance(inner, str) else _short(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_short(inner) for inner in value]
    return value
