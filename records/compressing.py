"""Makes Opus of the sound of calls that are over, as RECORD_FORMAT=opus asks, and deletes their WAV files.

The waveform that the operator's pages show is written beside it.
"""

import json
from pathlib import Path

from records.call_folder import OPUS, SOUND, WAVEFORM, CallFolder, folders
from records.errors import RecordingError, RecordsError
from records.opus import encode
from records.running import is_over
from records.sound import blocks
from records.waveform import to_json, waveform_of


def compress_calls(calls: Path, now: float) -> tuple[list[str], list[str]]:
    """Compress the sound of all calls that are over.

    Args:
        calls: The folder of all calls.
        now: The time (`time.time()`).

    Returns:
        The names of those that are compressed now, and of those that can't be: they keep their WAV file.
    """
    done, failed = [], []
    for folder in folders(calls):
        if not folder.is_compressed and is_over(folder, now):
            try:
                compress(folder)
            except (RecordsError, OSError):
                failed.append(folder.name)
            else:
                done.append(folder.name)
    return done, failed


def compress(folder: CallFolder) -> None:
    """Replace `call.wav` by `call.opus`, and keep its waveform. One of the two is there, and whole, at any time.

    Raises:
        RecordsError: it can't be read or written.
        OSError: the same.
    """
    _keep_waveform(folder)
    if not (folder.path / SOUND).exists():
        return
    begun = folder.path / f".{OPUS}"
    begun.unlink(missing_ok=True)
    begun.touch(mode=0o600)
    encode(folder.path / SOUND, begun)
    begun.replace(folder.path / OPUS)
    (folder.path / SOUND).unlink()


def _keep_waveform(folder: CallFolder) -> None:
    waveform = json.dumps(to_json(waveform_of(blocks(folder))))
    try:
        folder.replace(WAVEFORM, waveform)
    except RecordingError:
        if not (folder.path / WAVEFORM).exists():  # else another process was sooner
            raise
