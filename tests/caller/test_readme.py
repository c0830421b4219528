"""caller/README.md: the Python that it shows compiles, and imports what there is."""

import ast
import re
from pathlib import Path

README = (Path(__file__).parents[2] / "caller" / "README.md").read_text()


def test_the_shown_program_compiles_and_its_imports_are_there() -> None:
    [shown] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    compile(shown, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    exec("\n".join(line for line in shown.splitlines() if line.startswith("from ")))
