"""The end of the record of a call with which no process has gone on: written by a worker, from the call's last checkpoint."""

from datetime import datetime
from pathlib import Path

from agent.call.call_cost import rounded
from agent.call.call_figures import ended
from agent.call.checkpoint import UnusableCheckpointError, from_json
from agent.call.endings import Ending
from agent.call.record import CallRecord
from agent.call.recorded_folder import finish
from records import CallFolder
from records.call_folder import SUMMARY
from records.errors import NoRecordError
from records.summary import from_json as summary_from_json
from records.summary import latency


def end_given_up(calls: Path, content: bytes, now: datetime) -> None:
    """Write the ending `no_worker` into the call's summary. Nothing happens if its record isn't here, or has an ending.

    Args:
        calls: The folder of all calls (RECORD_DIR).
        content: The call's last checkpoint.
        now: The time at which the call was given up.

    Raises:
        RecordsError: the folder can't be written.
    """
    try:
        checkpoint = from_json(content)
        folder = CallFolder(calls, checkpoint.recording)
        begun = summary_from_json(folder.read(SUMMARY))
    except (UnusableCheckpointError, NoRecordError):
        return
    if begun.ending is not None:
        return
    record = CallRecord(room=begun.room, persona=begun.persona)
    record.go_on(checkpoint.figures)
    lasted_s = (now - begun.started_at).total_seconds()
    heard = checkpoint.latencies
    known = {
        "is_fault": True,
        "cost_usd": rounded(checkpoint.figures.cost_usd) or None,
        "response_latency": latency([*heard.responses_s]),
        "greeting_latency_s": heard.greeting_s,
    }
    finish(folder, ended(begun, Ending.NO_WORKER, record, record.losses_before, lasted_s).model_copy(update=known), ())
