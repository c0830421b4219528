"""The checks of declared functions: names and schemas that the service refuses, with its sentences. Pure.

A message that protobuf can read is checked once more, rule by rule; the sentences begin with the path. They were reported for
`BidiGenerateContentRequest.setup` (an array without items, properties without a type) and for `GenerateContentRequest`, whose
types are the same. Not kept, since reports disagree or newer ones say that it is taken: objects without properties, formats
other than `enum` and `date-time`, and a limit on how deep schemas nest that is lower than JSON's. `parametersJsonSchema` isn't
looked into. Vertex has rules of its own, and sentences that name the function (docs/facts.md G153).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.closes import Close

_REQUEST = "BidiGenerateContentRequest"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_BAD_NAME = (
    "Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_),"
    " dots (.), colons (:), or dashes (-), with a maximum length of 64."
)
_OBJECTS_ONLY = ("properties", "required")


@dataclass(frozen=True)
class DeclarationRule:
    """The sentence of one refusal, and where it is known from, with the letters of `python -m emulator profiles`."""

    known: str
    says: str


RULES = {
    "name": DeclarationRule("R", _BAD_NAME),
    "twice": DeclarationRule("D", "parameters and parameters_json_schema are mutually exclusive."),
    "items": DeclarationRule("u", "missing field."),
    "array": DeclarationRule("R", "field predicate failed: $type == Type.ARRAY"),
    "object": DeclarationRule("R", "only allowed for OBJECT type"),
    "required": DeclarationRule("R", "property is not defined"),
    "key": DeclarationRule("R", "key cannot be empty"),
    "enum": DeclarationRule("u", "only allowed for STRING type"),
    "empty": DeclarationRule("u", "cannot be empty"),
    "choices": DeclarationRule("u", "should be non-empty for STRING type with enum format"),
}
"""Refusals by name. `twice` is documented (content.proto); its sentence is guessed."""


def refusals(tools: Sequence[Mapping[str, Any]], path: str) -> Iterator[Close]:
    """The closes over declared functions, in the order of the declarations.

    Args:
        tools: `Tool` messages, as `protojson` reads them.
        path: where they stand, such as `setup.tools`.
    """
    for number, tool in enumerate(tools):
        for index, function in enumerate(tool.get("function_declarations", ())):
            where = f"{path}[{number}].function_declarations[{index}]"
            for at, rule in _function(function, where):
                yield Close(1007, f"* {_REQUEST}.{at}: {RULES[rule].says}")


_Found = Iterator[tuple[str, str]]
"""Pairs of a path and the name of its rule."""


def _function(function: Mapping[str, Any], path: str) -> _Found:
    if not _NAME.fullmatch(function.get("name", "")):
        yield f"{path}.name", "name"
    if "parameters" in function and "parameters_json_schema" in function:
        yield path, "twice"
    for name in ("parameters", "response"):
        if name in function:
            yield from _schema(function[name], f"{path}.{name}")


def _schema(schema: Mapping[str, Any], path: str) -> _Found:
    kind, properties = schema.get("type"), schema.get("properties", {})
    yield from ((f"{path}.{name}", "object") for name in _OBJECTS_ONLY if schema.get(name) and kind != "OBJECT")
    for index, name in enumerate(schema.get("required", ())):
        if name not in properties:
            yield f"{path}.required[{index}]", "required"
    if kind == "ARRAY" and "items" not in schema:
        yield f"{path}.items", "items"
    if "items" in schema and kind != "ARRAY":
        yield f"{path}.items", "array"
    if schema.get("enum") and kind != "STRING":
        yield f"{path}.enum", "enum"
    yield from ((f"{path}.enum[{index}]", "empty") for index, choice in enumerate(schema.get("enum", ())) if not choice)
    if schema.get("format") == "enum" and kind == "STRING" and not schema.get("enum"):
        yield f"{path}.enum", "choices"
    for name, inner in properties.items():
        if not name:
            yield f"{path}.properties[]", "key"
        yield from _schema(inner, f"{path}.properties[{name}]")
    if "items" in schema:
        yield from _schema(schema["items"], f"{path}.items")
    for index, inner in enumerate(schema.get("any_of", ())):
        yield from _schema(inner, f"{path}.any_of[{index}]")


VERTEX_RULES = {
    "object": DeclarationRule("u", "parameters schema should be of type OBJECT."),
    "type": DeclarationRule("u", "schema didn't specify the schema type field."),
    "union": DeclarationRule(
        "u", "schema specified other fields alongside any_of. When using any_of, it must be the only field set."
    ),
}
"""Refusals of Vertex's own, by name. They were reported for `generateContent`; that the Live API has them is guessed."""


def vertex_refusals(schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[Close]:
    """Vertex's own closes over declared functions.

    Args:
        schemas: the parameters of each function in Gemini's schema, by its name.
    """
    for name, schema in schemas.items():
        if schema and schema.get("type") != "OBJECT":
            yield _unable(name, VERTEX_RULES["object"].says)
        for path, rule in _vertex_schema(schema, "parameters") if schema else ():
            yield _unable(name, f"`{path}` {VERTEX_RULES[rule].says}")


def _unable(function: str, what: str) -> Close:
    return Close(1007, f"Unable to submit request because `{function}` functionDeclaration {what}")


def _vertex_schema(schema: Mapping[str, Any], path: str) -> _Found:
    union = schema.get("any_of", ())
    if union and len(schema) > 1:
        yield path, "union"
    elif not union and "type" not in schema:
        yield path, "type"
    for index, inner in enumerate(union):
        yield from _vertex_schema(inner, f"{path}.any_of[{index}]")
    for name, inner in schema.get("properties", {}).items():
        yield from _vertex_schema(inner, f"{path}.{name}")
    if "items" in schema:
        yield from _vertex_schema(schema["items"], f"{path}.items")
