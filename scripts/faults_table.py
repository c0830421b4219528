"""Write docs/emulator_faults.md: every fault of the emulator, from its catalogue (`make schemas`).

A test compares the committed page with the code.
"""

import sys
from dataclasses import fields
from pathlib import Path

from emulator.faults.catalogue import CATALOGUE
from emulator.faults.fault import Fault

PAGE = Path(__file__).parent.parent / "docs" / "emulator_faults.md"
_OF_ALL = {"times", "connection", "model"}
_HEAD = """# Faults of the emulator

Made from the code by `make schemas`; a test compares this page with it. How a fault is asked for is in the
[emulator's README](../emulator/README.md#faults): on the command line (`--fault goaway:seconds=3`), in a script
(`[[fault]]`), or over HTTP while the emulator runs.

Each takes three more parameters. `times=1`: how often it happens, over all connections; 0 is always. `connection=0`: only
the n-th connection since it was asked for; 0 is any. `model=`: only connections of that model. The first two faults come
before a model is known, and take no model.

Evidence: R recorded, U reported by users, C read from clients' code, O observed with Google's SDK, G guessed. S and a number
is the source.

| fault | what happens | parameters | evidence |
|---|---|---|---|
"""


def page() -> str:
    """The text of docs/emulator_faults.md."""
    return _HEAD + "".join(f"{_row(kind)}\n" for kind in CATALOGUE.values())


def _row(kind: type[Fault]) -> str:
    own = [f"`{each.name}={each.default}`" for each in fields(kind) if each.init and each.name not in _OF_ALL]
    cells = (f"`{kind.name}`", kind.what, ", ".join(own) or "-", kind.evidence)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def main() -> int:
    """Write the page; returns the exit code."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
