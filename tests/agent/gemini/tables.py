"""The transition tables that stand in the docstrings of the link's machines."""

import re
from types import ModuleType

Table = dict[tuple[str, str], frozenset[str]]
"""For each event and state, the states that may come next."""


def table(module: ModuleType) -> Table:
    """The table in a module's docstring: a line for each event, a column for each state; `.` is the state itself."""
    lines = [line for line in (module.__doc__ or "").splitlines() if line.startswith("    ")]
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines]
    (_, *states), *events = rows
    found: Table = {}
    for event, *cells in events:
        assert len(cells) == len(states), f"{event} has a cell for each state"
        for state, cell in zip(states, cells, strict=True):
            found[event, state] = frozenset(state if name == "." else name for name in cell.split())
    return found


def rows(found: Table) -> list[str]:
    """The events."""
    return list(dict.fromkeys(event for event, _ in found))


def columns(found: Table) -> list[str]:
    """The states."""
    return list(dict.fromkeys(state for _, state in found))
