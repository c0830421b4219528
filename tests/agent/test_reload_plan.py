"""What a saved change does to the workers of `--reload`, and which files are theirs."""

from pathlib import PurePath

import pytest

from agent.worker.reload_plan import (
    START_S,
    Drain,
    Exit,
    Kill,
    ReloadPlan,
    Say,
    Start,
    concerns_worker,
    reason_of,
    reload_options,
    syntax_problem,
    watched_folders,
)

ROOT = PurePath("/srv/earshot")


def serving(most: int = 4) -> ReloadPlan:
    """A plan whose first worker has registered."""
    plan = ReloadPlan(most)
    assert plan.begin(0.0) == [Start(1)]
    assert plan.registered(1, 5.0) == []
    return plan


def test_the_new_worker_has_registered_before_the_old_one_is_told_to_drain() -> None:
    plan = serving()
    assert plan.changed(["agent/assistant.py"], None, 10.0) == [Say("agent/assistant.py changed"), Start(2)]
    assert plan.states == {1: "current", 2: "starting"}
    assert [action for action in plan.registered(2, 15.0) if not isinstance(action, Say)] == [Drain(1)]
    assert plan.states == {1: "draining", 2: "current"}
    assert plan.registered(2, 20.0) == [], "a worker that has lost LiveKit registers again"
    assert plan.ended(1, 0, "", 100.0) == []
    assert plan.states == {2: "current"}


def test_a_change_that_cannot_be_used_leaves_the_last_good_version() -> None:
    plan = serving()
    [said] = plan.changed(["agent/assistant.py"], "agent/assistant.py:7: invalid syntax", 10.0)
    assert said == Say("agent/assistant.py:7: invalid syntax; calls go on with the last good version")
    plan.changed(["agent/assistant.py"], None, 20.0)
    assert plan.ended(2, 2, "persona 'x': no such file", 22.0) == [
        Say("the change can't be used: persona 'x': no such file; calls go on with the last good version")
    ]
    assert plan.states == {1: "current"}


def test_what_changes_while_a_worker_starts_has_a_worker_of_its_own() -> None:
    plan = serving()
    plan.changed(["agent/a.py"], None, 10.0)
    assert plan.changed(["agent/a.py", "agent/b.py"], None, 11.0) == [Say("agent/a.py and 1 more changed")]
    assert plan.registered(2, 15.0)[-2:] == [Drain(1), Start(3)]
    assert plan.registered(3, 20.0)[-1] == Drain(2)


def test_a_change_waits_while_too_many_workers_hold_calls() -> None:
    plan = serving(most=2)
    plan.changed(["agent/a.py"], None, 10.0)
    plan.registered(2, 15.0)
    assert not any(isinstance(action, Start) for action in plan.changed(["agent/a.py"], None, 20.0))
    assert plan.ended(1, 0, "", 90.0) == [Start(3)]


def test_a_new_worker_that_does_not_register_is_killed_and_the_first_one_may_wait() -> None:
    plan = ReloadPlan()
    plan.begin(0.0)
    assert plan.due(10 * START_S) == [], "the first one waits for LiveKit"
    plan.registered(1, 500.0)
    plan.changed(["agent/a.py"], None, 600.0)
    assert plan.next_at == 600.0 + START_S
    assert plan.due(600.0 + START_S - 1) == []
    assert plan.due(600.0 + START_S)[-1] == Kill(2)


@pytest.mark.parametrize("registers", [True, False])
def test_the_end_of_the_worker_that_takes_the_calls_ends_the_program(registers: bool) -> None:
    plan = ReloadPlan()
    plan.begin(0.0)
    if registers:
        plan.registered(1, 1.0)
    assert plan.ended(1, 2, "GOOGLE_API_KEY is not set", 2.0) == [Exit(2)]


def test_after_a_signal_nothing_starts() -> None:
    plan = serving()
    plan.changed(["agent/a.py"], None, 10.0)
    plan.registered(2, 15.0)
    assert plan.end() == [2], "the other one drains already"
    assert plan.changed(["agent/a.py"], None, 20.0) == []
    assert plan.ended(2, 0, "", 21.0) == []


@pytest.mark.parametrize(
    ("path", "concerns"),
    [
        ("agent/assistant.py", True),
        ("agent/personas/assistant.toml", True),
        ("examples/lights.py", True),
        ("my_tools/crm.py", True),
        (".env", True),
        ("agent.py", True),
        ("agent/voice/sounds/de/waiting.wav", False),
        ("agent/__pycache__/assistant.cpython-311.pyc", False),
        ("pyproject.toml", False),
        ("demo/script.toml", False),
        ("emulator/script.py", False),
        ("tests/agent/test_assistant.py", False),
        (".venv/lib/x.py", False),
        ("web/view.js", False),
    ],
)
def test_a_worker_starts_anew_for_its_own_files_only(path: str, concerns: bool) -> None:
    assert concerns_worker(PurePath(path)) is concerns
    folder = PurePath(path).parts[0]
    if concerns and "/" in path:
        assert watched_folders([folder, ".venv", "node_modules", "tests"]) == [folder]


def test_a_file_that_cannot_be_compiled_is_named_with_its_line() -> None:
    path = PurePath("agent/assistant.py")
    assert syntax_problem(path, b"def f():\n    return 1\n") is None
    assert syntax_problem(path, b"x = 1\ndef f(:\n") == "agent/assistant.py:2: invalid syntax"
    assert str(syntax_problem(path, b"x = '\0'\n")).startswith("agent/assistant.py:")


TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "/srv/earshot/agent/tools/crm.py", line 12, in <module>',
    "    limit = int(words)",
    '  File "/usr/lib/python3.11/enum.py", line 3, in int',
    "NameError: name 'words' is not defined",
    "",
]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["persona 'x': no such file"], "persona 'x': no such file"),
        (TRACEBACK, "agent/tools/crm.py:12: NameError: name 'words' is not defined"),
        (['{"message": "worker failed", "level": "ERROR"}'], "worker failed"),
        ([], "it has ended without a word"),
    ],
)
def test_the_reason_of_an_end_is_one_line(lines: list[str], reason: str) -> None:
    assert reason_of(lines, ROOT) == reason


@pytest.mark.parametrize(
    ("line", "words", "ports"),
    [
        ("dev", ("dev", "--no-reload"), ()),
        ("dev --reload --log-level DEBUG", ("dev", "--log-level", "DEBUG", "--no-reload"), ()),
        ("start --reload", ("start",), ()),
        ("start --reload --health-ports 8081,8082", ("start",), (8081, 8082)),
    ],
)
def test_dev_reloads_and_start_if_it_is_asked_to(line: str, words: tuple[str, ...], ports: tuple[int, ...]) -> None:
    options = reload_options(line.split())
    assert options is not None
    assert (options.words, options.health_ports) == (words, ports)


@pytest.mark.parametrize("line", ["", "start", "dev --no-reload", "dev --help", "console", "connect --room dev"])
def test_other_command_lines_run_one_worker(line: str) -> None:
    assert reload_options(line.split()) is None


@pytest.mark.parametrize("ports", ["", "8081;8082", "many"])
def test_ports_that_are_none_are_refused_in_one_sentence(ports: str) -> None:
    with pytest.raises(ValueError, match=r"--health-ports is '.*': write ports with commas between them"):
        reload_options(["start", "--reload", "--health-ports", *ports.split()])
