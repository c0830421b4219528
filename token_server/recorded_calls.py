"""The recorded calls of RECORD_DIR, as the pages at /calls show them. Files are read in threads, two at a time."""

import asyncio
import dataclasses
import functools
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from records.call_folder import OPUS, SOUND, SUMMARY, TIMELINE, TRANSCRIPT, WAVEFORM, CallFolder, folders
from records.errors import NoRecordError, RecordsError
from records.listing import RecordedCallListing, read_call
from records.running import is_over
from records.search import CallSearch, faults, started_at
from records.transcript import from_json
from records.waveform import Waveform, read_waveform, to_json
from records.waveform import from_json as waveform_from_json
from token_server.errors import RefusedError

PAGE = 50
"""Calls in one answer of a search."""
MOST_TEXT_BYTES = 16 * 1024 * 1024
"""What is read of a transcript or a timeline; the rest is left out."""
MOST_EVENTS = 20_000
LARGEST_PART_BYTES = 2 * 1024 * 1024
"""The largest part of a call's sound in one answer: 22 s of a WAV file. A browser asks for the next part as it plays
(docs/facts.md L430)."""
_REMEMBERED_SUMMARIES = 20_000
_REMEMBERED_WAVEFORMS = 16
_AT_ONCE = 2
_LEFT_OUT = ("search_entry_point",)
"""Fields of events that are HTML from elsewhere."""

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class SoundPart:
    """A part of a file with sound."""

    content: bytes
    start: int
    size: int
    """The whole file's, in bytes."""
    media_type: str


class RecordedCalls:
    """Reads the folders of recorded calls."""

    def __init__(self, calls: Path) -> None:
        self._calls = calls
        self._reading = asyncio.Semaphore(_AT_ONCE)
        self._summaries = functools.lru_cache(_REMEMBERED_SUMMARIES)(self._read_summary)
        self._waveforms = functools.lru_cache(_REMEMBERED_WAVEFORMS)(self._read_waveform)

    async def search(self, wanted: CallSearch, before: str) -> dict[str, Any]:
        """The newest calls that match, and the name to go on before, if there may be more.

        Args:
            wanted: What the calls have in common.
            before: The name of a call: those that began before it. Empty: all.
        """
        return await self._in_thread(lambda: self._search(wanted, before))

    async def call(self, name: str) -> dict[str, Any]:
        """One call: its summary, what was said, and its events.

        Raises:
            RefusedError: there is no such call, or its files can't be read.
        """
        return await self._in_thread(lambda: self._call(self._folder(name)))

    async def waveform(self, name: str) -> dict[str, Any]:
        """The loudness of both sides over a call; the bytes of records.waveform in base64.

        Raises:
            RefusedError: there is no such call, no sound in it, or no waveform of its Opus file.
        """
        return to_json(await self._in_thread(lambda: self._waveform(self._folder(name))))

    async def sound_path(self, name: str) -> Path:
        """The path of a call's sound.

        Raises:
            RefusedError: there is no such call, or no sound in it.
        """
        return await self._in_thread(lambda: _sound(self._folder(name)))

    async def sound_part(self, path: Path, start: int | None, end: int | None) -> SoundPart:
        """A part of a call's sound, at most LARGEST_PART_BYTES.

        Args:
            path: The file.
            start: The first byte; None: the last `end` bytes.
            end: The last byte, that byte included; None: up to the end.

        Raises:
            RefusedError: the file has no such part.
        """
        return await self._in_thread(lambda: _part(path, start, end))

    async def _in_thread(self, read: Callable[[], T]) -> T:
        async with self._reading:
            try:
                return await asyncio.to_thread(read)
            except (RecordsError, OSError):
                raise RefusedError(404, "unreadable_record", "The files of this call can't be read.") from None

    def _folder(self, name: str) -> CallFolder:
        try:
            folder = CallFolder(self._calls, name)
        except NoRecordError:
            raise _no_call() from None
        if not folder.path.is_dir() or folder.path.is_symlink():
            raise _no_call()
        return folder

    def _search(self, wanted: CallSearch, before: str) -> dict[str, Any]:
        newest_first = sorted(folders(self._calls), key=lambda folder: folder.name, reverse=True)
        found: list[dict[str, Any]] = []
        for folder in newest_first:
            if before and folder.name >= before:
                continue
            if wanted.matches(listing := self._listing(folder)):
                if len(found) == PAGE:
                    return {"calls": found, "next": found[-1]["call"]}
                found.append(_shown(folder, listing))
        return {"calls": found, "next": None}

    def _listing(self, folder: CallFolder) -> RecordedCallListing:
        known = self._summaries(folder.name, _version(folder.path / SUMMARY))
        has_ended = known.summary is not None and known.summary.ending is not None
        return known if has_ended else dataclasses.replace(known, is_over=is_over(folder, time.time()))

    def _read_summary(self, name: str, _: tuple[int, int]) -> RecordedCallListing:
        return read_call(CallFolder(self._calls, name))

    def _read_waveform(self, path: Path, _: tuple[int, int]) -> Waveform:
        return read_waveform(path)

    def _call(self, folder: CallFolder) -> dict[str, Any]:
        events = list(_events(folder.read(TIMELINE, MOST_TEXT_BYTES)))
        sound = next((path for path in folder.files() if path.name in {SOUND, OPUS}), None)
        return {
            "call": _shown(folder, self._listing(folder)),
            "lines": [line.model_dump() for line in from_json(folder.read(TRANSCRIPT, MOST_TEXT_BYTES))],
            "events": events[:MOST_EVENTS],
            "events_left_out": max(len(events) - MOST_EVENTS, 0),
            "sound": None if sound is None else {"file": sound.name, "bytes": sound.stat().st_size},
        }

    def _waveform(self, folder: CallFolder) -> Waveform:
        path = _sound(folder)
        if path.name == SOUND:
            return self._waveforms(path, _version(path))
        if not (kept := folder.read(WAVEFORM)):
            raise RefusedError(404, "no_waveform", "This call has no waveform yet: `python -m records finish` makes it.")
        return waveform_from_json(kept)


