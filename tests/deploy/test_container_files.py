"""The container files: what they copy is there and is all that is imported, and they hold no secret and no test."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.settings import Settings
from tests.deploy.container_file import CONTAINER_FILES, Stage, ignored_patterns, is_ignored, read_stages
from tests.test_architecture import OWN, ROOT, imports
from token_server.settings import TokenServerSettings

LOCKS = {"Dockerfile": "worker", "token_server.Dockerfile": "token_server"}
SHARED = {"google", "livekit"}
"""Names that packages share, so that an import doesn't tell which one it needs."""
PIN = re.compile(r"^([\w.-]+)==(\S+)( ;.*)? \\$", re.MULTILINE)

OPTIONAL = {"Dockerfile": set[str](), "token_server.Dockerfile": {"records/s3.py"}}
"""Modules that are imported for a setting alone, which the image's program doesn't have."""

both = pytest.mark.parametrize("path", CONTAINER_FILES, ids=lambda path: path.name)


def image(path: Path) -> Stage:
    return read_stages(path)[-1]


def pins(lock: Path) -> set[tuple[str, str]]:
    """Names and versions. A name may have several, for several versions of Python."""
    return {(name, version) for name, version, _ in PIN.findall(lock.read_text())}


def copied_modules(path: Path) -> list[Path]:
    found = [ROOT / source for source in image(path).sources]
    return [module for source in found for module in ([source] if source.suffix == ".py" else sorted(source.rglob("*.py")))]


@both
def test_what_it_copies_is_there_and_is_not_left_out_of_the_context(path: Path) -> None:
    for stage in read_stages(path):
        assert stage.sources
        for source in stage.sources:
            assert (ROOT / source).exists(), source
            assert not is_ignored(source), source


@both
def test_it_copies_every_package_of_ours_that_is_imported(path: Path) -> None:
    copied = {source.removesuffix(".py").split("/")[0] for source in image(path).sources}
    for module in copied_modules(path):
        for name in imports(module):
            top = name.split(".")[0]
            assert top not in OWN or top in copied, f"{module.relative_to(ROOT)} imports {name}"


@both
def test_its_packages_are_those_that_are_imported(path: Path) -> None:
    """Every package that our code imports by name is in the image's list, and each of the list is imported or installs data."""
    listed = set(re.findall(r"^[a-z].*", (ROOT / "deploy" / f"{LOCKS[path.name]}.in").read_text(), re.MULTILINE))
    owners = importlib.metadata.packages_distributions()
    used: set[str] = set()
    for module in copied_modules(path):
        for top in {name.split(".")[0] for name in imports(module)} - sys.stdlib_module_names - OWN - SHARED:
            by = {owner.lower().replace("_", "-") for owner in owners[top]} & (listed | {"pydantic-core"})
            assert by or str(module.relative_to(ROOT)) in OPTIONAL[path.name], f"{module.relative_to(ROOT)} imports {top}"
            used |= by
    assert {name for name in listed if not name.startswith(("google", "livekit"))} - {"protobuf", "mcp", "tzdata"} <= used


@both
def test_its_packages_have_the_versions_that_are_tested_and_hashes(path: Path) -> None:
    lock = ROOT / "deploy" / f"{LOCKS[path.name]}.lock"
    listed = re.findall(r"^[a-z].*", lock.with_suffix(".in").read_text(), re.MULTILINE)
    assert listed == sorted(listed)
    found, tested = pins(lock), pins(ROOT / "requirements.lock")
    names = {name for name, _ in found}
    assert set(listed) <= names
    assert found <= tested
    assert all("--hash=sha256:" in part for part in re.split(r"^(?=\w)", lock.read_text(), flags=re.MULTILINE) if part)
    assert not names & {"espeakng-loader", "pytest", "mypy", "playwright"}, "nothing of the GPL, and no tools of ours"


@both
def test_it_runs_without_root_on_a_slim_base_and_keeps_build_tools_out(path: Path) -> None:
    packages, last = read_stages(path)
    assert packages.base == last.base == "python:3.11-slim"
    assert "--require-hashes" in packages.all("RUN")[0].text
    assert [step.text for step in last.all("USER")] == ["10001:10001"]
    assert last.steps.index(last.all("USER")[0]) > last.steps.index(last.all("RUN")[-1])
    assert "pip" not in last.all("RUN")[0].text


def test_the_worker_starts_as_lk_expects_it() -> None:
    """LiveKit Cloud takes the root's Dockerfile as it is; LiveKit's own images answer health checks on port 8081."""
    worker = image(ROOT / "Dockerfile")
    assert worker.all("CMD")[0].words == ["python", "agent.py", "start"]
    assert (worker.environment["HEALTH_HOST"], worker.environment["HEALTH_PORT"]) == ("0.0.0.0", "8081")
    assert worker.all("EXPOSE")[0].text == "8081"


def test_the_token_server_listens_where_its_port_is_exposed() -> None:
    server = image(ROOT / "deploy" / "token_server.Dockerfile")
    assert server.all("CMD")[0].words == ["python", "-m", "token_server"]
    assert server.environment["TOKEN_HOST"] == "0.0.0.0"
    assert server.environment["TOKEN_PORT"] == server.all("EXPOSE")[0].text


@both
def test_its_environment_has_settings_that_exist_and_no_secret(path: Path) -> None:
    known = {name.upper() for settings in (Settings, TokenServerSettings) for name in settings.model_fields}
    for name in image(path).environment:
        assert name in known | {"PATH", "HOME", "PYTHONUNBUFFERED"}
        assert not re.search("KEY|SECRET|PASSWORD", name)


def test_secrets_and_what_tests_leave_behind_are_not_in_the_context() -> None:
    for path in (".env", ".env.local", "deploy/.env", "deploy/worker.env", ".git/config", "tests/conftest.py", "livekit.toml"):
        assert is_ignored(path), path
    for path in (".venv/bin/python", "node_modules/x", "agent/__pycache__/x.pyc", "build/x", "ca.pem"):
        assert is_ignored(path), path


def test_lines_of_dockerignore_mean_the_same_to_docker_and_to_lk() -> None:
    """`lk` takes the lines as they are: `/x` never matches there, and `x/` at the root alone (docs/facts.md L240)."""
    for pattern in ignored_patterns():
        assert re.fullmatch(r"\*\*/[\w.*-]+", pattern), pattern


def test_no_committed_file_of_an_image_is_left_out_of_it() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    sources = {source for path in CONTAINER_FILES for source in image(path).sources}
    for path in listed:
        if any(path == source or path.startswith(f"{source}/") for source in sources):
            assert not is_ignored(path), path


def test_no_module_of_the_images_reads_a_file_outside_of_its_package() -> None:
    """Nothing but `token_server` (the page and the personas, which its image has) goes up from its own folder."""
    for path in CONTAINER_FILES:
        for module in copied_modules(path):
            goes_up = [node for node in ast.walk(ast.parse(module.read_text())) if is_way_up(node)]
            assert not goes_up or module == ROOT / "token_server" / "settings.py", module


def is_way_up(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and "__file__" in ast.unparse(node) and ast.unparse(node).endswith(".parent.parent")
