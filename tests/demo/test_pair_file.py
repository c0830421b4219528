"""The file with the demo's key and secret: for this user alone, and for as long as the demo runs."""

import stat
import subprocess
from pathlib import Path

from dotenv import dotenv_values

from demo.pair_file import path_of, written

VARIABLES = {
    "LIVEKIT_URL": "ws://127.0.0.1:9000",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": 'it\'s $HOME `and` "more"',
}


def test_only_this_user_reads_it_and_it_goes_with_the_demo(tmp_path: Path) -> None:
    path = path_of(tmp_path, 9000)
    with written(path, VARIABLES):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert [found.name for found in path.parent.iterdir()] == ["9000.env"]
    assert list(path.parent.iterdir()) == []


def test_a_file_that_was_left_behind_is_replaced_with_its_permissions(tmp_path: Path) -> None:
    path = path_of(tmp_path, 9000)
    path.parent.mkdir()
    path.write_text("LIVEKIT_API_SECRET=old\n")
    path.chmod(0o644)
    with written(path, VARIABLES):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "old" not in path.read_text()


def test_a_shell_reads_the_values_to_the_letter(tmp_path: Path) -> None:
    path = path_of(tmp_path, 9000)
    with written(path, VARIABLES):
        shown = subprocess.run(
            ["sh", "-c", '. "$0"; printf "%s" "$LIVEKIT_API_SECRET"', path], capture_output=True, text=True, check=True
        )
        assert shown.stdout == VARIABLES["LIVEKIT_API_SECRET"]


def test_python_dotenv_reads_a_drawn_secret(tmp_path: Path) -> None:
    drawn = VARIABLES | {"LIVEKIT_API_SECRET": "njyJg__-H7f7J6icMz9pI3Ex5b93bQVpjOEGZ0wjb-4"}
    path = path_of(tmp_path, 9000)
    with written(path, drawn):
        assert dotenv_values(path) == drawn
