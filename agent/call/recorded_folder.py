"""The files of a recording that are written when it begins, when another process goes on with it, and when it ends."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.call.recording_plan import TRANSCRIPT_KIND
from records import CallFolder, CallSummary, RecordsError
from records.call_folder import SOUND, SUBTITLES, SUMMARY, TRANSCRIPT
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


def begin(folder: CallFolder, new: CallSummary, now_s: float) -> BegunRecord:
    """Write the summary of a call that begins, or of one that another process has begun.

    Args:
        folder: Of the call; it is there.
        new: The summary of a call that begins.
        now_s: The time, in seconds since the call began.

    Raises:
        RecordsError: the folder can't be read or written.
    """
    record = _gone_on(folder, new, now_s) or BegunRecord(new)
    folder.replace(SUMMARY, to_json(record.summary))
    return record


def _gone_on(folder: CallFolder, new: CallSummary, now_s: float) -> BegunRecord | None:
    """The recording that another process has begun; None: there is no summary that can be read."""
    try:
        before = from_json(folder.read(SUMMARY))
    except RecordsError:
        return None
    was_s = recorded_s(folder.path / SOUND, RATE_HZ)
    gap_s = None if was_s is None else round(max(now_s - was_s, 0.0), 3)
    gaps_s = round(before.gaps_s + (gap_s or 0.0), 3)
    told = {"processes": before.processes + 1, "gaps_s": gaps_s, "job": new.job, "traces": (*before.traces, *new.traces)}
    told |= {"call_id": before.call_id or new.call_id}
    return BegunRecord(before.model_copy(update=told), gap_s)


def finish(folder: CallFolder, summary: CallSummary, silences: Sequence[Silence]) -> None:
    """Write what is made when the call is over.

    Args:
        folder: Of the call; nobody else writes it any more.
        summary: Its figures.
        silences: The stretches of its sound with private words.

    Raises:
        RecordsError: the folder can't be read or written.
    """
    silence_sound(folder, silences)
    if TRANSCRIPT_KIND in summary.recorded:
        folder.replace(SUBTITLES, subtitles(transcript_lines(folder.read(TRANSCRIPT))))
    folder.replace(SUMMARY, to_json(summary))
