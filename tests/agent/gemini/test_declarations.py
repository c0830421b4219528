"""Function tools as Gemini takes them: what is clear is declared, the rest is one sentence with tool and parameter."""

import datetime
import enum
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import hypothesis.strategies as st
import pytest
from google.genai import types
from hypothesis import given, settings
from livekit.agents import RunContext, function_tool, llm
from livekit.plugins.google.realtime.api_proto import Voice
from livekit.plugins.google.tools import GoogleSearch, URLContext
from pydantic import BaseModel, Field

from agent.gemini import VOICES, DeclarationError, check_tools, prepare_tools, undeclarable
from agent.gemini.declarations import declared


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Node(BaseModel):
    name: str
    children: list["Node"] = []


@dataclass
class Point:
    x: int
    y: float = 0


def tool(annotation: Any) -> Any:
    """A function with one parameter of that type."""

    async def set_level(level: Any) -> str:
        """Set the level.

        Args:
            level: Which.
        """
        return str(level)

    set_level.__annotations__["level"] = annotation
    return function_tool(set_level)


def schema(annotation: Any) -> dict[str, Any]:
    """How that parameter is declared."""
    [made] = declared(llm.ToolContext([tool(annotation)]), None)
    [function] = made.model_dump(mode="json", exclude_none=True, by_alias=True)["functionDeclarations"]
    return dict(function["parameters"]["properties"]["level"])


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Literal[1, 2, 3], {"type": "INTEGER", "description": "Which. One of: 1, 2, 3."}),
        (Literal[1, 2] | None, {"type": "INTEGER", "description": "Which. One of: 1, 2.", "nullable": True}),
        (Level, {"type": "INTEGER", "description": "Which. One of: 1, 2."}),
        (Literal["a", "b"], {"type": "STRING", "description": "Which.", "enum": ["a", "b"]}),
        (Literal[True], {"type": "BOOLEAN", "description": "Which. One of: true."}),
        (
            Literal["a", 1],
            {
                "anyOf": [
                    {"type": "STRING", "enum": ["a"], "description": "Which."},
                    {"type": "INTEGER", "description": "Which. One of: 1."},
                ],
            },
        ),
        (
            tuple[int, int],
            {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": 2, "maxItems": 2, "description": "Which."},
        ),
        (list, {"type": "ARRAY", "items": {"type": "STRING"}, "description": "Which."}),
        (
            tuple[int, str],
            {
                "type": "ARRAY",
                "items": {"anyOf": [{"type": "INTEGER"}, {"type": "STRING"}]},
                "minItems": 2,
                "maxItems": 2,
                "description": "Which.",
            },
        ),
        (
            int | str | None,
            {
                "anyOf": [
                    {"type": "INTEGER", "description": "Which.", "nullable": True},
                    {"type": "STRING", "description": "Which.", "nullable": True},
                ],
            },
        ),
        (Literal["", "a"], {"type": "STRING", "enum": ["a"], "description": "Which. It may be empty."}),
        (
            dict[str, int],
            {"type": "OBJECT", "description": "Which. An object with any keys; each value is of the type integer."},
        ),
        (dict[str, Any], {"type": "OBJECT", "description": "Which. An object with any keys."}),
        (Any, {"type": "STRING", "description": "Which."}),
        (datetime.date, {"type": "STRING", "description": "Which. Format: date."}),
        (Annotated[int, Field(gt=1, le=5)], {"type": "INTEGER", "maximum": 5, "description": "Which. More than 1."}),
    ],
)
def test_what_gemini_has_no_field_for_is_said_in_words(annotation: Any, expected: dict[str, Any]) -> None:
    assert schema(annotation) == expected


def test_an_object_is_declared_with_its_properties() -> None:
    point = schema(Point)
    assert (point["type"], point["required"], set(point["properties"])) == ("OBJECT", ["x"], {"x", "y"})


@pytest.mark.parametrize(
    ("annotation", "parameter", "reason"),
    [
        (Node, "level.children[]", "contains itself"),
        (type, "level", "no JSON Schema"),
        (type, "level", "; take one that can be JSON, such as str, int"),
        ("Missing", "", "'Missing' is not defined"),
    ],
)
def test_what_cannot_be_declared_is_named(annotation: Any, parameter: str, reason: str) -> None:
    with pytest.raises(DeclarationError, match=reason) as raised:
        check_tools([tool(annotation)])
    assert (raised.value.tool, raised.value.parameter) == ("set_level", parameter)
    assert "\n" not in str(raised.value)


