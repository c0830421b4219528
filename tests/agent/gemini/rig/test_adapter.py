"""Scenario tests know the link's core by the rig's adapter only."""

import ast
from pathlib import Path

import pytest

GEMINI = Path(__file__).parent.parent
SCENARIOS = sorted([*(GEMINI / "core").glob("*.py"), *(GEMINI / "rig").glob("*.py")])


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name)
def test_only_the_adapter_imports_the_core(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert path.name == "adapter.py" or not any(module.startswith("agent.") for module in modules)
