"""JSON to messages, as protobuf's JSON mapping has it, and the service's sentence for whatever isn't one. Pure.

Read so: both spellings of each field's name; enums by name (in any case) or number; 64-bit integers as strings; bytes in both
base64 alphabets, padded or not; null as "not set", also in lists; one value for a list of one; lists in lists as one list.
The sentences are those of Google's JSON front end, recorded on several of its APIs (Gemini's among them, with 1007:
"Cannot find field", "Invalid value at ... (type)"). Guessed: what is said about broken JSON, since no recording of the Live API
has any, and that strings which UTF-8 can't hold are refused.
"""

import binascii
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from emulator.errors import PayloadError
from emulator.protos import NUMBERED, SCALARS, Api, Field

ROOT = "BidiGenerateContentClientMessage"

_DEEPEST = 100
"""Objects and lists may nest so deep: protobuf's own limit."""
_LONGEST_SHOWN = 200
_CONTEXT = 20
"""Characters that are shown before and after the place where JSON ends to be JSON. Recorded."""
_NOT_UTF8 = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?|NaN|-?Infinity")
_BITS = {"int32": 31, "int64": 63}
_LARGEST_FLOAT = 3.4028235677973366e38
_TRUE, _FALSE = {"true", "t", "yes", "y", "1"}, {"false", "f", "no", "n", "0"}
_INVALID = "Request contains an invalid argument."
_RECEIVED = "Invalid JSON payload received."
_TOO_LONG_AN_INTEGER = 20


def loads(frame: str | bytes) -> Any:
    """Parse a frame's JSON.

    Raises:
        PayloadError: it is none, or holds what a protobuf message can't.
    """
    try:
        text = frame if isinstance(frame, str) else frame.decode()
        value = _DECODER.decode(text)
        if ("\\u" in text or not text.isascii()) and _NOT_UTF8.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise PayloadError(_INVALID) from error
    except json.JSONDecodeError as error:
        raise PayloadError(_broken(error)) from error
    except RecursionError as error:
        raise _too_deep("") from error
    return value


def message(body: Any, api: Api, kind: str = ROOT, path: str = "") -> dict[str, Any]:
    """Read a JSON value as a message: names as the proto has them, and only fields that are set.

    Args:
        body: what `loads` gave.
        api: whose messages.
        kind: which of them.
        path: where it stands, for the sentences.

    Raises:
        PayloadError: it isn't one.
    """
    if isinstance(body, dict):
        return _Reader(api).message(body, kind, path, 1)
    if path:
        raise PayloadError(_invalid(path, api.url(kind), body))
    raise PayloadError(_unknown("", "", "Root element must be a message."))


