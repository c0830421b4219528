"""`make real`: the tests marked `real`, in calls with Gemini itself. Options are pytest's.

Exit code 2 without a key; otherwise pytest's.
"""

import os
import subprocess
import sys

from agent.errors import AgentError
from configuration import FileError
from tests.e2e.real.gemini import REAL, asked_for
from tests.e2e.stack import ROOT


def main(options: list[str]) -> int:
    """Look for a key and for livekit-server, then run the tests."""
    try:
        asked_for()
    except (AgentError, FileError) as error:
        print(error, file=sys.stderr)
        return 2
    subprocess.run([sys.executable, "-m", "demo.livekit_server"], cwd=ROOT, check=True)
    argv = [sys.executable, "-m", "pytest", "-m", "real", "tests/e2e/real", *options]
    return subprocess.run(argv, cwd=ROOT, env={**os.environ, REAL: "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
