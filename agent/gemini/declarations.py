"""Function tools as the Live API takes them: declarations with Gemini's schema, made from the JSON Schema of their parameters.

Gemini's schema is a small part of OpenAPI's: choices are texts only, there are no references, no fixed pairs, and few formats
(https://ai.google.dev/api/caching#Schema). What it can't say and the model can be told goes into a description; what makes no
sense to the service is an error that names the tool and the parameter, since the service would close the connection over it.
"""

import inspect
import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol, get_type_hints, runtime_checkable

from google.genai import types
from livekit.agents import llm
from pydantic import TypeAdapter, ValidationError

from agent.gemini.messages import Json

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_TYPES = {name: name.upper() for name in ("string", "number", "integer", "boolean", "array", "object")}
_KEPT = {"description", "nullable", "minimum", "maximum", "pattern"} | {
    f"{end}{of}" for end in ("min", "max") for of in ("Items", "Length", "Properties")
}
_TOLD = {
    "exclusiveMinimum": "More than {}.",
    "exclusiveMaximum": "Less than {}.",
    "multipleOf": "A multiple of {}.",
    "format": "Format: {}.",
}
"""JSON Schema's keywords that are said in words, for lack of a field."""
_OF_VALUES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
_FORMATS = {"date-time", "float", "double", "int32", "int64"}


_Function = llm.FunctionTool[..., Any] | llm.RawFunctionTool[..., Any]


@runtime_checkable
class _GoogleTool(Protocol):
    """A tool of Google's own, such as `GoogleSearch` of `livekit.plugins.google.tools`.

    The tool is known by its method: importing the plugin for its class costs too much (docs/facts.md L37).
    """

    def to_tool_config(self) -> types.Tool:
        """The tool as a setup has it."""


class DeclarationError(Exception):
    """A tool that can't be declared to the model. Its text is one sentence with the tool, the parameter and the reason."""

    def __init__(self, tool: str, parameter: str, reason: str) -> None:
        where = f"parameter {parameter!r} of the tool {tool!r}" if parameter else f"the tool {tool!r}"
        super().__init__(f"{where} can't be declared to Gemini: {reason}")
        self.tool, self.parameter = tool, parameter


class _SchemaError(Exception):
    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path, self.reason = path, reason


def check_tools(tools: Sequence[llm.Tool | llm.Toolset]) -> None:
    """Look for what would keep an agent's tools from being declared.

    Raises:
        DeclarationError: the first tool that can't be.
        ValueError: two tools have one name.
    """
    declared(llm.ToolContext(tools), None)


def declared(tools: llm.ToolContext, behavior: types.Behavior | None) -> list[types.Tool]:
    """The tools as a setup has them: functions, and the service's own, such as Google Search.

    Raises:
        DeclarationError: the first that can't be declared.
    """
    functions = [_declaration(tool, behavior) for tool in tools.function_tools.values()]
    provided = [tool.to_tool_config() for tool in tools.provider_tools if isinstance(tool, _GoogleTool)]
    return [*([types.Tool(function_declarations=functions)] if functions else []), *provided]


def _declaration(tool: _Function, behavior: types.Behavior | None) -> types.FunctionDeclaration:
    name = tool.info.name
    if not _NAME.fullmatch(name):
        raise DeclarationError(name, "", "a name is up to 64 of A-Z, a-z, 0-9, _, ., : and -, and begins with a letter or _")
    parameters: Json | None
    if isinstance(tool, llm.RawFunctionTool):
        description, parameters = tool.info.raw_schema.get("description"), tool.info.raw_schema.get("parameters")
    else:
        description, parameters = tool.info.description, _parameters(tool)
    try:
        schema = GeminiSchema(parameters).converted() if parameters and parameters.get("properties") else None
        return types.FunctionDeclaration(
            name=name,
            description=description or "",
            parameters=None if schema is None else types.Schema.model_validate(schema),
            behavior=behavior,
        )
    except _SchemaError as error:
        raise DeclarationError(name, error.path, error.reason) from error
    except ValidationError as error:
        place, reason = error.errors(include_url=False)[0]["loc"], error.errors(include_url=False)[0]["msg"]
        raise DeclarationError(name, ".".join(map(str, place)), reason) from error
    except (TypeError, AttributeError, ValueError, KeyError) as error:
        raise DeclarationError(name, "", f"its schema is no JSON Schema ({error})") from error


def _parameters(tool: "llm.FunctionTool[..., Any]") -> Json:
    """The JSON Schema of a function's parameters."""
    for parameter in inspect.signature(tool).parameters.values():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise DeclarationError(tool.info.name, parameter.name, "a model gives each parameter by its name")
    try:
        schema: Json = llm.utils.build_legacy_openai_schema(tool, internally_tagged=True)["parameters"]
    except Exception as error:  # of pydantic's, of the annotations, or of code that they run
        raise DeclarationError(tool.info.name, *_culprit(tool, error)) from error
    return schema


def _culprit(tool: "llm.FunctionTool[..., Any]", error: Exception) -> tuple[str, str]:
    """The parameter that has no JSON Schema, and the reason."""
    function: Callable[..., Any] = tool
    try:
        hints = get_type_hints(function, include_extras=True)
    except Exception as unknown:  # noqa: BLE001 - an annotation may run any code
        return "", f"the type of a parameter can't be found ({_first_line(unknown)})"
    for name in inspect.signature(function).parameters:
        if name not in hints:
            return name, "it has no type"
        try:
            TypeAdapter(hints[name]).json_schema()
        except Exception as unfit:  # noqa: BLE001 - as above
            return name, f"its type has no JSON Schema ({_first_line(unfit)})"
    return "", f"its parameters have no JSON Schema ({_first_line(error)})"


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]


