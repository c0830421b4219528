"""The unit files of systemd: they name what is there, give calls their time, and systemd understands them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.settings import Settings
from tests.deploy.unit_file import WORKER_UNIT, read_unit, seconds
from tests.test_architecture import ROOT
from token_server.settings import TokenServerSettings

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
TOKEN_UNIT = WORKER_UNIT.with_name("earshot-token-server@.service")
OURS = (WORKER_UNIT, TOKEN_UNIT)
ENDS_IN_S = 30
"""What a worker may need beyond DRAIN_TIMEOUT_S: the calls that still run are ended, each with a word to its room."""


def test_a_stop_gives_running_calls_their_time() -> None:
    unit = read_unit(WORKER_UNIT)
    assert unit["KillMode"] == ["mixed"]
    assert "KillSignal" not in unit, "systemd's default is SIGTERM"
    drains_s = Settings.model_fields["drain_timeout_s"].default
    assert seconds(unit["TimeoutStopSec"][0]) > drains_s + ENDS_IN_S
    assert drains_s >= Settings.model_fields["longest_call_s"].default


def test_one_killed_call_does_not_stop_the_worker() -> None:
    """The default of systemd is `stop` (docs/facts.md L242)."""
    assert read_unit(WORKER_UNIT)["OOMPolicy"] == ["continue"]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_it_starts_again_unless_a_setting_can_not_be_used(path: Path) -> None:
    unit = read_unit(path)
    assert unit["Restart"] == ["on-failure"]
    assert unit["RestartPreventExitStatus"] == ["2"]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_its_settings_exist_and_its_files_have_examples(path: Path) -> None:
    unit = read_unit(path)
    settings = Settings if path == WORKER_UNIT else TokenServerSettings
    known = {name.upper() for name in settings.model_fields} | {"PYTHONUNBUFFERED"}
    assert set(re.findall(r"(\w+)=", unit["Environment"][0])) <= known
    for file in unit["EnvironmentFile"]:
        example = ROOT / "deploy" / "env" / f"{Path(file).name}.example"
        lines = re.findall(r"^(\w+)=(.*)$", example.read_text(), re.MULTILINE)
        assert {name for name, _ in lines} <= known
        assert not {name for name, _ in lines} & set(re.findall(r"(\w+)=", unit["Environment"][0])), "the file would win"
        assert all(not value for name, value in lines if re.search("KEY|SECRET", name)), "an example holds no secret"


def test_several_workers_run_beside_each_other_and_share_the_memory_where_calls_are() -> None:
    """Each has a port and a folder of its own; nothing hides /dev/shm from them, or deletes its files when one of them ends."""
    unit = read_unit(WORKER_UNIT)
    assert "HEALTH_PORT=808%i" in unit["Environment"][0].split()
    assert unit["WorkingDirectory"] == ["/opt/earshot/%i"]
    assert not {"PrivateIPC", "TemporaryFileSystem", "InaccessiblePaths", "ReadOnlyPaths", "DynamicUser", "RemoveIPC"} & set(
        unit
    )
    assert unit["User"] == ["earshot"], "they find each other's calls as one user"


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_it_is_not_root_and_can_not_become_it(path: Path) -> None:
    unit = read_unit(path)
    assert unit["User"] == ["earshot"] if path in OURS else unit["DynamicUser"] == ["yes"]
    assert unit["CapabilityBoundingSet"] == [""]
    assert path not in OURS or unit["NoNewPrivileges"] == ["yes"]


@pytest.mark.long
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_understands_it(path: Path, tmp_path: Path) -> None:
    """The programs that it starts are not installed here: stand-ins of their names are."""
    assert shutil.which("systemd-analyze"), "there is no systemd-analyze; on Debian and Ubuntu: sudo apt-get install systemd"
    text = path.read_text()
    for program in re.findall(r"(/(?:opt|usr/local)/[\w/.%-]+/(?:python|livekit-server))", text):
        text = text.replace(program, "/bin/true")
    unit = tmp_path / path.name.replace("@", "@1")
    unit.write_text(text)
    argv = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)]
    found = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")
