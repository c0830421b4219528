"""The wheels in environments of their own, outside of the repository, with software that isn't ours."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from demo.parts import Program, running
from tests.e2e.stack import API_KEY, API_SECRET, ROOT, sfu
from tests.wheels.build import build, uv

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]  # packages are downloaded

ASIDE = {
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "LIVEKIT_URL",
    "LIVEKIT_API_KEY",
    "LIVEKIT_API_SECRET",
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ASIDE}


def environment_with(folder: Path, *packages: str | Path) -> Path:
    """A virtual environment with these packages; returns its folder of programs."""
    subprocess.run([uv(), "venv", "--quiet", folder / "venv"], check=True, cwd=folder)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([uv(), "pip", "install", "--quiet", "--python", python, *packages], check=True, cwd=folder)
    return folder / "venv" / "bin"


def run(folder: Path, *argv: str | Path, **environment: str) -> str:
    """Run a program to its end, in a folder; returns what it printed."""
    ran = subprocess.run(
        argv, cwd=folder, env={**ENVIRONMENT, **environment}, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    return ran.stdout


def test_the_emulator_is_used_with_googles_sdk(tmp_path: Path) -> None:
    """The README's test, with the plugin that pytest finds by its entry point."""
    bin_folder = environment_with(tmp_path, build("earshot-emulator", tmp_path), "google-genai", "pytest", "pytest-asyncio")
    snippet = (ROOT / "tests" / "contract" / "snippets" / "pytest_google_sdk.py").read_text()
    (tmp_path / "test_weather.py").write_text(snippet.replace("from emulator import", "from earshot_emulator import"))
    assert "1 passed" in run(tmp_path, bin_folder / "pytest", "-q", "test_weather.py")
    assert "gemini_live" in run(tmp_path, bin_folder / "pytest", "--fixtures", "test_weather.py")
    assert "goaway" in run(tmp_path, bin_folder / "earshot-emulator", "faults")
    assert "usage: earshot-emulator" in run(tmp_path, bin_folder / "earshot-emulator", "--help")


@pytest.mark.sound
async def test_an_agent_that_is_not_ours_is_called(tmp_path: Path) -> None:
    """LiveKit's quickstart agent, unmodified: the emulator answers it, and the caller speaks with it."""
    wheels = [build(name, tmp_path) for name in ("earshot-emulator", "earshot-caller")]
    libraries = ("livekit-agents", "livekit-plugins-google")
    bin_folder = await asyncio.to_thread(environment_with, tmp_path, *wheels, *libraries)
    shutil.copy(ROOT / "tests" / "e2e" / "quickstart_agent.py", tmp_path)
    argv = [str(bin_folder / "earshot-emulator"), "--ca-file", str(tmp_path / "ca.pem")]
    model = Program("emulator", argv, ENVIRONMENT, re.compile("^ready "))
    async with sfu() as server, running(model) as part:
        livekit = {"LIVEKIT_URL": server.url, "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}
        gemini = {
            "GOOGLE_GEMINI_BASE_URL": (await part.ready()).split()[1],
            "GOOGLE_API_KEY": "any",
            "GOOGLE_GENAI_API_VERSION": "v1beta",
            "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        }
        worker = [str(bin_folder / "python"), str(tmp_path / "quickstart_agent.py"), "start"]
        agent = Program("quickstart", worker, {**ENVIRONMENT, **livekit, **gemini}, re.compile("registered worker"))
        async with running(agent) as registered:
            await registered.ready()
            caller = [str(bin_folder / "earshot-caller"), "--url", server.url, "--agent", "quickstart", "--json"]
            printed = await asyncio.to_thread(run, tmp_path, *caller, "--say", "Can you hear me?", **livekit)
    events = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    kinds = [event["type"] for event in events]
    assert kinds[0] == "joined"
    assert kinds.count("agent_sound") >= 2, "the greeting and the answer"
    assert any(event["type"] == "timing" and event["name"] == "response_latency" for event in events)
    assert any(event["type"] == "caption" and event["who"] == "agent" and event["final"] for event in events)
