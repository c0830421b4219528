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


def found(**settings: str) -> subprocess.CompletedProcess[str]:
    nothing = dict.fromkeys(("GOOGLE_API_KEY", "GEMINI_API_KEY", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"), "")
    known = {"GEMINI_BASE_URL": "https://127.0.0.1:9", "GEMINI_CHECK": "off", "LIVEKIT_URL": "ws://127.0.0.1:9"}
    environment = {**os.environ, **nothing, **known, **settings}
    # `start` is the word that lk has there: it decides what is checked
    argv = [sys.executable, "-c", FIND, "start"]
    return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_the_repository_is_a_python_project_with_its_entry_file_in_the_root() -> None:
    assert project_type() == "python.uv"
    assert (ROOT / "agent.py").is_file()


def test_the_module_that_lk_imports_has_a_server() -> None:
    done = found()
    assert done.stdout.split() == ["agent:server", "True"], done.stderr[-2000:]


def test_a_mistake_in_the_settings_is_one_sentence_and_exit_code_2() -> None:
    done = found(GEMINI_SILENCE_MS="fast")
    assert done.returncode == 2
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith("GEMINI_SILENCE_MS is 'fast': input should be a valid integer")


def test_the_package_is_imported_without_settings_and_has_nothing_else() -> None:
    assert "server" in dir(agent)
    with pytest.raises(AttributeError, match="has no attribute 'app'"):
        _ = agent.app
