"""`python agent.py --help` describes every option that LiveKit's command line takes, and ends with examples."""

import re
import sys
import warnings

import pytest
from livekit.agents import AgentServer, cli

from agent.worker.command_line import main
from agent.worker.usage import asks_for_usage
from configuration import VERSION

COMMANDS = ("start", "dev", "console", "connect")


def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["agent.py", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    return capsys.readouterr().out


def livekits_own(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str) -> set[str]:
    """The options in the help of LiveKit's command line, without the negative of each."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["agent.py", command, "--help"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with pytest.raises(SystemExit):
            cli.run_app(AgentServer())
    return set(re.findall(r"(?<![\w-])--(?!no-)[a-z-]+", capsys.readouterr().out))


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_the_help_names_the_commands_and_ends_with_examples(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, _, examples = shown(monkeypatch, capsys, *words).partition("\nexamples:\n")
    for command in COMMANDS:
        assert f"\n    {command} " in text
        assert f"python agent.py {command}" in examples


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_help_has_all_options_of_livekits(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(monkeypatch, capsys, command, "--help")
    missing = livekits_own(monkeypatch, capsys, command) - set(re.findall(r"--[a-z-]+", text))
    assert missing <= {"--reload"}, "dev reloads by itself"
    assert f"\nexamples:\n  python agent.py {command}" in text


def test_the_version_is_the_projects(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(monkeypatch, capsys, "--version") == f"agent.py {VERSION} (Earshot)\n"


@pytest.mark.parametrize("line", ["start", "dev --no-reload", "strat", "download-files"])
def test_other_command_lines_are_livekits(line: str) -> None:
    assert not asks_for_usage(line.split())
