"""Prints what the parts of the demo say: each part in its colour, warnings in yellow, errors in red.

Colours are for terminals alone, and not where NO_COLOR is set: rich looks (docs/facts.md L230).
"""

import functools
import re
import sys
from typing import TextIO

from rich.console import Console
from rich.text import Text

_LEVELS = {"WARN": "yellow", "WARNING": "yellow", "ERROR": "bold red", "CRITICAL": "bold red"}
_LEVEL = re.compile(rf"\b({'|'.join(_LEVELS)})\b")
_LEVEL_WITHIN = 30
"""A line's level is among its first characters; further on the word is part of a message."""
_PARTS = {"livekit": "blue", "emulator": "magenta", "token": "cyan", "worker": "green"}


def tell_line(name: str, line: str) -> None:
    """Print a line of a part.

    Args:
        name: the part's.
        line: for people, without colours.
    """
    level = _LEVEL.search(line[:_LEVEL_WITHIN])
    text = Text.assemble((f"[{name}]", _PARTS.get(name, "")), " ", (line, _LEVELS[level[1]] if level else ""))
    _console(sys.stdout).print(text)


@functools.lru_cache(maxsize=1)
def _console(out: TextIO) -> Console:
    """The console of stdout. It is a new one if stdout is redirected: a console decides on colours once."""
    return Console(file=out, highlight=False, soft_wrap=True)
