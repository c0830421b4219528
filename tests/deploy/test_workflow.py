"""The GitHub workflow, and what assistants read: they name what is there."""

import re
from typing import Any

import yaml

from tests.test_architecture import ROOT

TEXT = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
AGENTS = (ROOT / "AGENTS.md").read_text()


def commands(job: str) -> list[str]:
    return [step["run"] for step in WORKFLOW["jobs"][job]["steps"] if "run" in step]


def test_it_runs_what_ci_runs_and_nothing_that_it_may_not() -> None:
    assert commands("test")[-2:] == [".ci/run", "make docs"]
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec make test"
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "secrets." not in TEXT


def test_each_job_ends_and_each_action_has_a_version() -> None:
    for job in WORKFLOW["jobs"].values():
        assert job["timeout-minutes"] <= 60
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/checkout@v1"))


def test_it_runs_for_main_and_for_pull_requests() -> None:
    events = WORKFLOW[True]  # YAML's `on`
    assert events == {"push": {"branches": ["main"]}, "pull_request": None}


def test_what_it_keeps_between_runs_is_named_after_files_that_are_there() -> None:
    [names] = re.findall(r"hashFiles\(([^)]*)\)", TEXT)
    for name in re.findall(r"'([^']+)'", names):
        assert (ROOT / name).is_file(), name


def test_it_builds_both_images() -> None:
    built = [command for command in commands("images") if command.startswith("docker build")]
    assert [re.findall(r"--file (\S+)", command) for command in built] == [[], ["deploy/token_server.Dockerfile"]]


def test_assistants_are_sent_to_one_file_that_names_what_is_there() -> None:
    for name in ("CLAUDE.md", "GEMINI.md"):
        assert "AGENTS.md" in (ROOT / name).read_text()
        assert len((ROOT / name).read_text().splitlines()) == 1
    for named in re.findall(r"`((?:agent|web|tests|deploy|docs|emulator|examples)/[\w./]*|[\w-]+\.(?:toml|lock))`", AGENTS):
        assert (ROOT / named).exists(), named