class GeminiSchema:
    """One JSON Schema, on its way to Gemini's."""

    def __init__(self, schema: Json) -> None:
        self._schema = schema
        self._definitions: Json = schema.get("$defs") or schema.get("definitions") or {}

    def converted(self) -> Json:
        """In the terms of `types.Schema`.

        Raises:
            _SchemaError: it says something that Gemini's can't.
        """
        return self._convert(self._schema, "", ())

    def _convert(self, schema: object, path: str, inside: tuple[str, ...]) -> Json:
        """`path`: where in the parameters it stands. `inside`: the definitions that it is a part of."""
        schema, inside = self._resolved(schema, path, inside)
        options = schema.get("anyOf") or schema.get("oneOf")
        if options is None and isinstance(schema.get("type"), list):
            options = [{"type": kind} for kind in schema["type"]]
        if options is None and "enum" in schema:
            options = _choices(schema)
        if options is not None:
            return self._one_of(schema, options, path, inside)
        kind = schema.get("type") or ("object" if "properties" in schema else "string")  # no type: anything, as a text
        if kind not in _TYPES:
            raise _SchemaError(path, f"{kind!r} is no type of Gemini's")
        found: Json = {key: value for key, value in schema.items() if key in _KEPT and _is_told(value)}
        found["type"] = _TYPES[kind]
        if schema.get("format") in _FORMATS:
            found["format"] = schema["format"]
        if kind == "array":
            found |= self._array(schema, path, inside)
        if kind == "object" and schema.get("properties"):
            found |= self._object(schema, path, inside)
        return found | _description(schema)

    def _resolved(self, schema: object, path: str, inside: tuple[str, ...]) -> tuple[Json, tuple[str, ...]]:
        """With what it refers to in place of the reference."""
        if not isinstance(schema, dict):
            return {}, inside  # `true`: anything
        for part in schema.get("allOf") or ():
            schema = {**part, **{key: value for key, value in schema.items() if key != "allOf"}}
        while (reference := schema.get("$ref")) is not None:
            name = str(reference).rpartition("/")[2]
            if name in inside:
                raise _SchemaError(path, f"the type {name} contains itself, which a schema of Gemini's can't say")
            if name not in self._definitions:
                raise _SchemaError(path, f"there is no definition of {reference}")
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema, inside = {**self._definitions[name], **rest}, (*inside, name)
        if "const" in schema:
            schema = {**schema, "enum": [schema["const"]]}
        return schema, inside

    def _one_of(self, schema: Json, options: list[Json], path: str, inside: tuple[str, ...]) -> Json:
        real = [option for option in options if option.get("type") != "null"]
        nullable = {"nullable": True} if len(real) < len(options) else {}
        if len(real) > 1:
            return {"any_of": [self._convert(option, path, inside) for option in real]} | _description(schema) | nullable
        around = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf", "type", "enum", "const"}}
        only = real[0] if real else {"type": "string"}
        if "enum" in only and only["type"] == "string":
            return {"type": "STRING", "enum": only["enum"]} | _description(around) | nullable
        described = {"description": around.get("description") or only.get("description")}
        return self._convert({**around, **only, **described}, path, inside) | nullable

    def _array(self, schema: Json, path: str, inside: tuple[str, ...]) -> Json:
        if fixed := schema.get("prefixItems"):
            kinds = [self._convert(each, f"{path}[{number}]", inside) for number, each in enumerate(fixed)]
            different = [kind for number, kind in enumerate(kinds) if kind not in kinds[:number]]
            items = different[0] if len(different) == 1 else {"any_of": different}
            return {"items": items, "minItems": len(fixed), "maxItems": len(fixed)}
        if "items" not in schema:
            raise _SchemaError(path, "an array must say what its items are")
        return {"items": self._convert(schema["items"], f"{path}[]", inside)}

    def _object(self, schema: Json, path: str, inside: tuple[str, ...]) -> Json:
        properties, required = schema["properties"], list(schema.get("required") or ())
        for name in required:
            if name not in properties:
                raise _SchemaError(path or name, f"{name!r} is required, and there is no such property")
        inner = {name: self._convert(each, f"{path}.{name}" if path else name, inside) for name, each in properties.items()}
        return {"properties": inner, "property_ordering": list(inner)} | ({"required": required} if required else {})


def _is_told(value: object) -> bool:
    """JSON has no number that isn't finite; as a bound, it is none."""
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def _choices(schema: Json) -> list[Json]:
    """The values of an enum as one option for each type among them. Only texts can be an enum at Gemini."""
    values: dict[str, list[Any]] = {}
    for value in schema["enum"]:
        values.setdefault(_OF_VALUES.get(type(value), "string"), []).append(value)
    return [
        {"type": kind}
        | ({"enum": each} if kind == "string" else {})
        | ({"choices": each} if kind not in {"string", "null"} else {})
        for kind, each in values.items()
    ]


def _description(schema: Json) -> Json:
    """The description for the model: the given one, and in words whatever Gemini's schema has no field for."""
    sentences = [schema.get("description") or ""]
    if choices := schema.get("choices"):
        sentences.append(f"One of: {', '.join(json.dumps(choice) for choice in choices)}.")
    told = {key: sentence for key, sentence in _TOLD.items() if key in schema and schema[key] not in _FORMATS}
    sentences += [sentence.format(schema[key]) for key, sentence in told.items()]
    text = " ".join(filter(None, sentences))
    return {"description": text} if text else {}
