"""Recorded calls as text for people, and as JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from records.call_folder import SUMMARY, TRANSCRIPT, CallFolder
from records.errors import NoRecordError
from records.summary import CallSummary, from_json
from records.transcript import TranscriptLine
from records.transcript import from_json as transcript_lines

_HEAD = ("CALL", "LENGTH", "ENDING", "PERSONA", "ROOM")
_RUNS = "-"


@dataclass(frozen=True)
class RecordedCallListing:
    """One call in the list."""

    name: str
    summary: CallSummary | None
    """None: it has none that can be read."""
    is_over: bool = True
    """Whether it has ended, or its process has died and no other one has gone on with it (records/running.py)."""


def read_call(folder: CallFolder) -> RecordedCallListing:
    """The call in a folder."""
    try:
        return RecordedCallListing(folder.name, from_json(folder.read(SUMMARY)))
    except NoRecordError:
        return RecordedCallListing(folder.name, None)


def list_as_text(calls: Sequence[RecordedCallListing]) -> str:
    """A table of calls."""
    rows = [_HEAD, *(_row(call) for call in calls)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def list_as_json(calls: Sequence[RecordedCallListing]) -> str:
    """The summaries of calls, as a list."""
    return json.dumps([_as_object(call) for call in calls], ensure_ascii=False, indent=1)


def call_as_text(folder: CallFolder) -> str:
    """The figures of a call that aren't empty, and what was said in it.

    Raises:
        NoRecordError: it has no summary that can be read.
    """
    summary = from_json(folder.read(SUMMARY)).model_dump(mode="json")
    figures = [f"{name}: {_shown(value)}" for name, value in summary.items() if value not in (None, {}, "", False)]
    said = [_spoken(line) for line in transcript_lines(folder.read(TRANSCRIPT))]
    return "\n".join([*figures, "", *said] if said else figures)


def _row(call: RecordedCallListing) -> tuple[str, ...]:
    summary = call.summary
    if summary is None:
        return (call.name, _RUNS, "no summary", _RUNS, _RUNS)
    length = _RUNS if summary.duration_s is None else f"{summary.duration_s:.0f} s"
    return (call.name, length, summary.ending or _RUNS, summary.persona, summary.room)


def _as_object(call: RecordedCallListing) -> dict[str, object]:
    return {"call": call.name} if call.summary is None else call.summary.model_dump(mode="json")


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _spoken(line: TranscriptLine) -> str:
    marks = [name for name in ("interrupted", "interrupts", "typed") if getattr(line, name)]
    return f"{line.start_s:8.2f}  {line.who:6}  {line.text}" + (f"  ({', '.join(marks)})" if marks else "")