def nested(levels: int) -> dict[str, Any]:
    """Objects in each other."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"q": schema}}
    return schema


@pytest.mark.parametrize(
    ("parameters", "parameter"),
    [
        ({"type": "object", "properties": {"items": {"type": "array"}}}, "items"),
        ({"type": "object", "properties": {"q": {"type": "string"}}, "required": ["x"]}, "x"),
        ({"type": "object", "properties": {"q": {"type": "date"}}}, "q"),
        ({"type": "object", "properties": {"q": {"$ref": "#/$defs/nowhere"}}}, "q"),
        ({"type": "object", "properties": {"q": {"type": ["array", "null"]}}}, "q"),
        ({"type": "object", "properties": {"": {"type": "string"}}}, ""),
        ({"type": "string"}, ""),
        ({"anyOf": [{"type": "object", "properties": {"q": {"type": "string"}}}, {"type": "object"}]}, ""),
        (nested(60), ""),
        (nested(900), ""),
    ],
)
def test_what_the_service_refuses_is_refused_here(parameters: dict[str, Any], parameter: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        check_tools([raw(parameters)])
    assert (raised.value.tool, raised.value.parameter) == ("tidy", parameter)


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}),
        ({"type": ["string", "null"], "enum": ["a", "b"]}, {"type": "STRING", "enum": ["a", "b"], "nullable": True}),
        ({"type": ["string", "null"], "enum": ["a", None]}, {"type": "STRING", "enum": ["a"], "nullable": True}),
        ({"enum": [""]}, {"type": "STRING", "description": "It may be empty."}),
        ({"type": "integer", "enum": [1, 2]}, {"type": "INTEGER", "description": "One of: 1, 2."}),
        ({"type": "string", "minItems": 1, "maxLength": 9}, {"type": "STRING", "maxLength": 9}),
        (
            {"type": ["array", "null"], "items": {"type": "string"}},
            {"type": "ARRAY", "items": {"type": "STRING"}, "nullable": True},
        ),
        (
            {"type": ["array", "string"], "items": {"type": "string"}},
            {"anyOf": [{"type": "ARRAY", "items": {"type": "STRING"}}, {"type": "STRING"}]},
        ),
        ({"items": {"type": "number"}}, {"type": "ARRAY", "items": {"type": "NUMBER"}}),
        (
            {
                "allOf": [
                    {"properties": {"a": {"type": "string"}}, "required": ["a"]},
                    {"properties": {"b": {"type": "string"}}},
                ]
            },
            {
                "type": "OBJECT",
                "properties": {"a": {"type": "STRING"}, "b": {"type": "STRING"}},
                "required": ["a"],
                "propertyOrdering": ["b", "a"],
            },
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": [{"required": ["a"]}, {"required": []}]},
            {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "propertyOrdering": ["a"]},
        ),
        (
            {"anyOf": [{"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"type": "null"}]},
            {"anyOf": [{"type": "STRING", "nullable": True}, {"type": "INTEGER", "nullable": True}]},
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "enum": ["x", 1], "description": "Which."},
            {
                "anyOf": [
                    {"type": "STRING", "enum": ["x"], "description": "Which."},
                    {"type": "INTEGER", "description": "Which. One of: 1."},
                ]
            },
        ),
        (
            {"oneOf": [{"type": "string"}, {"type": "null"}], "enum": ["x", "y", None]},
            {"type": "STRING", "enum": ["x", "y"], "nullable": True},
        ),
        (
            {"additionalProperties": {"type": "array", "items": {"type": "string"}}},
            {
                "type": "OBJECT",
                "description": (
                    "An object with any keys; each value is as this schema says: "
                    '{"type": "ARRAY", "items": {"type": "STRING"}}.'
                ),
            },
        ),
    ],
)
def test_a_json_schema_of_another_author_is_mended_where_its_meaning_is_clear(
    parameter: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert raw_schema_of({"type": "object", "properties": {"level": parameter}})["properties"]["level"] == expected


def test_a_reference_to_nothing_is_said_with_the_fix() -> None:
    with pytest.raises(DeclarationError, match=r"there is no definition of #/\$defs/Size; add it to `\$defs`"):
        raw_schema_of({"type": "object", "properties": {"size": {"$ref": "#/$defs/Size"}}})


def test_parameters_by_reference_are_declared() -> None:
    found = raw_schema_of(
        {"$ref": "#/$defs/Order", "$defs": {"Order": {"type": "object", "properties": {"size": {"type": "string"}}}}}
    )
    assert found["properties"] == {"size": {"type": "STRING"}}


@pytest.mark.parametrize("parameters", [{}, None, {"type": "object"}, {"type": "object", "properties": {}}])
def test_a_function_without_parameters_is_declared_without(parameters: Any) -> None:
    [made] = declared(llm.ToolContext([raw(parameters)]), None)
    assert made.function_declarations
    assert made.function_declarations[0].parameters is None


def test_all_that_is_wrong_is_told_at_once() -> None:
    """With a tool, and among the tools of toolsets as well."""

    async def book(table, guests: type) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
        """Book a table."""
        return f"{table} {guests}"

    no_items = {"type": "array"}
    both = {"type": "object", "properties": {"a": no_items, "b": {"type": "object", "properties": {"c": no_items}}}}
    kit = llm.Toolset(id="kit", tools=[raw(both), raw({}, "two words")])
    sentences = [str(error) for error in undeclarable([function_tool(book), kit, raw({}, "tidy")])]
    assert [sentence.partition(" can't be")[0] for sentence in sentences] == [
        "parameter 'table' of the tool 'book'",
        "parameter 'a' of the tool 'tidy'",
        "the tool 'two words'",
        "the tool 'tidy'",
    ]
    assert "parameter 'guests' of the tool 'book' can't be declared to Gemini: its type has no JSON Schema" in sentences[0]
    assert "parameter 'b.c' of the tool 'tidy'" in sentences[1]
    assert sentences[3].endswith("another tool of the agent has the same name; rename one of them")


def raw_schema_of(parameters: dict[str, Any]) -> dict[str, Any]:
    """How those parameters are declared."""
    [made] = declared(llm.ToolContext([raw(parameters)]), None)
    [function] = made.model_dump(mode="json", exclude_none=True, by_alias=True)["functionDeclarations"]
    return dict(function["parameters"])


def raw(parameters: Any, name: str = "tidy") -> Any:
    async def run(raw_arguments: dict[str, object]) -> str:
        return str(raw_arguments)

    return function_tool(run, raw_schema={"name": name, "description": "Tidy up.", "parameters": parameters})


async def with_rest(*rest: int) -> None: ...


async def with_underscore(_level: int) -> None: ...


async def with_context(context: RunContext[None], level: int = 1) -> None: ...


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (with_rest, "parameter 'rest' of the tool 'with_rest' can't be declared to Gemini: a model gives each parameter"),
        (with_underscore, "the tool 'with_underscore' can't be declared to Gemini: .*leading underscores"),
    ],
)
def test_a_signature_that_a_model_cannot_call(function: Any, sentence: str) -> None:
    with pytest.raises(DeclarationError, match=sentence):
        check_tools([function_tool(function)])


def test_the_call_itself_is_no_parameter() -> None:
    [made] = declared(llm.ToolContext([function_tool(with_context)]), None)
    assert made.function_declarations
    assert list((made.function_declarations[0].parameters or types.Schema()).properties or {}) == ["level"]


@pytest.mark.parametrize("name", ["größe", "two words", "1st", "x" * 129])
def test_a_name_that_the_service_refuses(name: str) -> None:
    with pytest.raises(DeclarationError, match="a name is"):
        check_tools([raw({}, name)])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "items", "enum", "anyOf", "$ref", "required", "description", "const", "allOf"]
            )
            | st.text(max_size=5),
            inner | st.sampled_from(["string", "object", "array", "integer"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(parameters=JSON)
def test_whatever_a_schema_says_it_is_declared_or_one_sentence(parameters: Any) -> None:
    try:
        check_tools([raw({"type": "object", "properties": {"level": parameters}})])
        check_tools([raw(parameters)])
    except DeclarationError as error:
        assert "tidy" in str(error)


def test_tools_that_are_prepared_are_declared_as_others_are() -> None:
    """What can't be declared keeps no other tool from being prepared, and is told by whoever declares it."""
    wrong, right = raw({}, "two words"), tool(int)
    prepare_tools([wrong, right])
    assert [error.tool for error in undeclarable([wrong, right])] == ["two words"]
    assert declared(llm.ToolContext([right]), None) == declared(llm.ToolContext([tool(int)]), None)


def test_googles_own_tools_are_declared_and_other_providers_are_not() -> None:
    """The tools of LiveKit's plugin, which isn't imported for them; a tool of another model's has no declaration for Gemini."""
    own = [GoogleSearch(exclude_domains=["example.com"]), URLContext()]
    assert declared(llm.ToolContext([*own, llm.ProviderTool(id="of_another_model")]), None) == [
        types.Tool(google_search=types.GoogleSearch(exclude_domains=["example.com"])),
        types.Tool(url_context=types.UrlContext()),
    ]


def test_the_voices_are_those_of_livekits_plugin() -> None:
    assert set(get_args(Voice)) == VOICES
