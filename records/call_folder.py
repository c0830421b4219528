"""The folder of one call: what it is called, what is in it, and who may read it.

    NAME/call.wav            the sound: left what the caller said, right what the caller heard
    NAME/call.opus           the same in its place, with RECORD_FORMAT=opus, when the call is over
    NAME/transcript.jsonl    a line for each thing that was said
    NAME/transcript.vtt      the same as subtitles of call.wav, made when the call has ended
    NAME/timeline.jsonl      a line for each event of the call
    NAME/summary.json        the call in figures (records/summary.py)
    NAME/summary.other.json  figures of another version, which the process that went on with the call couldn't read
    NAME/.waveform           the waveform of call.opus, for the operator's page (records/waveform.py)
    NAME/.uploaded           there once storage has all of these (records/uploading.py)

All times are seconds since the call began: its sound begins at 0.
"""

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from records.errors import NoRecordError, RecordingError

SOUND, OPUS = "call.wav", "call.opus"
BEGUN_OPUS = ".call.opus."
"""What the name of an Opus file begins with that isn't whole."""
TRANSCRIPT, SUBTITLES = "transcript.jsonl", "transcript.vtt"
TIMELINE = "timeline.jsonl"
SUMMARY, OTHER_SUMMARY = "summary.json", "summary.other.json"
COPIED = (SOUND, OPUS, TRANSCRIPT, SUBTITLES, TIMELINE, SUMMARY, OTHER_SUMMARY)
"""The files that are copied into storage."""
WAVEFORM = ".waveform"
"""The waveform of the Opus file."""
UPLOADED = ".uploaded"
"""Says that storage has all files of the call."""

BACKGROUND = "background"
"""The type of a timeline's line for the soft sound while a tool runs: from `t` to `until_s`, in the right channel."""

_RESERVED_BYTES = 16_384
"""More than a summary has."""
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
        """Write a whole file, in UTF-8: a reader sees the old text or the new one.

        Raises:
            RecordingError: it can't be written.
        """
        path, written = self.path / file, self.path / f".{file}"
        try:
            with self._opened(written) as opened:
                opened.write(text.encode())
                opened.truncate()
            written.replace(path)
        except OSError as error:
            raise RecordingError(f"{path} can't be written: {error.strerror}") from error

    def show_running(self) -> None:
        """Say by the folder's time that the call runs (records/running.py)."""
        with contextlib.suppress(OSError):
            os.utime(self.path)

    def reserve(self, file: str) -> None:
        """Take space for the next `replace` of a file, so that a full disk doesn't refuse it.

        Raises:
            RecordingError: there is no space left.
        """
        try:
            with self._opened(self.path / f".{file}") as opened:
                opened.write(bytes(_RESERVED_BYTES))
        except OSError as error:
            raise RecordingError(f"there is no space for {self.path / file}: {error.strerror}") from error

    def _opened(self, path: Path) -> BinaryIO:
        """A file to be written over what it has, in the space that it has."""
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "wb")

    def rename(self, file: str, other: str) -> None:
        """Give a file another name, in place of one that has it.

        Raises:
            RecordingError: it can't be done.
        """
        try:
            (self.path / file).replace(self.path / other)
        except OSError as error:
            raise RecordingError(f"{self.path / file} can't be renamed: {error.strerror}") from error

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
        hidden = (WAVEFORM, UPLOADED)
        names = [*COPIED, *hidden, *(f".{name}" for name in (*COPIED, *hidden))]
        paths = [*(self.path / name for name in names), *self.path.glob(f"{BEGUN_OPUS}*")]
        return [path for path in paths if path.is_file() and not path.is_symlink()]


def folders(calls: Path) -> Iterator[CallFolder]:
    """The folders of all calls, the oldest first; none if there is no such folder."""
    if calls.is_dir():
        for path in sorted(calls.iterdir()):
            if is_name(path.name) and path.is_dir() and not path.is_symlink():
                yield CallFolder(calls, path.name)
