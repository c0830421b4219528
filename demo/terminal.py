"""Prints what the parts of the demo say: each part in its colour, warnings in yellow, errors in red.

Colours are for terminals alone, and not where NO_COLOR is set: rich looks (docs/facts.md L230).
"""

import re

from rich.console import Console
from rich.text import Text

_LEVELS = {"WARN": "yellow", "WARNING": "yellow", "ERROR": "bold red", "CRITICAL": "bold red"}
_LEVEL = re.compile(rf"\b({'|'.join(_LEVELS)})\b")
_LEVEL_WITHIN = 30
"""A line's level is among its first characters; further on the word is part of a message."""
_PARTS = {"livekit": "blue", "emulator": "magenta", "token": "cyan", "worker": "green"}

_console = Console(highlight=False, soft_wrap=True)


def tell_line(name: str, line: str) -> None:
    """Print a line of a part.

    Args:
        name: the part's.
        line: for people, without colours.
    """
    level = _LEVEL.search(line[:_LEVEL_WITHIN])
    text = Text.assemble((f"[{name}]", _PARTS.get(name, "")), " ", (line, _LEVELS[level[1]] if level else ""))
    _console.print(text)
