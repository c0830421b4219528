"""A saved tool counts in the next call, and the running call goes on with the old one. The worker runs in a copy of agent/."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from caller import Caller, Caption
from demo.parts import Program, running
from tests.e2e.stack import ROOT, Gemini, Sfu, worker_environment
from tests.lights import PERSONAS, TOOLSET

NAME = "reloading"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for package in ("agent", "configuration", "examples", "tickets"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "agent.py", tmp_path)
    (tmp_path / "house").mkdir()
    shutil.copy(ROOT / "tests" / "lights.py", tmp_path / "house")
    shutil.copytree(PERSONAS, tmp_path / "personas")
    persona = tmp_path / "personas" / "assistant.toml"
    persona.write_text(persona.read_text().replace(TOOLSET, "house.lights:Lights"))
    return tmp_path


async def asks(caller: Caller) -> str:
    """What the agent says about the lights."""
    mark = len(caller.log)
    await caller.send_text("Please switch on the lights")
    said = await caller.first(Caption, since=mark, within_s=15, where=lambda caption: caption.final and "Done" in caption.text)
    return said.text


@pytest.mark.long
async def test_the_next_call_has_the_change_and_the_running_one_goes_on(server: Sfu, model: Gemini, tree: Path) -> None:
    lights = tree / "house" / "lights.py"
    good = lights.read_text()
    environment = worker_environment(server, model, AGENT_NAME=NAME, DRAIN_TIMEOUT_S="60", PERSONAS_DIR=str(tree / "personas"))
    argv = [sys.executable, "agent.py", "start", "--reload"]
    program = Program("worker", argv, environment, re.compile('"registered worker"'), folder=tree, hurry_after_s=1)
    async with running(program) as part:
        await part.ready()
        await part.says('"process initialized"')
        async with server.caller("before", agent_name=NAME) as before:
            await before.first(Caption, within_s=30)
            assert "The lights are on" in await asks(before)

            lights.write_text(good.replace("The lights are on", "It is bright: on"))
            await part.says("reload: the next call has the change", within_s=60)
            async with server.caller("after", agent_name=NAME) as after:
                await after.first(Caption, within_s=30)
                assert "It is bright: on" in await asks(after)
            assert "The lights are on" in await asks(before), "the call that was there before has the old tool, and goes on"

            lights.write_text("def broken(:\n")
            await part.says("reload: house/lights.py:1: invalid syntax; calls go on with the last good version")
            async with server.caller("later", agent_name=NAME) as later:
                await later.first(Caption, within_s=30)
                assert "It is bright: on" in await asks(later)
