"""Bytes of a file as text, text as TOML, and text that UTF-8 can hold. Pure."""

import codecs
import re
import tomllib
from typing import Any

from configuration.errors import FileError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16's, which it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte-order marks: Windows' editors and PowerShell's `>` write them."""
_HALVES = re.compile(r"[\ud800-\udfff]")
_NO_TEXT = "is not UTF-8 text; save the file as UTF-8"


def decoded(content: bytes, path: str) -> str:
    r"""The text of a file: UTF-8, or what its byte-order mark says; every line ends with `\n`.

    Args:
        content: the file's bytes.
        path: how the file is called in a mistake.

    Raises:
        FileError: the bytes are no text.
    """
    mark, encoding = next((found for found in _MARKS if content.startswith(found[0])), (b"", "utf-8"))
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        before = content[len(mark) : len(mark) + error.start].decode(encoding, errors="replace")
        raise FileError(path, _lines(before), _NO_TEXT) from error
    if "\0" in text:
        raise FileError(path, _lines(text[: text.index("\0")]), _NO_TEXT)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def valid_text(text: str) -> str:
    """The text with U+FFFD in place of each half of a surrogate pair: JSON can write a half, and UTF-8 can't."""
    return _HALVES.sub("\ufffd", text)


def parsed_toml(text: str, path: str) -> dict[str, Any]:
    """A TOML document.

    Args:
        text: what `decoded` gave.
        path: how the file is called in a mistake.

    Raises:
        FileError: it is no TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # from Python 3.14 on the line is an attribute, too; before, it only stands in the message
        told = re.search(r"^(.*) \((?:at line (\d+), column \d+|at end of document)\)$", str(error), re.DOTALL)
        line = int(told[2]) if told and told[2] else _lines(text.rstrip("\n"))
        reason = told[1] if told else str(error)
        raise FileError(path, line, f"no TOML: {ascii(reason)[1:-1]}") from error
    except (RecursionError, ValueError) as error:  # brackets in brackets; a number of thousands of digits
        raise FileError(
            path, None, "no TOML that can be read: it is nested too deep, or has a number that is too long"
        ) from error


def _lines(text: str) -> int:
    return len(re.findall(r"\r\n|\r|\n", text)) + 1
