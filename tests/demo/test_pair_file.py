"""The file with the demo's key and secret: for this user alone, and for as long as the demo runs."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dotenv import dotenv_values

from demo.pair_file import path_of, written
from tests.e2e.stack import ROOT

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


Phone = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    """`scripts/phone` in a folder whose python tells with which pair the line would be started."""
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    shown = 'echo "$LIVEKIT_URL $LIVEKIT_API_KEY $LIVEKIT_API_SECRET"'
    python.write_text(f'#!/bin/sh\nif [ "$2" = telephony ]; then {shown}; else exec {sys.executable} "$@"; fi\n')
    python.chmod(0o755)

    def run(**settings: str) -> subprocess.CompletedProcess[str]:
        own = {name: value for name, value in os.environ.items() if name not in {*VARIABLES, "CACHE", "XDG_CACHE_HOME"}}
        environment = own | {"PYTHONPATH": str(ROOT), "PORT_BASE": "9000", "HOME": str(tmp_path)} | settings
        argv = ["sh", str(ROOT / "scripts" / "phone")]
        return subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize("by", ["home", "environment", "file"])
def test_the_telephone_finds_what_the_demo_has_written(phone: Phone, tmp_path: Path, by: str) -> None:
    """Wherever the demo's own settings say that it is."""
    settings = {"XDG_CACHE_HOME": str(tmp_path / "cache")} if by == "environment" else {}
    if by == "file":
        (tmp_path / ".env").write_text(f"XDG_CACHE_HOME={tmp_path / 'cache'}\n")
    cache = tmp_path / (".cache" if by == "home" else "cache")
    with written(path_of(cache / "earshot", 9000), VARIABLES):
        done = phone(**settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == " ".join(VARIABLES.values())


def test_the_telephone_takes_the_environments_pair_before_a_file_that_was_left_behind(phone: Phone, tmp_path: Path) -> None:
    with written(path_of(tmp_path / ".cache" / "earshot", 9000), VARIABLES):
        done = phone(LIVEKIT_API_KEY="own", LIVEKIT_API_SECRET="own-secret")
    assert done.stdout.strip() == "ws://127.0.0.1:9000 own own-secret"


def test_the_telephone_without_a_demo_says_so(phone: Phone) -> None:
    done = phone()
    assert done.returncode == 2
    assert "no demo runs at PORT_BASE=9000" in done.stderr


def test_the_telephone_refuses_half_a_pair(phone: Phone) -> None:
    done = phone(LIVEKIT_API_KEY="own")
    assert done.returncode == 2
    assert "set both, or neither" in done.stderr
