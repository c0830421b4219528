"""What CONTRIBUTING.md shows to paste, and the files of a repository with it pasted in. Pasting twice changes nothing."""

import ast
import re
import textwrap
from pathlib import Path

TOOL, TEST_OF_TOOL = "agent/assistant.py", "tests/agent/test_assistant.py"


def shown(root: Path, words: str) -> str:
    """The one block of Python with these words in CONTRIBUTING.md."""
    blocks = re.findall(r"```python\n(.*?)```", (root / "CONTRIBUTING.md").read_text(), re.DOTALL)
    [block] = [block for block in blocks if words in block]
    return str(block)


def with_import(source: str, line: str) -> str:
    """A module with one more import, where a person puts it: among those of the standard library, by the alphabet."""
    lines = source.splitlines(keepends=True)
    at = next(
        number for number, old in enumerate(lines) if old.startswith("from ") or (old.startswith("import ") and old > line)
    )
    at -= not lines[at - 1].strip() and lines[at].startswith("from ")  # the blank line before the next group
    return "".join([*lines[:at], line, *lines[at:]])


def pasted_tool(root: Path) -> str:
    """agent/assistant.py with the tool at the end of its class, which ends the file."""
    source = (root / TOOL).read_text()
    tool = textwrap.indent(shown(root, "def roll_dice"), "    ")
    if tool in source:
        return source
    assert isinstance(ast.parse(source).body[-1], ast.ClassDef), "the class isn't the last thing in the file"
    return with_import(source, shown(root, "import secrets")) + "\n" + tool


def pasted_test(root: Path) -> str:
    """tests/agent/test_assistant.py with the test of the tool."""
    source, test = (root / TEST_OF_TOOL).read_text(), shown(root, "def test_a_die_has_two_sides")
    return source if test in source else f"{source}\n\n{test}"
