"""The table that `python -m emulator profiles` prints."""

from emulator.profile import DOCUMENTED, GUESSED, RECORDED, REPORTED, Value
from emulator.profiles import GEMINI_3_8_LIVE, PROFILES

_LETTERS = {RECORDED: "R", DOCUMENTED: "D", REPORTED: "u", GUESSED: "?"}


def table() -> str:
    """All profiles side by side, each value with a letter for where it is known from."""
    names = [each.name for each in GEMINI_3_8_LIVE.values()]
    columns = [["", *names], *([name, *map(_cell, profile.values())] for name, profile in PROFILES.items())]
    widths = [max(map(len, column)) for column in columns]
    rows = zip(*columns, strict=True)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", "R recorded  D documented  u reported by users  ? guessed"])


def _cell(one: Value) -> str:
    shown = ("yes" if one.value else "no") if isinstance(one.value, bool) else str(one.value)
    return f"{shown} {_LETTERS[one.known]}"
