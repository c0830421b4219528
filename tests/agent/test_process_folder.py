"""What the process of a call writes into temporary files is gone with the process."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from agent.worker.process_folder import remove_folder

PROCESS = """
import os, signal, tempfile
from agent.worker.process_folder import use_own_folder
use_own_folder()
tempfile.mkstemp()
tempfile.mkdtemp()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_files_of_a_killed_process_are_removed_by_its_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "of-another-process").touch()
    killed = subprocess.Popen([sys.executable, "-c", PROCESS], env={**os.environ, "TMPDIR": str(tmp_path)})
    assert killed.wait() == -signal.SIGKILL
    [folder] = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert [len(list(folder.iterdir())), folder.stat().st_mode & 0o777] == [2, 0o700]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    remove_folder(killed.pid)
    remove_folder(killed.pid)
    assert [path.name for path in tmp_path.iterdir()] == ["of-another-process"]
