"""Arguments from schemas: they satisfy the schema, hold what was said, and no schema breaks their making."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from emulator.auto.arguments import arguments_for

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": int | float,
}


def complaints(value: Any, schema: dict[str, Any]) -> list[str]:
    """What a schema says against a value, for the keywords that `SCHEMAS` uses."""
    if "anyOf" in schema:
        return [] if any(not complaints(value, one) for one in schema["anyOf"]) else [f"{value!r} is none of {schema}"]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{value!r} is not in {schema['enum']}"]
    kind = schema["type"].lower()
    fits = isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
    return _inner_complaints(value, schema, kind) if fits else [f"{value!r} is no {kind}"]


def _inner_complaints(value: Any, schema: dict[str, Any], kind: str) -> list[str]:
    found = []
    if kind == "object":
        found += [f"{name} is missing" for name in schema.get("required", []) if name not in value]
        for name, inner in value.items():
            found += complaints(inner, schema["properties"][name])
    if kind == "array":
        found += [] if schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 500) else ["wrong length"]
        for inner in value:
            found += complaints(inner, schema["items"])
    if kind == "string":
        length = len(value)
        found += [] if schema.get("minLength", 0) <= length <= schema.get("maxLength", 10**4) else [f"{length} characters"]
    if kind in {"integer", "number"}:
        inside = schema.get("minimum", value) <= value <= schema.get("maximum", value)
        between = schema.get("exclusiveMinimum", value - 1) < value < schema.get("exclusiveMaximum", value + 1)
        found += (
            []
            if inside and between and value % schema.get("multipleOf", 1 if kind == "integer" else value or 1) == 0
            else ["range"]
        )
    return found


def ranged(least: str, most: str, limit: int, gap: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """Two bounds that leave room, each of them optional."""
    both = st.tuples(st.integers(0, limit), st.integers(gap, limit)).map(lambda pair: {least: pair[0], most: pair[0] + pair[1]})
    return both | both.map(lambda b: {least: b[least]}) | both.map(lambda b: {most: b[most]}) | st.just({})


def of(*kinds: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from([spelled for kind in kinds for spelled in (kind, kind.upper())]).map(lambda kind: {"type": kind})


def joined(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda schemas: {key: value for schema in schemas for key, value in schema.items()})


NAMES = st.sampled_from(["city", "query", "userName", "time_zone", "n"]) | st.text(max_size=5)
LEAVES = st.one_of(
    of("boolean"),
    joined(of("string"), ranged("minLength", "maxLength", 40)),
    joined(of("integer", "number"), ranged("minimum", "maximum", 50)),
    joined(of("integer", "number"), ranged("exclusiveMinimum", "exclusiveMaximum", 50, gap=2)),
    joined(of("integer"), st.integers(1, 7).map(lambda n: {"multipleOf": n, "minimum": -3, "maximum": 40})),
    st.lists(st.text(max_size=8), min_size=1, max_size=4).map(lambda values: {"type": "STRING", "enum": values}),
    st.lists(st.integers(), min_size=1, max_size=4).map(lambda values: {"type": "integer", "enum": values}),
)


def objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    def required(properties: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
        names = st.lists(st.sampled_from(sorted(properties)), unique=True) if properties else st.just([])
        body = {"type": "object", "properties": properties}
        return names.map(lambda wanted: {**body, "required": wanted}) | st.just(body)

    return st.dictionaries(NAMES, inner, max_size=4).flatmap(required)


SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        objects(inner),
        joined(of("array"), ranged("minItems", "maxItems", 5), inner.map(lambda items: {"items": items})),
        st.lists(inner, min_size=1, max_size=3).map(lambda kinds: {"anyOf": [{"type": "null"}, *kinds]}),
    ),
    max_leaves=8,
)
TEXTS = st.text(max_size=60) | st.sampled_from(["what's the weather in Paris?", "set 3 timers for 4.5 minutes", '-7 and "x"'])
KEYWORDS = [
    *(
        "type",
        "properties",
        "required",
        "items",
        "prefixItems",
        "minItems",
        "max_items",
        "a",
        "$ref",
        "$defs",
        "anyOf",
        "oneOf",
    ),
    *("allOf", "enum", "const", "default", "minimum", "exclusiveMaximum", "multipleOf", "minLength", "format", "pattern"),
]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["object", "ARRAY", "#/$defs/a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYWORDS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@settings(deadline=None)  # the machine may be busy
@given(objects(SCHEMAS), TEXTS)
def test_arguments_satisfy_their_schema(schema: dict[str, Any], text: str) -> None:
    assert complaints(arguments_for(schema, text), schema) == []


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["type", "properties", "required", "allOf", "$ref", "$defs"]), ANYTHING), ANYTHING)
def test_no_schema_breaks_it(schema: dict[str, Any], inner: Any) -> None:
    arguments = arguments_for({**schema, "properties": {"a": inner}}, "Call 5 times")
    assert isinstance(arguments, dict)


def test_a_recursive_schema_ends() -> None:
    node = {"type": "object", "properties": {n: {"$ref": "#/$defs/node"} for n in "abcdef"}, "required": list("abcdef")}
    arguments = arguments_for({"$defs": {"node": node}, "$ref": "#/$defs/node"}, "")
    assert len(json.dumps(arguments)) < 20_000
    assert arguments_for({"$ref": "#", "properties": {}}, "") == {}
    huge = {"type": "array", "items": {"type": "array", "items": {}, "minItems": 10**9}, "minItems": "1000000000"}
    assert len(json.dumps(arguments_for({"properties": {"a": huge}}, ""))) < 20_000


class Leg(BaseModel):
    place: str
    hour: int | None = None


class Trip(BaseModel):
    legs: list[Leg]
    travellers: int
    first_class: bool


def test_pydantics_schemas_with_definitions_are_satisfied() -> None:
    trip = Trip.model_validate(arguments_for(Trip.model_json_schema(), "fly from Oslo with 3 people"))
    assert (trip.legs[0].place, trip.travellers) == ("Oslo", 3)


def test_all_of_is_merged() -> None:
    parts = [{"properties": {"n": {"type": "integer"}}, "required": ["n"]}, {"properties": {"b": {"type": "boolean"}}}]
    assert arguments_for({"allOf": parts, "required": ["b"]}, "") == {"n": 1, "b": True}


def test_geminis_own_schemas_write_numbers_as_strings_and_names_in_both_casings() -> None:
    names = {"type": "ARRAY", "min_items": "2", "items": {"type": "STRING", "minLength": "3", "maxLength": "4"}}
    assert [len(name) for name in arguments_for({"type": "OBJECT", "properties": {"x": names}}, "")["x"]] == [4, 4]


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "number"}, "set it to 21.5 degrees", 21.5),
        ({"type": "integer"}, "wake me in five minutes", 5),
        ({"type": "integer", "minimum": 10}, "take 3 of the 12", 12),
        ({"type": "integer", "default": 9}, "no number", 9),
        ({"type": "string"}, 'play "Blue Moon" for Ada', "Blue Moon"),
        ({"type": "string"}, "call Grace Hopper now", "Grace Hopper"),
        ({"type": "string", "default": "x"}, "", "x"),
        ({"type": "string", "enum": ["low", "very high"]}, "make it very high please", "very high"),
        ({"type": "string", "enum": ["low", "high"], "default": "high"}, "", "high"),
        ({"type": ["null", "boolean"]}, "", True),
        ({"const": 7}, "", 7),
        ({"type": "string", "format": "date"}, "", "2026-01-31"),
        ({"type": "string", "pattern": r"^\d{4}$"}, "", "1234"),
    ],
)
def test_what_was_said_is_used_where_it_fits(schema: dict[str, Any], text: str, value: object) -> None:
    assert arguments_for({"type": "object", "properties": {"x": schema}, "required": ["x"]}, text) == {"x": value}


def test_a_query_is_the_whole_text() -> None:
    schema = {"properties": {"search_query": {"type": "string"}}}
    assert arguments_for(schema, " cats in Rome ") == {"search_query": "cats in Rome"}


def test_optional_arguments_are_left_out_unless_the_text_names_one_of_their_values() -> None:
    unit = {"type": "string", "enum": ["celsius", "fahrenheit"]}
    schema = {"properties": {"city": {"type": "string"}, "unit": unit, "day": {"type": "string"}}, "required": ["city"]}
    assert arguments_for(schema, "weather in Rome in Celsius") == {"city": "Rome", "unit": "celsius"}
    assert arguments_for(schema, "weather in Rome") == {"city": "Rome"}


def test_a_doubtful_pattern_is_no_warning() -> None:
    schema = {"properties": {"x": {"type": "string", "pattern": "^[[a]$"}}}
    assert arguments_for(schema, "") == {"x": "a"}


@pytest.mark.timeout(10)
def test_a_pattern_made_to_hang_ends() -> None:
    name = "a" * 500
    schema = {"properties": {name: {"type": "string", "pattern": "^(a+)+$b"}}}
    assert re.search("example", arguments_for(schema, f'"{name}"')[name])


def test_a_number_that_has_a_default_of_its_own_is_filled_only_if_the_text_names_one() -> None:
    schema = {"type": "object", "properties": {"sides": {"type": "integer"}, "colour": {"type": "string"}}}
    assert arguments_for(schema, "roll the dice") == {"colour": "example colour"}
    assert arguments_for(schema, "roll a die with 20 sides")["sides"] == 20
