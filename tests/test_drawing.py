"""ARCHITECTURE.md says what is so: who may import whom, the path of the sound, the machines' tables, and names that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.sound_path import drawn, ways
from tests.test_architecture import MAY_IMPORT, ROOT, imports

TEXT = (ROOT / "ARCHITECTURE.md").read_text()
WORDS_IN_TEN_MINUTES = 2450


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found, f"no section {title!r}"
    return found[1]


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", without_blocks(text))


def without_blocks(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def test_it_is_read_in_ten_minutes() -> None:
    """At some 250 words a minute, without the lists of functions and the machines' tables, which nobody reads word by word."""
    assert len(re.findall(r"\w\S*", without_blocks(TEXT))) <= WORDS_IN_TEN_MINUTES


def test_the_table_of_imports_is_the_tested_one() -> None:
    rows = [cells(row) for row in section("The parts, and who may import whom").splitlines() if row.startswith("| `")]
    table = {quoted(row[0])[0].rstrip("/"): set(quoted(row[2])) for row in rows if row[2].startswith("`")}
    for folder, allowed in MAY_IMPORT.items():
        others = {module for module in allowed if module != folder.replace("/", ".")}
        wanted = ", ".join(f"`{module}`" for module in sorted(others)) or "nothing"
        assert table.get(folder, set()) == others, f"the row of {folder} should say {wanted}"
    assert table.keys() <= MAY_IMPORT.keys()


@cache
def block(way: str) -> str:
    found = re.search(rf"<!-- sound, {way} -->\s+```\n(.*?)```", TEXT, re.DOTALL)
    assert found, f"no list of the functions on the way {way}"
    return found[1]


async def test_a_frame_passes_the_functions_that_are_listed(tmp_path: Path) -> None:
    """Traced on a real connection: what runs for a frame of the caller's, and for a message that is nothing but sound."""
    for way, walk in (await ways(tmp_path)).items():
        assert block(way) == drawn(walk), f"the list for the way {way} should be:\n{drawn(walk)}"


@pytest.mark.parametrize("machine", ["connection", "exchange"])
def test_the_tables_of_the_machines_are_copies(machine: str) -> None:
    """The tables stand in the machines' docstrings, where other tests hold them to what happens."""
    path = f"agent/gemini/{machine}/machine.py"
    copy = re.search(rf"<!-- table of {re.escape(path)} -->\s+```\n(.*?)```", TEXT, re.DOTALL)
    docstring = ast.get_docstring(ast.parse((ROOT / path).read_text())) or ""
    table = "".join(f"{line[4:]}\n" for line in docstring.splitlines() if line.startswith("    "))
    assert table.startswith("event ")
    assert copy is not None
    assert copy[1] == table, f"the table of {path} is now:\n{table}"


def path_of_sound() -> list[str]:
    line = re.search(r"^`(agent/\S+\.py(?: > agent/\S+\.py)+)`$", TEXT, re.MULTILINE)
    assert line, "the path of the sound is drawn in one line: `agent/... > agent/... > ...`"
    return line[1].split(" > ")


def imported_by(path: str) -> set[str]:
    """Files that a file imports; through the public face of a package, also what that face imports."""
    found = set()
    for module in imports(ROOT / path):
        for name in filter(None, (module, module.rpartition(".")[0])):
            file = Path(name.replace(".", "/"))
            if (ROOT / file.with_suffix(".py")).is_file():
                found.add(file.with_suffix(".py").as_posix())
            elif (ROOT / file / "__init__.py").is_file() and (face := (file / "__init__.py").as_posix()) != path:
                found |= {face, *imported_by(face)}
    return found


def test_the_drawn_path_is_that_of_the_imports() -> None:
    """Each file of the path is imported by one that stands before it."""
    path = path_of_sound()
    for position, file in enumerate(path[1:], start=1):
        assert any(file in imported_by(before) for before in path[:position]), f"none of {path[:position]} imports {file}"


@pytest.mark.parametrize("way", ["in", "out"])
def test_the_drawn_path_is_that_of_the_frame(way: str) -> None:
    """All files of the drawing after the first, which connects the ends, run for a frame; no file of the call does."""
    files = re.findall(r"^(\S+\.py)", block(way), re.MULTILINE)
    missing = set(path_of_sound()[1:]) - set(files) - ({"agent/gemini/wire.py"} if way == "out" else set())
    assert not missing
    assert not [file for file in files if not file.startswith("agent/gemini/")]


def defined_in(path: Path) -> set[str]:
    """Names of a module's functions, classes, methods and constants."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
            if isinstance(node, ast.ClassDef):
                members = [each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
                found |= {f"{node.name}.{each.name}" for each in members}
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def is_path(name: str) -> bool:
    return re.fullmatch(r"[\w.-]+(/[\w.-]*)+", name) is not None


def test_files_that_are_named_exist() -> None:
    assert not [name for name in quoted(TEXT) if is_path(name) and not (ROOT / name).exists()]


def test_places_to_look_at_exist() -> None:
    """In the last section each name, such as `Class.method` or `function()`, is defined in a file that stands before it."""
    for row in section("Where do I look when ...").splitlines():
        defined: set[str] = set()
        for name in quoted(row):
            if is_path(name):
                defined |= defined_in(ROOT / name)
            else:
                assert name.removesuffix("()") in defined, f"{name}: {row}"
