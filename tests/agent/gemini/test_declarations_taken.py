"""The worker's rules for declared functions and the emulator's: each holds the other."""

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from livekit.agents import function_tool, llm

from agent.gemini import DeclarationError, Voicing, check_tools, wire
from agent.gemini.capabilities import capabilities_of
from agent.gemini.live_config import live_config
from emulator import protos
from emulator import wire as emulated
from emulator.acceptance import accept
from emulator.errors import RefusedError
from emulator.messages import Setup
from emulator.profiles import profile_of

MODEL = "gemini-3.8-live"
APIS = {False: ("v1beta", protos.gemini("v1beta")), True: ("v1beta1", protos.vertex("v1beta1"))}


def raw(parameters: Any, name: str = "tidy") -> Any:
    async def run(raw_arguments: dict[str, object]) -> str:
        return str(raw_arguments)

    return function_tool(run, raw_schema={"name": name, "description": "Tidy up.", "parameters": parameters})


def accepted(frame: str | bytes, *, vertex: bool) -> None:
    """Have the emulator read a setup.

    Raises:
        RefusedError: it closes the socket over it.
    """
    version, api = APIS[vertex]
    setup = emulated.read(emulated.load(frame, api))
    profile = profile_of(MODEL, vertex=vertex)
    assert isinstance(setup, Setup)
    assert profile is not None
    accept(setup, profile, version)


def declared_by_worker(tools: list[Any]) -> bytes:
    """The setup that a call with those tools sends."""
    config = live_config(Voicing("Puck"), capabilities_of(MODEL), "Be brief.", llm.ToolContext(tools))
    return wire.first_message(wire.setup(MODEL, config), None)


def as_it_stands(parameters: Any, *names: str) -> str:
    """A setup with a JSON Schema that nobody has mended."""
    functions = [{"name": name, "parameters": parameters} for name in names or ("tidy",)]
    return json.dumps({"setup": {"model": f"models/{MODEL}", "tools": [{"functionDeclarations": functions}]}})


def one(schema: Any) -> dict[str, Any]:
    """The schema of parameters with one property."""
    return {"type": "object", "properties": {"level": schema}}


TEXT = {"type": "string"}
MENDED = {
    "extra keys": {**one(TEXT), "additionalProperties": False},
    "a dialect": {**one(TEXT), "$schema": "https://json-schema.org/draft/2020-12/schema"},
    "a nullable type": one({"type": ["string", "null"]}),
    "choices of numbers": one({"type": "integer", "enum": [1, 2]}),
    "an empty choice": one({"type": "string", "enum": ["", "a"]}),
    "a constant": one({"const": "a"}),
    "values of any keys": one({"type": "object", "additionalProperties": {"type": "integer"}}),
    "a pair": one({"type": "array", "prefixItems": [TEXT, {"type": "integer"}]}),
    "one of": one({"oneOf": [TEXT, {"type": "integer"}]}),
    "a reference": {**one({"$ref": "#/$defs/Level"}), "$defs": {"Level": TEXT}},
    "an open bound": one({"type": "integer", "exclusiveMinimum": 0}),
    "bounds of another type": one({"type": "object", "properties": {"a": TEXT}, "uniqueItems": True}),
}
"""JSON Schemas whose meaning is clear, and which the service refuses as they stand."""
REFUSED = {
    "an array of unknown items": one({"type": "array"}),
    "an unknown requirement": {**one(TEXT), "required": ["other"]},
    "no such type": one({"type": "date"}),
    "an empty name": {"type": "object", "properties": {"": TEXT}},
    "itself": {
        **one({"$ref": "#/$defs/Node"}),
        "$defs": {"Node": {"type": "object", "properties": {"n": {"$ref": "#/$defs/Node"}}}},
    },
}
"""JSON Schemas that neither the service takes, nor anybody can mend."""


@pytest.mark.parametrize("name", MENDED)
def test_what_the_service_refuses_is_mended(name: str) -> None:
    with pytest.raises(RefusedError):
        accepted(as_it_stands(MENDED[name]), vertex=False)
    tools = [raw(MENDED[name])]
    check_tools(tools)
    for vertex in APIS:
        accepted(declared_by_worker(tools), vertex=vertex)


@pytest.mark.parametrize("name", REFUSED)
def test_what_nobody_can_mend_is_refused_by_both(name: str) -> None:
    with pytest.raises(RefusedError):
        accepted(as_it_stands(REFUSED[name]), vertex=False)
    with pytest.raises(DeclarationError):
        check_tools([raw(REFUSED[name])])


@pytest.mark.parametrize("name", ["größe", "two words", "1st", "x" * 65])
def test_a_bad_name_is_refused_by_both(name: str) -> None:
    with pytest.raises(RefusedError):
        accepted(as_it_stands(one(TEXT), name), vertex=False)
    with pytest.raises(DeclarationError):
        check_tools([raw(one(TEXT), name)])


def test_two_functions_of_one_name_are_refused_by_both() -> None:
    with pytest.raises(RefusedError):
        accepted(as_it_stands(one(TEXT), "tidy", "tidy"), vertex=False)
    with pytest.raises(DeclarationError):
        check_tools([raw(one(TEXT)), raw(one(TEXT))])


@pytest.mark.parametrize(
    "schema",
    [
        one({"anyOf": [TEXT, {"type": "integer"}], "description": "Which."}),
        one({"description": "Which."}),
        {"type": "string"},
    ],
    ids=["a union with a description", "no type", "no object"],
)
def test_what_vertex_alone_refuses_is_mended_or_refused_here(schema: Any) -> None:
    accepted(as_it_stands(schema), vertex=False)
    with pytest.raises(RefusedError, match="Unable to submit request because `tidy` functionDeclaration"):
        accepted(as_it_stands(schema), vertex=True)
    try:
        check_tools([raw(schema)])
    except DeclarationError:
        assert "properties" not in schema
    else:
        accepted(declared_by_worker([raw(schema)]), vertex=True)


SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "integer", "number", "boolean", "array", "object", ["string", "null"]]),
            "enum": st.lists(st.sampled_from(["", "a", 1, 2.5, True, None]), max_size=3),
            "description": st.text(max_size=3),
            "format": st.sampled_from(["date", "date-time", "enum", "int32"]),
            "minimum": st.integers(-9, 9),
            "minItems": st.integers(0, 9),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["array", "object", ["array", "null"], ["object", "string"]]),
            "description": st.text(max_size=3),
            "properties": st.dictionaries(st.sampled_from(["a", "b", "c", ""]), inner, max_size=3),
            "required": st.lists(st.sampled_from(["a", "b"]), max_size=2),
            "additionalProperties": st.booleans() | inner,
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=3),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "$ref": st.just("#/$defs/D"),
        },
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(schema=SCHEMAS, definition=SCHEMAS, vertex=st.booleans())
def test_what_the_worker_declares_the_service_takes(schema: Any, definition: Any, vertex: bool) -> None:
    tools = [raw({**one(schema), "$defs": {"D": definition}})]
    try:
        check_tools(tools)
    except DeclarationError:
        return
    accepted(declared_by_worker(tools), vertex=vertex)
