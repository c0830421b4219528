"""Tables in tables, as TOML and JSON have them: merged key by key, and their values named by dotted names. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

LiveTable = Mapping[str, Any]
"""A `[live]` table, or a part of one."""

_DEEPEST = 8
"""Tables in tables are looked into down to this depth, which is more than google-genai's types have."""


def merged(*tables: LiveTable) -> dict[str, Any]:
    """The tables as one, key by key at every depth. A later one wins; a list replaces a list."""
    whole: dict[str, Any] = {}
    for table in tables:
        for key, value in table.items():
            before = whole.get(key)
            nested = isinstance(value, Mapping) and isinstance(before, Mapping)
            whole[key] = merged(before, value) if nested and before is not None else value
    return whole


def leaves(table: LiveTable, above: str = "") -> Iterator[tuple[str, Any]]:
    """Each value that is no table, with its dotted name. An empty table is a value too, and one deeper than any of Google's."""
    for key, value in table.items():
        name = f"{above}.{key}" if above else key
        if isinstance(value, Mapping) and value and name.count(".") < _DEEPEST:
            yield from leaves(value, name)
        else:
            yield name, value


def value_at(table: LiveTable, name: str) -> Any:
    """The value with that dotted name; None if there is none."""
    found: Any = table
    for key in name.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def nested(name: str, value: object) -> dict[str, Any]:
    """A table with that dotted name alone."""
    key, _, inner = name.partition(".")
    return {key: nested(inner, value) if inner else value}


def without(table: LiveTable, name: str) -> dict[str, Any]:
    """The table without that dotted name, and without tables that would be left empty."""
    key, _, inner = name.partition(".")
    rest = {other: value for other, value in table.items() if other != key}
    left = without(table[key], inner) if inner and isinstance(table.get(key), Mapping) else {}
    return {**rest, key: left} if left else rest
