"""Whether a recorded call is over. While it runs, its folder has a time of the last minute (records/writer.py)."""

from records.call_folder import SUMMARY, CallFolder
from records.errors import NoRecordError
from records.retention import RUNS_S, on_disk
from records.summary import from_json


def is_over(folder: CallFolder, now: float) -> bool:
    """The call has ended, or its process has died and no other one has gone on with it."""
    try:
        if from_json(folder.read(SUMMARY)).ending is not None:
            return True
    except NoRecordError:
        pass
    return now - on_disk(folder).changed_at > RUNS_S