def _version(path: Path) -> tuple[int, int]:
    """What changes with each write of a file: its time and its size."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def _shown(folder: CallFolder, listing: RecordedCallListing) -> dict[str, Any]:
    """A call as the list shows it."""
    summary = listing.summary
    return {
        "call": folder.name,
        "started_at": started_at(listing).isoformat(),
        "is_running": not listing.is_over,
        "faults": faults(listing),
        "summary": None if summary is None else summary.model_dump(mode="json"),
    }


def _sound(folder: CallFolder) -> Path:
    path = next((path for path in folder.files() if path.name in {SOUND, OPUS}), None)
    if path is None:
        raise RefusedError(404, "no_sound", "This call has no sound.")
    return path


def _part(path: Path, start: int | None, end: int | None) -> SoundPart:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        found = os.fstat(file)
        size = found.st_size if stat.S_ISREG(found.st_mode) else 0
        first = max(size - (end or 0), 0) if start is None else start
        last = size - 1 if start is None or end is None else min(end, size - 1)
        if first > last:
            raise RefusedError(416, "bad_range", f"The sound has {size} bytes.")
        content = os.pread(file, min(last - first + 1, LARGEST_PART_BYTES), first)
    finally:
        os.close(file)
    return SoundPart(content, first, size, media_type(path))


def media_type(path: Path) -> str:
    """The media type of a call's sound."""
    return "audio/ogg" if path.name == OPUS else "audio/wav"


def _events(text: str) -> Iterator[dict[str, Any]]:
    """The events of a timeline, in order. A line that is only half written is left out."""
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("t"), int | float) and isinstance(event.get("type"), str):
            yield {name: value for name, value in event.items() if name not in _LEFT_OUT}


def _no_call() -> RefusedError:
    return RefusedError(404, "not_found", "There is no such call.")
