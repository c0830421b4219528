"""Every program has `--version`, and examples at the end of `--help`; the examples are its own commands."""

import importlib
import tomllib
from collections.abc import Callable

import pytest

import caller.__main__
import demo.program
import emulator.__main__
import telephony.__main__
import telephony.line
import tests.e2e.faults.__main__
import tests.soak.__main__
import token_server.__main__
from configuration import VERSION
from tests.test_architecture import ROOT

PROGRAMS: dict[str, Callable[[list[str]], object]] = {
    "agent.gemini": importlib.import_module("agent.gemini.commands").main,
    "caller": caller.__main__.main,
    "demo": demo.program.main,
    "emulator": emulator.__main__.main,
    "telephony": telephony.__main__.main,
    "telephony line": telephony.line.main,
    "tests.e2e.faults": tests.e2e.faults.__main__.main,
    "tests.soak": tests.soak.__main__.main,
    "token_server": token_server.__main__.main,
}


def printed(program: str, word: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stopped:
        PROGRAMS[program]([word])
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_the_version_is_the_projects() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_says_its_version(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(program, "--version", capsys) == f"{program} {VERSION} (Earshot)\n"


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_help_ends_with_examples(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, examples = printed(program, "--help", capsys).partition("\nexamples:\n")
    lines = examples.strip("\n").split("\n")
    assert lines[0]
    for line in lines:
        assert f"python -m {program}" in line
        assert len(line) <= 128