class _Reader:
    def __init__(self, api: Api) -> None:
        self._api = api

    def message(self, body: dict[str, Any], kind: str, path: str, depth: int) -> dict[str, Any]:
        fields, read, groups = self._api.fields[kind], {}, set()
        for key, value in body.items():
            field = fields.get(key)
            if field is None:
                raise PayloadError(_unknown(key, path, "Cannot find field."))
            if value is None and field.kind != "Value":
                continue
            if field.oneof in groups:
                sentence = f"oneof field '{field.oneof}' is already set. Cannot set '{key}'"
                raise PayloadError(f"Invalid value{_at(path)} (oneof), {sentence}")
            groups |= {field.oneof} - {""}
            read[field.name] = self._field(value, field, key, path, depth)
            if field.kind in NUMBERED and read[field.name] == NUMBERED[field.kind][0]:
                del read[field.name]
        return read

    def _field(self, value: Any, field: Field, key: str, path: str, depth: int) -> Any:
        inner = f"{path}.{field.name}" if path else field.name
        if field.mapped:
            return self._map(value, field, path, inner, depth)
        if isinstance(value, list) and field.repeated:
            return list(self._elements(value, field, inner, depth + 1))
        if isinstance(value, list) and field.kind != "Value":
            raise PayloadError(_unknown(key, path, "Proto field is not repeating, cannot start list."))
        if isinstance(value, dict) and (field.kind in SCALARS or field.kind in NUMBERED):
            raise PayloadError(f"Invalid value{_at(path)} ({field.name}), Starting an object on a scalar field")
        one = self._value(value, field.kind, inner, depth + 1)
        return [one] if field.repeated else one

    def _elements(self, values: list[Any], field: Field, path: str, depth: int) -> Iterator[Any]:
        _check_depth(field.name, depth)
        for index, value in enumerate(values):
            inner = f"{path}[{index}]"
            if isinstance(value, list):
                yield from self._elements(value, field, inner, depth + 1)
            elif isinstance(value, dict) and (field.kind in SCALARS or field.kind in NUMBERED):
                raise PayloadError(f"Invalid value at '{inner}' ({field.name}), Starting an object on a scalar field")
            elif value is not None:
                yield self._value(value, field.kind, inner, depth + 1)

    def _map(self, value: Any, field: Field, path: str, inner: str, depth: int) -> dict[str, Any]:
        _check_depth(field.name, depth + 1)
        if isinstance(value, list):
            raise PayloadError(f"Invalid value{_at(path)} (Map), Cannot bind a list to map for field '{field.name}'.")
        if not isinstance(value, dict):
            raise PayloadError(_invalid(inner, "Map", value))
        entries = [(name, one, f"{inner}[{index}].value") for index, (name, one) in enumerate(value.items())]
        return {name: self._value(one, field.kind, at, depth + 2) for name, one, at in entries if one is not None}

    def _value(self, value: Any, kind: str, path: str, depth: int) -> Any:
        if kind in {"Value", "Struct"}:
            if kind == "Struct" and not isinstance(value, dict):
                raise PayloadError(_invalid(path, self._api.url(kind), value))
            _check_free(value, path, depth)
            return value
        if kind in self._api.fields:
            if not isinstance(value, dict):
                raise PayloadError(_invalid(path, self._api.url(kind), value))
            _check_depth(path, depth)
            return self.message(value, kind, path, depth)
        if kind in NUMBERED:
            read: Any = _enum(value, NUMBERED[kind])
        else:
            read = None if isinstance(value, list | dict) else _SCALARS[kind](value)
        if read is None:
            failed = "Base64 decoding failed for " if kind == "bytes" and isinstance(value, str) else ""
            raise PayloadError(_invalid(path, self._api.url(kind), value, failed))
        return read


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _bool(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    said = value.lower() if isinstance(value, str) else str(value) if value in (0, 1) else ""
    return True if said in _TRUE or value == 1 else False if said in _FALSE or value == 0 else None


def _whole(bits: int) -> Callable[[object], int | None]:
    def whole(value: object) -> int | None:
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            number: float = int(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            number = value
        else:
            return None
        return int(number) if -(2**bits) <= number < 2**bits and number == int(number) else None

    return whole


def _real(largest: float) -> Callable[[object], float | None]:
    def real(value: object) -> float | None:
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            return float(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > largest:
            return None
        return float(value)

    return real


def _bytes(value: object) -> bytes | None:
    if not isinstance(value, str):
        return None
    standard = value.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return binascii.a2b_base64(standard + "=" * (-len(standard) % 4), strict_mode=True)
    except ValueError:
        return None


def _enum(value: object, names: tuple[str, ...]) -> str | None:
    """An enum value's name; a number that has none stays as its digits, since later versions may have it."""
    if isinstance(value, str):
        written = value.upper().replace("-", "_") if value.isascii() else value
        if written in names:
            return written
        number = _SCALARS["int32"](value)
        return names[number] if number is not None and 0 <= number < len(names) else None
    number = _SCALARS["int32"](value)
    return None if number is None else names[number] if 0 <= number < len(names) else str(number)


_SCALARS: dict[str, Callable[[object], Any]] = {
    "string": _string,
    "bool": _bool,
    "int32": _whole(_BITS["int32"]),
    "int64": _whole(_BITS["int64"]),
    "float": _real(_LARGEST_FLOAT),
    "double": _real(float("inf")),
    "bytes": _bytes,
}


def _at(path: str) -> str:
    return f" at '{path}'" if path else ""


def _unknown(name: str, path: str, why: str) -> str:
    return f'{_RECEIVED} Unknown name "{name[:_LONGEST_SHOWN]}"{_at(path)}: {why}'


def _invalid(path: str, kind: str, value: object, failed: str = "") -> str:
    return f"Invalid value{_at(path)} ({kind}), {failed}{_shown(value)}"


def _shown(value: object) -> str:
    """A value as the service's sentences repeat it: strings in quotes, as they are."""
    if isinstance(value, str):
        return f'"{value[:_LONGEST_SHOWN]}"'
    if isinstance(value, dict | list):
        return "{...}" if isinstance(value, dict) else "[...]"
    return f"{value:.15g}" if isinstance(value, float) else json.dumps(value)


def _check_depth(key: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise _too_deep(key.rpartition(".")[2])


def _check_free(value: Any, key: str, depth: int) -> None:
    if isinstance(value, dict | list):
        _check_depth(key, depth)
        for name, inner in value.items() if isinstance(value, dict) else ((key, one) for one in value):
            _check_free(inner, name, depth + 1)


def _too_deep(key: str) -> PayloadError:
    return PayloadError(f"{_RECEIVED} Message too deep. Max recursion depth reached for key '{key[:_LONGEST_SHOWN]}'")


def _broken(error: json.JSONDecodeError) -> str:
    if error.pos >= len(error.doc.rstrip()):
        return f"{_RECEIVED} Unexpected end of string."
    before = error.doc[max(error.pos - _CONTEXT, 0) : error.pos]
    after = error.doc[error.pos : error.pos + _CONTEXT]
    return f"{_RECEIVED} Unexpected token.\n{before}{after}\n{' ' * len(before)}^"


def _read_float(text: str) -> float:
    number = float(text)
    if abs(number) == float("inf"):
        raise PayloadError(f"{_RECEIVED} Number exceeds the range of double.")
    return number


def _read_int(text: str) -> float:
    return int(text) if len(text) < _TOO_LONG_AN_INTEGER else _read_float(text)


def _read_constant(name: str) -> NoReturn:
    raise PayloadError(f"{_RECEIVED} Unexpected token.\n{name}\n^")


_DECODER = json.JSONDecoder(parse_float=_read_float, parse_int=_read_int, parse_constant=_read_constant)
