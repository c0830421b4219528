"""The sound of a caller whose call no process goes on with is deleted, and no other."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from agent.call.kept_sound import KeptSound, LeftSound

WRITES = """
import os, signal, sys
from pathlib import Path
from agent.call.kept_sound import KeptSound
with KeptSound(Path(sys.argv[1])).ring("another call") as ring:
    ring.write(b"ab" * 320)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_file_of_a_dead_process_is_deleted_at_the_second_look(tmp_path: Path) -> None:
    folder = tmp_path / "sound"
    killed = subprocess.run([sys.executable, "-c", WRITES, str(folder)], check=False, env={**os.environ})
    assert killed.returncode == -signal.SIGKILL
    [left] = folder.iterdir()
    look = LeftSound(folder)
    with KeptSound(folder).ring("a call") as ring:
        assert ring is not None
        look.look()
        assert left.exists(), "another process may take the call"
        look.look()
        look.look()
        assert list(folder.iterdir()) == [ring.path]
    LeftSound(tmp_path / "missing").look()
