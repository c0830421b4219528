"""What CONTRIBUTING.md shows works as it is pasted: the tool, its test, and the test of an agent."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from examples.booking import BookingDesk
from testing import StartCall
from tests.examples.contributing import TEST_OF_TOOL, TOOL, pasted_test, pasted_tool, shown
from tests.test_architecture import ROOT


def pasted_module() -> dict[str, Any]:
    """The names of the module with the tool."""
    names: dict[str, Any] = {"__name__": "pasted_assistant"}
    exec(compile(pasted_tool(ROOT), TOOL, "exec"), names)
    return names


def run(folder: Path, *argv: str) -> None:
    done = subprocess.run([sys.executable, "-m", *argv], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what `make check` reads, with the tool and its test pasted in."""
    kept = shutil.ignore_patterns("__pycache__", "*.wav")
    for package in ("agent", "configuration", "emulator", "examples", "failover", "records", "speech", "testing", "tickets"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=kept)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, text in ((TOOL, pasted_tool(ROOT)), (TEST_OF_TOOL, pasted_test(ROOT))):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    for package in ("tests", "tests/agent"):
        (tmp_path / package / "__init__.py").touch()
    return tmp_path


def test_the_shown_tool_and_its_test_are_formatted_and_have_no_finding(copy: Path) -> None:
    run(copy, "ruff", "format", "--check", TOOL, TEST_OF_TOOL)
    run(copy, "ruff", "check", "--no-cache", TOOL, TEST_OF_TOOL)


@pytest.mark.long
def test_the_shown_tool_and_its_test_have_the_right_types_and_pass_with_the_others(copy: Path) -> None:
    run(copy, "mypy", "-m", "agent.assistant", "-p", "tests")
    run(copy, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", TEST_OF_TOOL)


async def test_the_shown_test_of_the_tool_passes() -> None:
    names: dict[str, Any] = {"__name__": "pasted_test"}
    exec(compile(pasted_test(ROOT), TEST_OF_TOOL, "exec"), names)
    names["Assistant"] = pasted_module()["Assistant"]
    await names["test_a_die_has_two_sides"]()


async def test_the_demos_emulator_calls_the_shown_tool_when_its_name_is_typed(earshot_call: StartCall) -> None:
    """And no line of the script is about it."""
    script = (ROOT / "demo" / "script.toml").read_text()
    assert "dice" not in script
    async with earshot_call(pasted_module()["Assistant"], script) as call:
        await call.say("roll the dice")
        rolled = await call.expect_tool("roll_dice")
        assert re.fullmatch(r"The die shows [1-6]\.", str(rolled.output))
        await call.hear("The die shows")


async def test_the_shown_test_of_an_agent_passes(earshot_call: StartCall) -> None:
    names: dict[str, Any] = {"BookingDesk": BookingDesk, "StartCall": StartCall}
    exec(shown(ROOT, "earshot_call(BookingDesk"), names)
    await names["test_a_table_for_four"](earshot_call)
