"""Functions that the service refuses to have declared, in its words; and those that it takes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.declarations import RULES, VERTEX_RULES, refusals, vertex_refusals

WHERE = "* BidiGenerateContentRequest.setup.tools[0].function_declarations[0]"
TEXT = {"type": "STRING"}


def told(function: dict[str, Any]) -> list[str]:
    return [close.reason for close in refusals([{"function_declarations": [function]}], "setup.tools")]


def parameters(**schema: object) -> dict[str, Any]:
    return {"name": "f", "parameters": {"type": "OBJECT", **schema}}


@pytest.mark.parametrize("name", ["a", "_", "book_table", "ns:a.b-c", "A1", "x" * 64])
def test_names_that_are_taken(name: str) -> None:
    assert told({"name": name}) == []


@pytest.mark.parametrize("name", ["", "1st", "-a", "a b", "café", "a/b", "a\n", "x" * 65])
def test_names_that_are_refused(name: str) -> None:
    [reason] = told({"name": name})
    assert reason.startswith(f"{WHERE}.name: Invalid function name.")


def test_a_function_without_a_name_is_refused() -> None:
    assert len(told({})) == 1


@pytest.mark.parametrize(
    "function",
    [
        {"name": "f"},
        parameters(),
        parameters(properties={}),
        parameters(properties={"options": {"type": "OBJECT"}}),
        parameters(properties={"a": {"type": "ARRAY", "items": TEXT}}, required=["a"]),
        parameters(properties={"a": {"type": "STRING", "enum": ["x"], "format": "enum"}}),
        parameters(properties={"a": {"type": "STRING", "format": "email"}}),
        parameters(properties={"a": {"any_of": [TEXT, {"type": "NULL"}]}}),
        {"name": "f", "parameters_json_schema": {"type": "array"}},
    ],
)
def test_declarations_that_are_taken(function: dict[str, Any]) -> None:
    assert told(function) == []


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (parameters(properties={"a": {"type": "ARRAY"}}), ".parameters.properties[a].items: missing field."),
        (
            parameters(properties={"a": {"type": "ARRAY", "items": {"type": "ARRAY"}}}),
            ".parameters.properties[a].items.items: missing field.",
        ),
        (parameters(properties={"q": TEXT}, required=["q", "x"]), ".parameters.required[1]: property is not defined"),
        (parameters(required=["x"]), ".parameters.required[0]: property is not defined"),
        (parameters(type=None, properties={"a": TEXT}), ".parameters.properties: only allowed for OBJECT type"),
        (
            parameters(properties={"a": {"type": "STRING", "items": TEXT}}),
            ".parameters.properties[a].items: field predicate failed: $type == Type.ARRAY",
        ),
        (
            parameters(properties={"n": {"type": "INTEGER", "enum": ["1"]}}),
            ".parameters.properties[n].enum: only allowed for STRING type",
        ),
        (
            parameters(properties={"a": {"any_of": [TEXT, {"type": "INTEGER", "enum": ["1"]}]}}),
            ".parameters.properties[a].any_of[1].enum: only allowed fo",
        ),
        (
            parameters(properties={"a": {"type": "STRING", "enum": ["x", ""]}}),
            ".parameters.properties[a].enum[1]: cannot be empty",
        ),
        (parameters(properties={"": TEXT}), ".parameters.properties[]: key cannot be empty"),
        ({"name": "f", "response": {"type": "ARRAY"}}, ".response.items: missing field."),
        ({"name": "f", "parameters": {}, "parameters_json_schema": {}}, ": parameters and parameters_json_schema ar"),
    ],
)
def test_declarations_that_are_refused(function: dict[str, Any], reason: str) -> None:
    first, *_ = told(function)
    assert first.startswith(f"{WHERE}{reason}"[: len(first)])
    assert reason[:30] in first


def test_every_rule_says_where_it_is_known_from() -> None:
    assert {rule.known for rule in (*RULES.values(), *VERTEX_RULES.values())} <= {"R", "D", "u", "?"}


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        ({"type": "STRING"}, "parameters schema should be of type OBJECT."),
        (
            {"type": "OBJECT", "properties": {"a": {"description": "What."}}},
            "`parameters.a` schema didn't specify the schema type",
        ),
        (
            {"type": "OBJECT", "properties": {"a": {"type": "ARRAY", "items": {"any_of": [TEXT], "description": "What."}}}},
            "`parameters.a.items` schema specified other fields alongside",
        ),
        ({"type": "OBJECT", "properties": {"a": {"any_of": [{}]}}}, "`parameters.a.any_of[0]` schema didn't specify"),
    ],
)
def test_vertex_refuses_more_in_words_of_its_own(schema: dict[str, Any], sentence: str) -> None:
    [close] = vertex_refusals({"f": schema})
    assert close.code == 1007
    assert close.reason.startswith(f"Unable to submit request because `f` functionDeclaration {sentence}"[:123])


@pytest.mark.parametrize(
    "schema", [{}, {"type": "OBJECT"}, {"type": "OBJECT", "properties": {"a": {"any_of": [TEXT, {"type": "INTEGER"}]}}}]
)
def test_what_vertex_takes(schema: dict[str, Any]) -> None:
    assert list(vertex_refusals({"f": schema})) == []


SCHEMAS = st.recursive(
    st.fixed_dictionaries({}, optional={"type": st.sampled_from(["OBJECT", "ARRAY", "STRING"]), "enum": st.lists(st.text())}),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["OBJECT", "ARRAY", "STRING"]),
            "properties": st.dictionaries(st.text(max_size=3), inner, max_size=3),
            "items": inner,
            "any_of": st.lists(inner, max_size=2),
            "required": st.lists(st.text(max_size=3), max_size=2),
        },
    ),
)


@given(st.text(), SCHEMAS)
def test_any_declaration_is_taken_or_refused_with_1007(name: str, schema: dict[str, Any]) -> None:
    tools = [{"function_declarations": [{"name": name, "parameters": schema}]}]
    assert {close.code for close in refusals(tools, "setup.tools")} <= {1007}
