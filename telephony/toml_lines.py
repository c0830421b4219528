"""The line of each table and key in a TOML document. tomllib keeps no lines, so each statement is parsed alone and counted.

Pure. The grammar stays tomllib's: a statement is the fewest lines that it takes.
"""

import tomllib
from collections.abc import Iterator
from typing import Any

KeyPath = tuple[str | int, ...]
"""The path of a table or key, as in `("inbound", 0, "numbers")`."""


def positions(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of every table and key of a document that tomllib reads."""
    found: dict[KeyPath, int] = {(): 1}
    here: KeyPath = ()
    tables: dict[KeyPath, int] = {}
    for line, source, content in _statements(text):
        if source.lstrip().startswith("["):
            here = _table(content, tables)
            found.setdefault(here, line)
        else:
            for path in _paths(content):
                found.setdefault((*here, *path), line)
    return found


def line_of(path: KeyPath, lines: dict[KeyPath, int]) -> int:
    """The line of a path, or of the nearest thing around it."""
    while path not in lines:
        path = path[:-1]
    return lines[path]


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    begun, source = 1, ""
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        source += f"{line}\n"
        try:
            content = tomllib.loads(source)
        except tomllib.TOMLDecodeError:
            continue  # an array or a text goes on
        if content:
            yield begun, source, content
        begun, source = number + 1, ""


def _table(content: dict[str, Any], tables: dict[KeyPath, int]) -> KeyPath:
    """The path of `[a.b]` or `[[a.b]]`; `tables` counts the elements of each array of tables."""
    path: KeyPath = ()
    while content:
        [(key, value)] = content.items()
        path = (*path, key)
        if isinstance(value, list):
            tables[path] = tables.get(path, -1) + 1
            return (*path, tables[path])
        if value and path in tables:
            path = (*path, tables[path])
        content = value
    return path


def _paths(content: dict[str, Any]) -> Iterator[KeyPath]:
    for key, value in content.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, *rest) for rest in _paths(value))
