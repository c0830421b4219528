"""`telephony.toml` -> `Spec`, or every mistake with its line."""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from configuration import FileError, decoded, parsed_toml
from telephony.conflicts import conflicts
from telephony.errors import Mistake, SpecError
from telephony.spec import Inbound, LineSpec, Rule, Spec
from telephony.toml_lines import KeyPath, line_of, positions

LONGEST_FILE = 256 * 1024
_TABLES: dict[str, type[BaseModel]] = {"inbound": Inbound, "rule": Rule, "line": LineSpec}
_SECRETS = {"auth_password_env", "pin"}
_IN_CLEAR = {"auth_password", "password", "secret"}


def load_spec(path: Path) -> Spec:
    """Read the file.

    Raises:
        SpecError: it is missing, no TOML, or has mistakes; all of them.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        why = f"it can't be read: {error.strerror or error}; deploy/sip/telephony.toml is an example to copy"
        raise SpecError(str(path), [Mistake(1, "", why)]) from error
    return parse(content, str(path))


def parse(content: bytes, path: str = "telephony.toml") -> Spec:
    """Read a file's content; `path` is for the mistakes.

    Raises:
        SpecError: it is no TOML, or has mistakes; all of them.
    """
    document, text = _document(content, path)
    try:
        spec = Spec.model_validate(document)
        found = list(conflicts(spec))
    except ValidationError as invalid:
        found = list(_explained(invalid))
    if found:
        lines = positions(text)
        mistakes = [Mistake(line_of(place, lines), _field(place, document), sentence) for place, sentence in found]
        raise SpecError(path, sorted(mistakes, key=lambda mistake: mistake.line))
    return spec


def _document(content: bytes, path: str) -> tuple[dict[str, Any], str]:
    if len(content) > LONGEST_FILE:
        raise SpecError(path, [Mistake(1, "", f"it has {len(content)} bytes; {LONGEST_FILE} are the most")])
    try:
        text = decoded(content, path)
        return parsed_toml(text, path), text
    except FileError as error:
        raise SpecError(path, [Mistake(error.line or 1, "", error.reason)]) from error


def _explained(invalid: ValidationError) -> Iterator[tuple[KeyPath, str]]:
    for error in invalid.errors(include_url=False):
        place = error["loc"]
        key = str(place[-1]) if place else ""
        value, message = error.get("input"), str(error["msg"])
        shown = "***" if key in _SECRETS else _short(value)
        match error["type"]:
            case "missing":
                yield place, f"is missing; {_WHY_EMPTY.get(key, 'add it')}"
            case "extra_forbidden":
                yield place, _unknown(place, key)
            case "value_error":
                yield place, f"is {shown}; it must be {message.removeprefix('Value error, ')}"
            case "too_short":
                yield place, f"is {shown}; {_WHY_EMPTY.get(key, 'it must not be empty')}"
            case _:
                yield place, f"is {shown}; {message[0].lower()}{message[1:]}"


_WHY_EMPTY = {
    "trunks": "name the [[inbound]] it is for: LiveKit lets every stranger into a rule without a trunk",
}


def _short(value: object) -> str:
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict) for one in value)):
        return "a table" if isinstance(value, dict) else "a list of tables"  # a password or PIN may be in it
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _unknown(place: KeyPath, key: str) -> str:
    if key in _IN_CLEAR:
        return 'a password is not written here; put it into the environment and write auth_password_env = "ITS_NAME"'
    table = _TABLES.get(str(place[0]), Spec) if len(place) > 1 else Spec
    known = sorted(table.model_fields)
    near = difflib.get_close_matches(key, known, n=1)
    return f"is no key that is known here; {f'did you mean {near[0]}?' if near else ''} known are {', '.join(known)}".replace(
        "  ", " "
    )


def _field(place: KeyPath, document: dict[str, Any]) -> str:
    """The name of a field for people, as in `[[inbound]] "carrier": numbers[0]`."""
    head, rest = place[:1], place[1:]
    where = ""
    match place:
        case (str(table), int(index), *_) if table in {"inbound", "rule"}:
            element = document[table][index]
            name = element.get("name") if isinstance(element, dict) else None
            where, rest = f"[[{table}]] {_short(name) if isinstance(name, str) else f'number {index + 1}'}", place[2:]
        case ("line", _, *_):
            where = "[line]"
        case _:
            rest = head + rest
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest).removeprefix(".")
    return ": ".join(part for part in (where, field) if part)
