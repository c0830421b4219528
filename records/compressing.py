"""Makes Opus of the sound of calls that are over, as RECORD_FORMAT=opus asks, and deletes their WAV files.

The waveform that the operator's pages show is written beside it.
"""

import json
import os
import secrets
from pathlib import Path

from records.call_folder import BEGUN_OPUS, OPUS, SOUND, WAVEFORM, CallFolder, folders
from records.errors import RecordingError, RecordsError
from records.opus import encode
from records.retention import RUNS_S
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
                _delete_left(folder, now)
                compress(folder)
            except (RecordsError, OSError):
                failed.append(folder.name)
            else:
                done.append(folder.name)
    return done, failed


def _delete_left(folder: CallFolder, now: float) -> None:
    """Delete what processes that were killed have left."""
    for left in folder.path.glob(f"{BEGUN_OPUS}*"):
        if now - left.stat().st_mtime > RUNS_S:
            left.unlink()


def compress(folder: CallFolder) -> None:
    """Replace `call.wav` by `call.opus`, and keep its waveform. One of the two is there, and whole, at any time.

    That holds after a power failure, too. On another machine a process may do the same: each has a file of its own until it is
    whole.

    Raises:
        RecordsError: it can't be read or written.
        OSError: the same.
    """
    _keep_waveform(folder)
    if not (folder.path / SOUND).exists():
        return
    begun = folder.path / f"{BEGUN_OPUS}{secrets.token_hex(4)}"
    begun.touch(mode=0o600)
    try:
        encode(folder.path / SOUND, begun)
        _write_through(begun)
        begun.replace(folder.path / OPUS)
    finally:
        begun.unlink(missing_ok=True)
    _write_through(folder.path)
    (folder.path / SOUND).unlink(missing_ok=True)


def _write_through(path: Path) -> None:
    """Have the disk keep a file or a folder as it is."""
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _keep_waveform(folder: CallFolder) -> None:
    waveform = json.dumps(to_json(waveform_of(blocks(folder))))
    try:
        folder.replace(WAVEFORM, waveform)
    except RecordingError:
        if not (folder.path / WAVEFORM).exists():  # else another process was sooner
            raise
