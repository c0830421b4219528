"""The emulator's modules need one another in one direction only, and name every class once."""

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "emulator"
PATHS = sorted(PACKAGE.rglob("*.py"))


def module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(path): ast.parse(path.read_text()) for path in PATHS}


def needed(tree: ast.Module) -> set[str]:
    """The package's modules that one imports, also those that it imports for its types only."""
    names = {
        f"{node.module}.{alias.name}" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    names |= {name.rpartition(".")[0] for name in names}
    return {name for name in names if name in MODULES} - {"emulator"}


def test_no_modules_need_one_another_in_a_circle() -> None:
    needs = {name: needed(tree) - {name} for name, tree in MODULES.items()}
    for name in needs:  # a folder's `__init__` imports its own modules, which name the folder
        needs[name] -= {name.rpartition(".")[0]}
    assert list(TopologicalSorter(needs).static_order())


def test_a_script_needs_no_faults() -> None:
    """The program reads the faults of a script; the answers go without them."""
    assert not {name for name in needed(MODULES["emulator.script"]) if name.startswith("emulator.faults")}


def test_no_class_name_stands_for_two_things() -> None:
    classes = Counter(node.name for tree in MODULES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    assert [name for name, count in classes.items() if count > 1] == []
