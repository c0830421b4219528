"""The folder of one call: how its files are written."""

import os
import subprocess
import sys
from pathlib import Path

from records import CallFolder
from records.call_folder import SUBTITLES

ROOT = Path(__file__).parents[2]
NAME = "20261129T080000Z-0123abcd"

IN_ASCII = """
import sys
from pathlib import Path
from records import CallFolder
from records.call_folder import SUBTITLES

folder = CallFolder(Path(sys.argv[1]), sys.argv[2])
folder.make()
folder.replace(SUBTITLES, "Gr\\u00fc\\u00dfe")
"""


def test_files_are_utf_8_whatever_the_locale_is(tmp_path: Path) -> None:
    """A service without LANG has the locale C."""
    argv = [sys.executable, "-c", IN_ASCII, str(tmp_path), NAME]
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run(argv, cwd=ROOT, env=environment, check=True)
    assert CallFolder(tmp_path, NAME).read(SUBTITLES) == "Gr\u00fc\u00dfe"
