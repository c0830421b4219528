"""The environment, `.env` and `.env.local` as names and values. Blanks, quotes and line ends around a value go.

The environment wins over both files, and `.env.local`, which LiveKit's CLI writes (`lk app env`), over `.env`.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from configuration.errors import FileError
from configuration.files import read_text

_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00ad"
"""Invisible characters that come along when a value is copied from a web page; `str.strip` leaves them."""
_QUOTES = (('"', '"'), ("'", "'"), ("\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}"))


@dataclass(frozen=True)
class Values:
    """The settings that are set and not empty. Names are in capitals."""

    known: Mapping[str, str]
    lines: Mapping[str, str]
    """The file and line of each value that is from a file, as in `.env:3`."""

    def where(self, name: str) -> str:
        """The place of a value as the end of a sentence, as in ` (.env:3)`; empty for the environment."""
        place = self.lines.get(name)
        return f" ({place})" if place else ""


def values(environment: Mapping[str, str], env_file: Path | str | None) -> Values:
    """Read the environment and an env file, with the file of the same name that ends in `.local`.

    Args:
        environment: names in any case. Of two spellings the one in small letters wins, as it does with curl.
        env_file: none, or a file. Neither it nor the second one need be there.

    Raises:
        FileError: a file is there and can't be read.
    """
    known: dict[str, str] = {}
    lines: dict[str, str] = {}
    for path in () if env_file is None else (env_file, f"{env_file}.local"):
        for name, value, place in _of_file(path):
            known[name], lines[name] = value, place
    for name in sorted(environment):  # capitals first
        value = clean(environment[name])
        if value:
            known[name.upper()] = value
            lines.pop(name.upper(), None)
    return Values(known, lines)


def clean(value: str) -> str:
    """A value without what is only around it: blanks, line ends, invisible characters, one pair of quotes."""
    value = _stripped(value)
    for opening, closing in _QUOTES:
        if len(value) >= 2 and value.startswith(opening) and value.endswith(closing):
            return _stripped(value[1:-1])
    return value


def _stripped(value: str) -> str:
    while value != (shorter := value.strip().strip(_INVISIBLE)):
        value = shorter
    return value


def _of_file(env_file: Path | str) -> Iterator[tuple[str, str, str]]:
    try:
        text = read_text(Path(env_file))
    except FileNotFoundError:
        return
    places: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        written = binding.original.string
        line = binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
        if binding.error:
            raise FileError(str(env_file), line, "a line must be NAME=value, with a quote at both ends of the value or at none")
        if binding.key is not None:
            places[binding.key] = f"{env_file}:{line}"
    for name, value in dotenv_values(stream=io.StringIO(text)).items():
        if value and (cleaned := clean(value)):
            yield name.upper(), cleaned, places[name]
