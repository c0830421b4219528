"""What is done with recorded calls that are over: their sound is compressed, and their files are copied into storage."""

from dataclasses import dataclass
from pathlib import Path

from records.call_folder import SOUND, CallFolder, folders
from records.running import is_over
from records.uploading import is_uploaded


@dataclass(frozen=True)
class Finishing:
    """What is to be done."""

    compresses: bool
    """RECORD_FORMAT=opus."""
    uploads: bool
    """RECORD_S3 is set."""


def waiting_calls(calls: Path, finishing: Finishing, now: float) -> int:
    """The number of calls that are over, and with which something is to be done."""
    return sum(_lacks(folder, finishing) and is_over(folder, now) for folder in folders(calls))


def _lacks(folder: CallFolder, finishing: Finishing) -> bool:
    is_compressed = not finishing.compresses or not (folder.path / SOUND).exists()
    return not is_compressed or (finishing.uploads and not is_uploaded(folder))
