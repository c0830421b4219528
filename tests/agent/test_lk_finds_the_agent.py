"""LiveKit's CLI finds this repository's agent: its rules for a project (livekit-cli 2.18.3), and the module that it imports."""

import os
import subprocess
import sys
import tomllib

import pytest

import agent
from tests.agent.test_settings import ROOT

FIND = """
from pathlib import Path
from livekit.agents import AgentServer
from livekit.agents.cli.discover import get_import_data
found = get_import_data(path=Path("agent.py"))
import importlib
server = getattr(importlib.import_module(found.module_data.module_import_str), found.app_name)
print(found.import_string, isinstance(server, AgentServer))
"""


def project_type() -> str:
    """The first rule that holds of pkg/agentfs/detect.go, for the files that git has in the root."""
    listed = subprocess.run(
        ["git", "ls-files", ":(glob)*"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    signs = {"package.json": "node", "uv.lock": "python.uv", "poetry.lock": "python.pip", "requirements.txt": "python.pip"}
    for file, kind in signs.items():
        if file in listed:
            return kind
    assert "pyproject.toml" in listed
    return "python.uv" if "uv" in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"] else "python.pip"


KNOWN = {
    **dict.fromkeys(("GOOGLE_API_KEY", "GEMINI_API_KEY", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"), ""),
    "GEMINI_BASE_URL": "https://127.0.0.1:9",
    "GEMINI_CHECK": "off",
    "LIVEKIT_URL": "ws://127.0.0.1:9",
}
"""A worker's environment."""


def test_the_repository_is_a_python_project_with_its_entry_file_in_the_root() -> None:
    assert project_type() == "python.uv"
    assert (ROOT / "agent.py").is_file()


def test_the_module_that_lk_imports_has_a_server() -> None:
    argv = [sys.executable, "-c", FIND, "start"]  # the word that lk has there: it decides what is checked
    done = subprocess.run(argv, cwd=ROOT, env=os.environ | KNOWN, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.split() == ["agent:server", "True"], done.stderr[-2000:]


def test_a_mistake_in_the_settings_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (KNOWN | {"GEMINI_SILENCE_MS": "fast"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["lk", "start"])
    with pytest.raises(SystemExit) as ended:
        _ = agent.server
    assert ended.value.code == 2
    [sentence] = capsys.readouterr().err.splitlines()
    assert sentence.startswith("GEMINI_SILENCE_MS is 'fast': input should be a valid integer")


def test_the_package_is_imported_without_settings_and_has_nothing_else() -> None:
    assert "server" in dir(agent)
    with pytest.raises(AttributeError, match="has no attribute 'app'"):
        _ = agent.app
