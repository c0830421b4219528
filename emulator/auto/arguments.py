"""Arguments for a function call, made from the function's JSON schema and from what was said. Pure.

Both kinds of declaration are read: Gemini's own schemas (upper-case types, both casings, numbers as strings) and
`parametersJsonSchema`, with `$ref` into its own definitions. `not`, `if`, `dependentSchemas`, `patternProperties`, `contains`,
`uniqueItems` of more than one item, and patterns that no sample fits are not kept. It returns something for any schema at all.
"""

import math
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from pydantic.alias_generators import to_snake

from emulator.auto.mentions import Mentions, mentions
from emulator.messages import Json

_DEEPEST = 16
_MOST_VALUES = 500
"""Values in one call's arguments; those beyond are None."""
_LONGEST_STRING = 10_000
_LONGEST_PATTERN = 200
_LONGEST_MATCHED = 16
"""Characters that a pattern is tried on. Patterns come from the client: on so short a text even the worst ends soon."""
_LARGEST = 1e15
_SMALLEST_STEP = 1e-6
_FORMATS = {
    "date": "2026-01-31",
    "time": "12:00:00Z",
    "date-time": "2026-01-31T12:00:00Z",
    "duration": "PT1H",
    "email": "ada@example.com",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
    "byte": "QWRh",
}
_WHOLE_TEXT = {"query", "question", "text", "message", "prompt", "content", "request", "note"}
"""Names of properties whose value is the whole text."""
_SAMPLES = {"city": "Paris", "location": "Paris", "place": "Paris", "country": "France", "name": "Ada", "language": "English"}
_PATTERN_SAMPLES = ("a", "A", "abc", "ABC", "1", "12", "123", "1234", "12345", "+15550100", "A1", "AB-123", "a@b.cd", "")


def arguments_for(schema: Json, text: str) -> dict[str, Any]:
    """Make arguments that the schema allows.

    Filled are required properties, and enums whose value the text names. Where no property is required all are filled, but for
    numbers while the text names none: the function's own defaults are better than any.
    """
    return _Maker(schema, mentions(text)).arguments()


