"""JSON Schema, and the part of it that Gemini's schema can say. Pure.

Gemini's schema is a small part of OpenAPI's: choices are texts only, there are no references, no fixed pairs, no types for the
values of any keys, and few formats (https://ai.google.dev/api/caching#Schema, docs/facts.md G150 to G153). What it can't say
goes into a description, where the model can be told. What makes no sense to the service is a fault that names its place, since
the service would close the connection over it.
"""

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from agent.gemini.messages import Json

_TYPES = {name: name.upper() for name in ("string", "number", "integer", "boolean", "array", "object")}
_KEPT = {
    "string": ("minLength", "maxLength", "pattern"),
    "number": ("minimum", "maximum"),
    "integer": ("minimum", "maximum"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
"""JSON Schema's keywords that Gemini's schema has as well, by type."""
_TOLD = {
    "exclusiveMinimum": "More than {}.",
    "exclusiveMaximum": "Less than {}.",
    "multipleOf": "A multiple of {}.",
    "format": "Format: {}.",
}
"""JSON Schema's keywords that are said in words, for lack of a field."""
_OF_VALUES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
_FORMATS = {"date-time", "float", "double", "int32", "int64"}
_UNIONS = ("anyOf", "oneOf")
_DEEPEST = 80
"""Objects and lists of the parameters in each other: protobuf reads 100 of a whole message, and refuses more."""


class Fault(NamedTuple):
    """One thing that keeps a function from being declared."""

    path: str
    """The place in the parameters, such as `order.items[]`; empty for the function itself."""
    reason: str


class SchemaError(Exception):
    """A schema that says what Gemini's can't."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.reason}" for fault in faults))
        self.faults = faults


class GeminiSchema:
    """The JSON Schema of one function's parameters, on its way to Gemini's."""

    def __init__(self, schema: Json) -> None:
        self._schema = schema
        self._definitions: Json = schema.get("$defs") or schema.get("definitions") or {}

    def parameters(self) -> Json | None:
        """The parameters in the terms of `types.Schema`; None if there are none.

        Raises:
            SchemaError: they say something that Gemini's can't.
        """
        schema, inside = self._resolved(self._schema, "", ())
        kind = schema.get("type", "object")
        if kind != "object" and not (isinstance(kind, list) and "object" in kind):
            raise SchemaError(Fault("", f"its parameters are of the type {kind!r}; make them an object with properties"))
        if schema.get("properties"):
            plain = {key: value for key, value in schema.items() if key not in {"enum", "const"}}
            converted = self._convert({**plain, "type": "object"}, "", inside)
            if (depth := _depth(converted)) > _DEEPEST:
                raise SchemaError(Fault("", f"its parameters nest {depth} levels deep; keep them below {_DEEPEST}"))
            return converted
        if any(schema.get(union) for union in _UNIONS):
            raise SchemaError(Fault("", "its parameters are a choice of schemas; make them one object with properties"))
        return None

    def _convert(self, schema: object, path: str, inside: tuple[str, ...]) -> Json:
        """`path`: where in the parameters it stands. `inside`: the definitions that it is a part of."""
        schema, inside = self._resolved(schema, path, inside)
        kind = schema.get("type")
        if "enum" in schema:  # before a union, which can only say the types of the same values
            return _enumerated(schema)
        options = next((schema[union] for union in _UNIONS if schema.get(union)), None)
        if options is not None and "properties" not in schema:  # with them, it says which properties go together
            return self._one_of(schema, options, path, inside)
        if isinstance(kind, list):
            return self._one_of(schema, [_of_kind(schema, each) for each in kind], path, inside)
        kind = kind or next((of for key, of in _SHAPES.items() if key in schema), "string")  # no type: anything, as a text
        if kind not in _TYPES:
            raise SchemaError(Fault(path, f"{kind!r} is no type of Gemini's; write one of {', '.join(_TYPES)}"))
        found: Json = {key: schema[key] for key in _KEPT.get(kind, ()) if key in schema and _is_told(schema[key])}
        found["type"], words = _TYPES[kind], ""
        if schema.get("format") in _FORMATS:
            found["format"] = schema["format"]
        if kind == "array":
            found |= self._array(schema, path, inside)
        if kind == "object" and schema.get("properties"):
            found |= self._object(schema, path, inside)
        elif kind == "object":
            words = self._any_keys(schema, path, inside)
        return found | _description(schema, words)

    def _resolved(self, schema: object, path: str, inside: tuple[str, ...]) -> tuple[Json, tuple[str, ...]]:
        """With what it refers to in place of the reference."""
        if not isinstance(schema, dict):
            return {}, inside  # `true`: anything
        while (reference := schema.get("$ref")) is not None:
            name = str(reference).rpartition("/")[2]
            if name in inside:
                reason = f"the type {name} contains itself, which a schema of Gemini's can't say; pass its content as a text"
                raise SchemaError(Fault(path, reason))
            if name not in self._definitions:
                raise SchemaError(Fault(path, f"there is no definition of {reference}; add it to `$defs`"))
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema, inside = {**self._definitions[name], **rest}, (*inside, name)
        for part in schema.get("allOf") or ():
            resolved, inside = self._resolved(part, path, inside)
            schema = _both(resolved, schema)
        if "const" in schema:
            schema = {**schema, "enum": [schema["const"]]}
        return schema, inside

    def _one_of(self, schema: Json, options: list[Json], path: str, inside: tuple[str, ...]) -> Json:
        real = [option for option in options if option.get("type") != "null"]
        nullable = {"nullable": True} if len(real) < len(options) else {}
        if len(real) > 1:
            members = [self._convert(option, path, inside) for option in real]
            return _described(_any_of(members), schema.get("description") or "", nullable)
        around = {key: value for key, value in schema.items() if key not in {*_UNIONS, "type", "enum", "const"}}
        only = real[0] if real else {"type": "string"}
        described = {"description": around.get("description") or only.get("description")}
        return _described(self._convert({**around, **only, **described}, path, inside), "", nullable)

    def _array(self, schema: Json, path: str, inside: tuple[str, ...]) -> Json:
        if fixed := schema.get("prefixItems"):
            kinds = [self._convert(each, f"{path}[{number}]", inside) for number, each in enumerate(fixed)]
            different = [kind for number, kind in enumerate(kinds) if kind not in kinds[:number]]
            items = different[0] if len(different) == 1 else _any_of(different)
            return {"items": items, "minItems": len(fixed), "maxItems": len(fixed)}
        if "items" not in schema:
            raise SchemaError(Fault(path, "an array must say what its items are; write list[str], or `items` in its schema"))
        return {"items": self._convert(schema["items"], f"{path}[]", inside)}

    def _object(self, schema: Json, path: str, inside: tuple[str, ...]) -> Json:
        """The properties. All that are faulty are told of at once."""
        properties, required = schema["properties"], list(schema.get("required") or ())
        faults = [
            Fault(path or name, f"{name!r} is required, and there is no such property; take it out of `required`")
            for name in required
            if name not in properties
        ]
        inner = {}
        for name, each in properties.items():
            place = f"{path}.{name}" if path else name
            if not name:
                faults.append(Fault(place, "a property has an empty name; give it one"))
            try:
                inner[name] = self._convert(each, place, inside)
            except SchemaError as error:
                faults += error.faults
        if faults:
            raise SchemaError(*faults)
        return {"properties": inner, "property_ordering": list(inner)} | ({"required": required} if required else {})

    def _any_keys(self, schema: Json, path: str, inside: tuple[str, ...]) -> str:
        """An object without properties in words, as `dict[str, int]` is one."""
        values = schema.get("additionalProperties")
        if not isinstance(values, dict) or not values:
            return "An object with any keys."
        converted = self._convert(values, f"{path}{{}}", inside)
        if set(converted) == {"type"}:
            return f"An object with any keys; each value is of the type {converted['type'].lower()}."
        return f"An object with any keys; each value is as this schema says: {json.dumps(converted, ensure_ascii=False)}."


_SHAPES = {"properties": "object", "additionalProperties": "object", "items": "array", "prefixItems": "array"}
"""Keywords that say the type of a schema which doesn't say it."""


def _both(part: Json, schema: Json) -> Json:
    """A part of an `allOf`, and the schema around it, which wins; their properties are put together."""
    both = {**part, **{key: value for key, value in schema.items() if key != "allOf"}}
    if part.get("properties") and schema.get("properties"):
        both["properties"] = {**part["properties"], **schema["properties"]}
    if part.get("required") and schema.get("required"):
        both["required"] = list(dict.fromkeys([*part["required"], *schema["required"]]))
    return both


def _of_kind(schema: Json, kind: str) -> Json:
    """A schema of several types as one of them."""
    return {key: value for key, value in schema.items() if key != "description"} | {"type": kind}


def _depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def _is_told(value: object) -> bool:
    """JSON has no number that isn't finite; as a bound, it is none."""
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def _enumerated(schema: Json) -> Json:
    """The values of an enum, by their types. Only texts can be an enum at Gemini, and none of them empty."""
    values: dict[str, list[Any]] = {}
    for value in schema["enum"]:
        values.setdefault(_OF_VALUES.get(type(value), "string"), []).append(value)
    kinds = schema.get("type")
    may_be_null = values.pop("null", None) is not None or (isinstance(kinds, list) and "null" in kinds)
    choices = [_choice(kind, each) for kind, each in values.items()] or [{"type": "STRING"}]
    around = _description(schema).get("description", "")
    return _described(_any_of(choices), around, {"nullable": True} if may_be_null else {})


def _choice(kind: str, values: Sequence[Any]) -> Json:
    if kind != "string":
        return {"type": _TYPES[kind], "description": f"One of: {', '.join(json.dumps(value) for value in values)}."}
    texts = [value for value in values if value != ""]
    empty = {"description": "It may be empty."} if len(texts) < len(values) else {}
    return {"type": "STRING"} | ({"enum": texts} if texts else {}) | empty


def _any_of(schemas: list[Json]) -> Json:
    """A union of Gemini's schemas: the members of unions among them are its own."""
    members = [member for schema in schemas for member in schema.get("any_of", [schema])]
    return members[0] if len(members) == 1 else {"any_of": members}


def _described(schema: Json, words: str, marks: Json) -> Json:
    """A schema of Gemini's with words and marks. A union has them on each member, since nothing stands beside it (G153)."""
    if "any_of" in schema:
        return {"any_of": [_described(member, words, marks) for member in schema["any_of"]]}
    text = " ".join(filter(None, (words, schema.get("description"))))
    return schema | ({"description": text} if text else {}) | marks


def _description(schema: Json, more: str = "") -> Json:
    """The description for the model: the given one, and in words whatever Gemini's schema has no field for."""
    told = [sentence.format(schema[key]) for key, sentence in _TOLD.items() if key in schema and schema[key] not in _FORMATS]
    text = " ".join(filter(None, (schema.get("description") or "", *told, more)))
    return {"description": text} if text else {}
