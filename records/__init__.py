"""The records of calls: a folder for each call, with its sound, transcript, timeline and summary (docs/records.md)."""

from records.call_folder import CallFolder
from records.errors import RecordingError, RecordsError
from records.summary import CallSummary
from records.transcript import TranscriptLine
from records.writer import RecordWriter

__all__ = ["CallFolder", "CallSummary", "RecordWriter", "RecordingError", "RecordsError", "TranscriptLine"]