class _Maker:
    def __init__(self, root: Json, said: Mentions) -> None:
        self._root = root
        self._said = said
        self._left = _MOST_VALUES

    def arguments(self) -> dict[str, Any]:
        schema = self._resolved(self._root)
        if _field(schema, "required") is None:
            properties = _field(schema, "properties")
            properties = properties if isinstance(properties, Mapping) else {}
            schema = {**schema, "required": [name for name, inner in properties.items() if not self._is_unsaid_number(inner)]}
        return self._object(schema, 0)

    def _is_unsaid_number(self, schema: Any) -> bool:
        return not self._said.numbers and _type(self._resolved(schema)) in {"integer", "number"}

    def _value(self, schema: Any, name: str, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return None
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        allowed = _field(schema, "enum")
        if isinstance(allowed, list) and allowed:
            return self._one_of(allowed, _field(schema, "default"))
        return self._typed(schema, name, depth)

    def _typed(self, schema: Json, name: str, depth: int) -> Any:
        kind = _type(schema)
        if kind in {"integer", "number"}:
            return self._number(schema, whole=kind == "integer")
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind == "boolean":
            return schema["default"] if isinstance(schema.get("default"), bool) else True
        return None if kind == "null" else self._string(schema, name)

    def _resolved(self, schema: Any) -> dict[str, Any]:
        """The schema with its references followed and its first possible alternative taken."""
        for _ in range(_DEEPEST):
            if not isinstance(schema, Mapping):
                break
            outer = {key: value for key, value in schema.items() if key not in _NESTING}
            target = schema.get("$ref", schema.get("ref"))
            alternatives = _field(schema, "any_of") or _field(schema, "one_of")
            parts = _field(schema, "all_of")
            if isinstance(target, str):
                schema = _merged([self._definition(target), outer])
            elif isinstance(parts, list) and parts:
                schema = _merged([*parts, outer])
            elif isinstance(alternatives, list) and alternatives:
                schema = _merged([next((one for one in alternatives if _type(one) != "null"), alternatives[0]), outer])
            else:
                return dict(schema)
        return {}

    def _definition(self, target: str) -> Any:
        found: Any = self._root
        for part in target.removeprefix("#").strip("/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    def _one_of(self, allowed: list[Any], default: Any) -> Any:
        words = f" {' '.join(_words(self._said.text))} "
        for value in allowed:
            if isinstance(value, str) and _words(value) and f" {' '.join(_words(value))} " in words:
                return value
        if default is not None and default in allowed:
            return default
        return next((value for value in allowed if value is not None), None)

    def _object(self, schema: Json, depth: int) -> dict[str, Any]:
        properties = _field(schema, "properties")
        properties = properties if isinstance(properties, Mapping) else {}
        required = _field(schema, "required")
        wanted = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        made = {name: self._value(properties.get(name, {}), name, depth + 1) for name in wanted[:_MOST_VALUES]}
        for name, inner in properties.items():
            allowed = _field(inner, "enum") if isinstance(inner, Mapping) else None
            if name not in made and isinstance(allowed, list) and len(made) < _MOST_VALUES:
                marker = object()
                named = self._one_of([*(value for value in allowed if isinstance(value, str)), marker], marker)
                if isinstance(named, str):
                    made[name] = named
        return made

    def _array(self, schema: Json, name: str, depth: int) -> list[Any]:
        least, most = _bound(schema, "min_items", 0), _bound(schema, "max_items", math.inf)
        first = _field(schema, "prefix_items")
        firsts = first if isinstance(first, list) else []
        items = _field(schema, "items")
        wanted = max(least, len(firsts), 0 if items is None or items is False else 1)
        count = int(max(min(wanted, most, _MOST_VALUES), 0))
        kinds = [*firsts, *[items if isinstance(items, Mapping) else {}] * count][:count]
        return [self._value(kind, name, depth + 1) for kind in kinds]

    def _number(self, schema: Json, *, whole: bool) -> float:
        least, most = _range(schema, whole=whole)
        step = _bound(schema, "multiple_of", 0)
        step = step if _SMALLEST_STEP <= step <= _LARGEST else 0
        for wanted in (self._said.next_number(whole=whole, least=least, most=most), _field(schema, "default")):
            if isinstance(wanted, bool) or not isinstance(wanted, int | float) or not least <= wanted <= most:
                continue
            if (wanted == int(wanted) if whole else not _exclusive(schema, wanted)) and (not step or wanted % step == 0):
                return int(wanted) if whole else wanted
        number = min(max(1.0, least), most)
        if step:
            number = math.ceil(number / step) * step
            number = number if number <= most else math.floor(most / step) * step
        elif not whole and _exclusive(schema, number):
            number = (max(least, number - 1) + min(most, number + 1)) / 2
        return int(number) if whole or number == int(number) else number

    def _string(self, schema: Json, name: str) -> str:
        shape = _field(schema, "format")
        if isinstance(shape, str) and shape in _FORMATS:
            return _FORMATS[shape]
        least = int(min(max(_bound(schema, "min_length", 0), 0), _LONGEST_STRING))
        most = int(min(max(_bound(schema, "max_length", _LONGEST_STRING), 0), _LONGEST_STRING))
        fits = _fits(_field(schema, "pattern"), least, most)
        for wanted in self._wanted(schema, name):
            if fits(wanted):
                return wanted
        return f"example {name}"[:most].ljust(least, "x")

    def _wanted(self, schema: Json, name: str) -> list[str]:
        """Candidates for a string's value, the best first."""
        last = to_snake(name[:_LONGEST_PATTERN]).rpartition("_")[2]
        said = self._said.text.strip() if last in _WHOLE_TEXT else self._said.next_word()
        given = [said, _field(schema, "default"), _field(schema, "example"), _SAMPLES.get(last), f"example {name}"]
        samples = _PATTERN_SAMPLES if _field(schema, "pattern") is not None else ()
        return [value for value in [*given, *samples] if isinstance(value, str) and (value or value in samples)]


_NESTING = {"$ref", "ref", "anyOf", "any_of", "oneOf", "one_of", "allOf", "all_of"}


def _field(schema: Json, name: str) -> Any:
    """A schema's field, written in snake_case or in camelCase."""
    if name in schema:
        return schema[name]
    first, *others = name.split("_")
    return schema.get("".join([first, *(other.capitalize() for other in others)]))


def _merged(schemas: list[Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for schema in schemas:
        for key, value in (schema if isinstance(schema, Mapping) else {}).items():
            known = merged.get(key)
            if key == "properties" and isinstance(known, Mapping) and isinstance(value, Mapping):
                merged[key] = {**known, **value}
            elif key == "required" and isinstance(known, list) and isinstance(value, list):
                merged[key] = [*known, *value]
            else:
                merged[key] = value
    return merged


def _type(schema: Any) -> str:
    """A schema's type in lower case; guessed from its other fields where it has none."""
    schema = schema if isinstance(schema, Mapping) else {}
    said = schema.get("type")
    if isinstance(said, list):
        said = next((kind for kind in said if str(kind).lower() != "null"), "null" if said else None)
    if isinstance(said, str):
        return said.lower()
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _bound(schema: Json, name: str, otherwise: float) -> float:
    """A schema's limit as a number; Gemini's own schemas write 64-bit numbers as strings."""
    value = _field(schema, name)
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, int | float | str) else float(value)
    except (ValueError, OverflowError):
        return otherwise
    return otherwise if math.isnan(number) else number


def _range(schema: Json, *, whole: bool) -> tuple[float, float]:
    least = min(max(_bound(schema, "minimum", -_LARGEST), _bound(schema, "exclusive_minimum", -_LARGEST), -_LARGEST), _LARGEST)
    most = max(min(_bound(schema, "maximum", _LARGEST), _bound(schema, "exclusive_maximum", _LARGEST), _LARGEST), -_LARGEST)
    if not whole:
        return least, most
    least, most = math.ceil(least), math.floor(most)
    return least + _exclusive(schema, least), most - _exclusive(schema, most)


def _exclusive(schema: Json, number: float) -> bool:
    return number in {_bound(schema, "exclusive_minimum", math.nan), _bound(schema, "exclusive_maximum", math.nan)}


def _fits(pattern: Any, least: int, most: int) -> Callable[[str], bool]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # patterns of other dialects may mean something else to Python
        try:
            compiled = re.compile(pattern) if isinstance(pattern, str) and len(pattern) <= _LONGEST_PATTERN else None
        except (re.error, RecursionError, OverflowError):
            compiled = None

    def fits(text: str) -> bool:
        matches = compiled is None or (len(text) <= _LONGEST_MATCHED and compiled.search(text) is not None)
        return least <= len(text) <= most and matches

    return fits


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())
