"""The files of a recording that are written when it begins, stops or ends, and when another process goes on with it."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.call.recording_plan import TRANSCRIPT_KIND
from records import CallFolder, CallSummary, RecordsError, RecordWriter
from records.call_folder import OTHER_SUMMARY, SOUND, SUBTITLES, SUMMARY, TRANSCRIPT
from records.errors import NoRecordError
from records.stereo_wav import recorded_s
from records.summary import from_json, to_json
from records.transcript import from_json as transcript_lines
from records.transcript import subtitles
from records.writer import RATE_HZ, Silence, silence_sound


@dataclass(frozen=True)
class BegunRecord:
    """A recording that begins in this process."""

    summary: CallSummary
    gap_s: float | None = None
    """The seconds between the end of what another process has recorded and this moment. None: there is no such process, or no
    sound that tells it."""


def open_record(
    folder: CallFolder, new: CallSummary, now_s: float, on_failed: Callable[[str], object], *, has_sound: bool
) -> tuple[RecordWriter, BegunRecord]:
    """Make the folder of a call that begins, or take over that of one that another process has begun, with its summary.

    Args:
        folder: Of the call.
        new: The summary of a call that begins.
        now_s: The time, in seconds since the call began.
        on_failed: Called in the writer's thread when nothing more can be written; the summary has its reason by then.
        has_sound: Whether there is sound to be written.

    Returns:
        What writes the folder, to be opened, and the recording.

    Raises:
        RecordsError: the folder can't be read or written.
    """
    folder.make()
    folder.reserve(SUMMARY)
    record = _gone_on(folder, new, now_s) or BegunRecord(new)
    _write_summary(folder, record.summary)

    def failed(reason: str) -> None:
        with contextlib.suppress(RecordsError):
            _write_summary(folder, record.summary.model_copy(update={"stopped": reason}))
        on_failed(reason)

    return RecordWriter(folder, failed, has_sound=has_sound), record


def _write_summary(folder: CallFolder, summary: CallSummary) -> None:
    """Write the summary of a call that goes on, and keep space for the next one."""
    folder.replace(SUMMARY, to_json(summary))
    folder.reserve(SUMMARY)


def _gone_on(folder: CallFolder, new: CallSummary, now_s: float) -> BegunRecord | None:
    """The recording that another process has begun; None: there is none.

    A summary that can't be read is of another version, and is kept.
    """
    if not (folder.path / SUMMARY).exists():
        return None
    try:
        before = from_json(folder.read(SUMMARY))
    except NoRecordError:
        folder.rename(SUMMARY, OTHER_SUMMARY)
        before = new.model_copy(update={"traces": ()})
    was_s = recorded_s(folder.path / SOUND, RATE_HZ)
    gap_s = None if was_s is None else round(max(now_s - was_s, 0.0), 3)
    gaps_s = round(before.gaps_s + (gap_s or 0.0), 3)
    told = {"processes": before.processes + 1, "gaps_s": gaps_s, "job": new.job, "traces": (*before.traces, *new.traces)}
    told |= {"call_id": before.call_id or new.call_id}
    return BegunRecord(before.model_copy(update=told), gap_s)


def finish(folder: CallFolder, summary: CallSummary, silences: Sequence[Silence]) -> None:
    """Write what is made when the call is over, the summary in any case.

    The summary comes last: a call whose summary has an ending may be copied into storage.

    Args:
        folder: Of the call; nobody else writes it any more.
        summary: Its figures.
        silences: The stretches of its sound with private words.

    Raises:
        RecordsError: one of the files can't be read or written.
    """
    try:
        silence_sound(folder, silences)
        if TRANSCRIPT_KIND in summary.recorded:
            folder.replace(SUBTITLES, subtitles(transcript_lines(folder.read(TRANSCRIPT))))
    finally:
        folder.replace(SUMMARY, to_json(summary))
