"""The wheels that other projects install: one package each, and nothing imported that isn't declared."""

import ast
import importlib.metadata
import re
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts.wheels import ROOT, renamed, stage, without_links
from tests.wheels.build import build

NAMES = sorted(path.parent.name for path in (ROOT / "wheels").glob("*/pyproject.toml"))
ROOTS_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKED = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
DISTRIBUTIONS = importlib.metadata.packages_distributions()
"""The packages of the registry that each module is from, by module."""


def project_of(name: str) -> dict[str, object]:
    read: dict[str, object] = tomllib.loads((ROOT / "wheels" / name / "pyproject.toml").read_text())["project"]
    return read


def requirements_of(name: str) -> list[Requirement]:
    listed = project_of(name)["dependencies"]
    assert isinstance(listed, list)
    return [Requirement(each) for each in listed]


def imported(path: Path) -> set[str]:
    """The top-level modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_wheel_imports_itself_and_what_it_declares(name: str, tmp_path: Path) -> None:
    own = name.replace("-", "_")
    declared = {each.name for each in requirements_of(name)}
    declared |= {"pydantic-core", "pydantic_core"} if "pydantic" in declared else set()  # pydantic pins it
    modules = sorted((stage(ROOT / "wheels" / name, tmp_path) / "src").rglob("*.py"))
    assert len(modules) > 20
    for path in modules:
        for module in imported(path) - {own, *sys.stdlib_module_names}:
            is_plugin = module == "pytest" and path.name == "pytest_plugin.py"
            assert is_plugin or declared & set(DISTRIBUTIONS.get(module, ())), f"{path.name} imports {module}"


@pytest.mark.parametrize("name", NAMES)
def test_versions_are_those_of_the_repository(name: str) -> None:
    """The locked versions are what the tests run with."""
    assert project_of(name)["version"] == ROOTS_PROJECT["version"]
    direct = {Requirement(each).name for each in ROOTS_PROJECT["dependencies"]}
    for wanted in requirements_of(name):
        assert wanted.name in direct
        assert LOCKED[wanted.name] in wanted.specifier, wanted


@pytest.mark.parametrize("name", NAMES)
def test_a_wheel_has_one_package_and_one_command(name: str, tmp_path: Path) -> None:
    own = name.replace("-", "_")
    with zipfile.ZipFile(build(name, tmp_path)) as wheel:
        files = wheel.namelist()
        info = f"{own}-{ROOTS_PROJECT['version']}.dist-info"
        entry_points = wheel.read(f"{info}/entry_points.txt").decode()
        metadata = wheel.read(f"{info}/METADATA").decode()
        texts = {file: wheel.read(file).decode() for file in files if file.endswith(".py")}
    assert {file.split("/")[0] for file in files} == {own, info}
    assert f"{own}/py.typed" in files
    assert f"{name} = {own}.__main__:" in entry_points
    assert ("[pytest11]" in entry_points) == (name == "earshot-emulator")
    assert "License-Expression: Apache-2.0" in metadata
    assert f"{info}/licenses/LICENSE" in files
    assert "](../" not in metadata, "the README has links that lead out of the package"
    for file, text in texts.items():
        assert f"python -m {name.removeprefix('earshot-')}" not in text, file


def test_imports_get_the_names_of_the_wheel_and_nothing_else_does() -> None:
    names = {"speech": "earshot_x._speech", "emulator": "earshot_x"}
    text = "from emulator.speech import speech\n    from speech import a\nfrom speeches import b\n# from emulator\n"
    assert renamed(text, names) == (
        "from earshot_x.speech import speech\n    from earshot_x._speech import a\nfrom speeches import b\n# from emulator\n"
    )
    assert without_links("[a](b.md), [c](#c), [d](https://d)") == "a, [c](#c), [d](https://d)"
