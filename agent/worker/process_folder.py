"""The temporary folder of each process of a call. Its worker removes it, so that a killed process leaves no file behind."""

import os
import shutil
import tempfile
from pathlib import Path

FOLDER_PREFIX = "earshot-process-"


def use_own_folder() -> None:
    """Have the temporary files of this process, LiveKit's folder of each job among them (L410), made in a folder of its own."""
    folder = _folder(os.getpid())
    folder.mkdir(mode=0o700, exist_ok=True)
    tempfile.tempdir = str(folder)


def remove_folder(process_id: int) -> None:
    """Remove the folder of a process that has ended, if there is one."""
    shutil.rmtree(_folder(process_id), ignore_errors=True)


def _folder(process_id: int) -> Path:
    return Path(tempfile.gettempdir()) / f"{FOLDER_PREFIX}{process_id}"
