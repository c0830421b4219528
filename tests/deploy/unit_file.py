"""Reads a unit file of systemd: each setting with its values, in order."""

from collections import defaultdict
from pathlib import Path

from tests.test_architecture import ROOT

WORKER_UNIT = ROOT / "deploy" / "systemd" / "earshot-worker@.service"
_UNITS_S = {"s": 1, "sec": 1, "min": 60, "h": 3600}


def read_unit(path: Path) -> dict[str, list[str]]:
    """The settings of all sections. Names are unique among them in our files."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in path.read_text().splitlines():
        if line and not line.startswith(("#", "[")):
            name, _, value = line.partition("=")
            found[name].append(value)
    return found


def seconds(span: str) -> int:
    """A time span of systemd or compose with one unit, such as `31min`, `31m`, `1h` or a bare `10`."""
    digits = span.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = span.removeprefix(digits)
    return int(digits) * (60 if unit == "m" else _UNITS_S[unit or "s"])
