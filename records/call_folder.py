"""The folder of one call: what it is called, what is in it, and who may read it.

    NAME/call.wav            the sound: left what the caller said, right what the caller heard
    NAME/call.opus           the same in its place, with RECORD_FORMAT=opus, when the call is over
    NAME/transcript.jsonl    a line for each thing that was said
    NAME/transcript.vtt      the same as subtitles of call.wav, made when the call has ended
    NAME/timeline.jsonl      a line for each event of the call
    NAME/summary.json        the call in figures (records/summary.py)
    NAME/.waveform           the waveform of call.opus, for the operator's page (records/waveform.py)
    NAME/.uploaded           there once storage has all of these (records/uploading.py)

All times are seconds since the call began: its sound begins at 0.
"""

import os
import re
import secrets
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from records.errors import NoRecordError, RecordingError

SOUND, OPUS = "call.wav", "call.opus"
TRANSCRIPT, SUBTITLES = "transcript.jsonl", "transcript.vtt"
TIMELINE = "timeline.jsonl"
SUMMARY = "summary.json"
WAVEFORM = ".waveform"
"""The waveform of the Opus file."""
UPLOADED = ".uploaded"
"""Says that storage has all files of the call."""

BACKGROUND = "background"
"""The type of a timeline's line for the soft sound while a tool runs: from `t` to `until_s`, in the right channel."""

_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


def new_name(now: datetime) -> str:
    """A name for the folder of a call that begins now: names sort by time, and no two calls have the same one."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def is_name(name: str) -> bool:
    """Whether it is the name of a call's folder."""
    return _NAME.fullmatch(name) is not None


class CallFolder:
    """One call's folder in the folder of all calls."""

    def __init__(self, calls: Path, name: str) -> None:
        if not is_name(name):
            raise NoRecordError(f"{name!r} is no name of a call; `python -m records list` shows the names")
        self.name = name
        self.path = calls / name

    @property
    def is_compressed(self) -> bool:
        """Whether none of its sound is to be made smaller any more, and the waveform of an Opus file is there."""
        has_wav, has_opus, has_waveform = ((self.path / name).exists() for name in (SOUND, OPUS, WAVEFORM))
        return not has_wav and (has_waveform or not has_opus)

    def make(self) -> None:
        """Make the folder, readable for this user alone. One that is there already goes on.

        Raises:
            RecordingError: it can't be made.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
            found = self.path.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                raise RecordingError(f"{self.path} is another user's")
        except OSError as error:
            raise RecordingError(f"{self.path} can't be made: {error.strerror}") from error

    def replace(self, file: str, text: str) -> None:
        """Write a whole file: a reader sees the old text or the new one.

        Raises:
            RecordingError: it can't be written.
        """
        path, written = self.path / file, self.path / f".{file}"
        try:
            with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as opened:
                opened.write(text)
            written.replace(path)
        except OSError as error:
            raise RecordingError(f"{path} can't be written: {error.strerror}") from error

    def read(self, file: str, most_bytes: int = -1) -> str:
        """The text of a file, or of its first `most_bytes`; empty if there is none. A character that is cut is left out.

        Raises:
            NoRecordError: it can't be read.
        """
        path = self.path / file
        try:
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb") as opened:
                content = opened.read(most_bytes)
            return content.decode(errors="ignore" if len(content) == most_bytes else "strict")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise NoRecordError(f"{path} can't be read: {error}") from error

    def delete(self) -> None:
        """Delete the folder and the files of a call in it. What else is there stays, and so does the folder then."""
        for path in self.files():
            path.unlink(missing_ok=True)
        try:
            self.path.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            raise RecordingError(f"{self.path} can't be deleted: {error.strerror}") from error

    def files(self) -> list[Path]:
        """The files of the call that there are."""
        known = (SOUND, OPUS, TRANSCRIPT, SUBTITLES, TIMELINE, SUMMARY)
        hidden = (WAVEFORM, UPLOADED)
        names = [*known, *hidden, *(f".{name}" for name in (*known, *hidden))]
        return [path for name in names if (path := self.path / name).is_file() and not path.is_symlink()]


def folders(calls: Path) -> Iterator[CallFolder]:
    """The folders of all calls, the oldest first; none if there is no such folder."""
    if calls.is_dir():
        for path in sorted(calls.iterdir()):
            if is_name(path.name) and path.is_dir() and not path.is_symlink():
                yield CallFolder(calls, path.name)
