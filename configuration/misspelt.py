"""Finds names in the environment and in `.env` that are nearly those of settings. Pure.

The environment is full of other programs' variables, so a name counts as misspelt only if it can hardly be anything else:
nearly all of its letters are a setting's, in their order, or it is a setting's name without the unit at the end. In the
environment names of one word are left out, and those whose setting is set as well: such a name is another program's.
"""

import difflib
import functools
from collections.abc import Collection

from configuration.env import Values

_ALIKE = 0.9
"""The ratio of difflib from which on two names are alike: one letter in ten is wrong, missing or too many."""
_UNITS = ("_S", "_MS", "_MB", "_USD")
_OF_OTHERS = frozenset({"GOOGLE_CLOUD_PROJECT_ID"})
"""Names of other programs' settings that are like one of ours."""


def misspelt(values: Values, names: Collection[str]) -> list[str]:
    """A sentence for each name that is set, is no setting, and is nearly one.

    Args:
        values: the environment and `.env`.
        names: the program's settings, in capitals.
    """
    found, known = [], tuple(names)
    for name in sorted(values.known):
        meant = None if name in known else _meant(name, known, is_of_file=name in values.lines)
        if meant is not None and (name in values.lines or meant not in values.known):
            found.append(f"{name} is no setting{values.where(name)}: did you mean {meant}?")
    return found


@functools.lru_cache(maxsize=1000)
def _meant(name: str, names: tuple[str, ...], *, is_of_file: bool) -> str | None:
    """The setting that a name is nearly the name of."""
    if name in _OF_OTHERS or not (is_of_file or "_" in name) or not (name.isascii() and name.isidentifier()):
        return None
    with_unit = [known for known in names if known in {name + unit for unit in _UNITS}]
    near = with_unit or difflib.get_close_matches(name, names, 1, _ALIKE)
    return near[0] if near else None
