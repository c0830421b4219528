"""`python -m demo` before its first part runs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.test_architecture import ROOT


def test_ctrl_c_in_the_first_moments_ends_it_with_130_and_says_nothing(tmp_path: Path) -> None:
    """An import that never ends holds the demo where Ctrl-C used to be a traceback."""
    (tmp_path / "yaml.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    argv = [sys.executable, "-m", "demo"]
    with subprocess.Popen(
        argv, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        try:
            assert demo.stdout is not None
            assert demo.stdout.readline() == "importing\n"
            demo.send_signal(signal.SIGINT)
            _, errors = demo.communicate(timeout=30)
        finally:
            demo.kill()
    assert (demo.returncode, errors) == (130, "")
