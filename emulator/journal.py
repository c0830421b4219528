"""A journal of the wire: time, session, direction, message. Sound is written as its length, or on request as WAV files.

The newest lines stay in memory; all of them go to a file, where one is asked for. `t` is in seconds on the monotonic clock, and
the first line says what time it was then.
"""

import datetime
import json
import logging
import re
import time
import wave
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self, TextIO

from emulator.messages import Json

logger = logging.getLogger(__name__)

_AUDIO_KEYS = {"data"}
_LONGEST_KEPT_RAW = 16 * 1024
_MOST_SOUNDS = 256
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 64

Direction = Literal["received", "sent", "event"]


class _Entry(NamedTuple):
    t: float
    session: str
    direction: Direction
    message: str | bytes | Json
    """Raw frames are parsed only when a line is asked for: parsing all would double the work per frame."""

    def line(self) -> Json:
        message = self.message if isinstance(self.message, Mapping) else _readable(self.message)
        return {"t": self.t, "session": self.session, "direction": self.direction, "message": message}


class Journal:
    """Keeps the newest `most_recent` messages in memory, and all of them in a file if there is a path."""

    def __init__(self, path: Path | None, *, audio_folder: Path | None = None, most_recent: int = 1000) -> None:
        self._path = path
        self._audio_folder = audio_folder
        self._file: TextIO | None = None
        self._recent: deque[_Entry] = deque(maxlen=most_recent)
        self._sounds: dict[str, wave.Wave_write] = {}
        """Open WAV files by session. Beyond `_MOST_SOUNDS` at a time, further sessions' sound is not kept."""

    def __enter__(self) -> Self:
        if self._audio_folder is not None:
            self._audio_folder.mkdir(parents=True, exist_ok=True)
        if self._path is not None:
            # a lone surrogate, which JSON may carry and UTF-8 may not, is written as JSON's own escape
            self._file = self._path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
        self.write("", "event", {"started": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for session in list(self._sounds):
            self.end(session)
        if self._file is not None:
            self._file.close()

    def write(self, session: str, direction: Direction, message: str | bytes | Json) -> None:
        """Keep one message, a raw frame or an object."""
        if isinstance(message, Mapping) or len(message) > _LONGEST_KEPT_RAW or self._file is not None:
            message = _readable(message)
        entry = _Entry(round(time.monotonic(), 4), session, direction, message)
        self._recent.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry.line(), ensure_ascii=False) + "\n")

    def recent(self) -> list[Json]:
        """The newest lines of the journal, oldest first."""
        return [entry.line() for entry in self._recent]

    def write_sound(self, session: str, pcm: bytes, rate_hz: int) -> None:
        """Append sound of a session's caller, mono PCM16, to the session's WAV file; without a folder nothing is kept."""
        if self._audio_folder is None:
            return None
        sound = self._sounds.get(session)
        if sound is None:
            if len(self._sounds) >= _MOST_SOUNDS:
                return None
            if len(self._sounds) == _MOST_SOUNDS - 1:
                logger.warning("%d sessions are being recorded at once; more are not", _MOST_SOUNDS)
            sound = self._sounds[session] = _new_sound(self._audio_folder, session, rate_hz)
        elif sound.getframerate() != rate_hz:
            self.end(session)
            return self.write_sound(session, pcm, rate_hz)
        sound.writeframesraw(pcm)
        return None

    def end(self, session: str) -> None:
        """Close a session's WAV file. Sound that comes later, or at another rate, goes to another file."""
        sound = self._sounds.pop(session, None)
        if sound is not None:
            sound.close()


def _new_sound(folder: Path, session: str, rate_hz: int) -> wave.Wave_write:
    """Open a WAV file under a name that isn't taken: `name.wav`, `name-2.wav`, ..."""
    name = _UNSAFE.sub("_", session)[:_LONGEST_NAME] or "session"
    path, number = folder / f"{name}.wav", 1
    while True:
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            number += 1
            path = folder / f"{name}-{number}.wav"
            continue
        sound = wave.open(str(path), "wb")  # noqa: SIM115 - open for as long as the session
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate_hz)
        return sound


def _readable(message: str | bytes | Json) -> Json:
    try:
        read = json.loads(message) if isinstance(message, str | bytes) else message
        short = _short(read)
    except (ValueError, RecursionError):  # no JSON, or nested deeper than anybody reads
        return {"unreadable_bytes": len(message)}
    return short if isinstance(short, dict) else {"not_an_object": short}


def _short(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: f"<{len(inner)} characters>" if key in _AUDIO_KEYS and isinstance(inner, str) else _short(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_short(inner) for inner in value]
    return value
