"""Function tools as the Live API takes them: each with its name, its description and its parameters in Gemini's schema.

A tool that the service would close the connection over is an error that names the tool and each parameter that is wrong. The
schema itself: agent/gemini/gemini_schema.py.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, get_type_hints, runtime_checkable
from weakref import WeakKeyDictionary

from google.genai import types
from livekit.agents import llm
from pydantic import TypeAdapter, ValidationError

from agent.gemini.capabilities import Capabilities
from agent.gemini.gemini_schema import Fault, GeminiSchema, SchemaError
from agent.gemini.messages import Json
from agent.gemini.tool_options import declared_behavior, options_of

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_BAD_NAME = "a name is up to 64 of A-Z, a-z, 0-9, _, ., : and -, and begins with a letter or _"
_NAMED_TWICE = "another tool of the agent has the same name; rename one of them"

_Function = llm.FunctionTool[..., Any] | llm.RawFunctionTool[..., Any]

_SCHEMAS: WeakKeyDictionary["llm.FunctionTool[..., Any]", types.Schema | None] = WeakKeyDictionary()
"""The parameters of tools whose signature has been read: that takes some milliseconds for each (docs/facts.md L401)."""


@runtime_checkable
class _GoogleTool(Protocol):
    """A tool of Google's own, such as `GoogleSearch` of `livekit.plugins.google.tools`.

    The tool is known by its method: importing the plugin for its class costs too much (docs/facts.md L37).
    """

    def to_tool_config(self) -> types.Tool:
        """The tool as a setup has it."""


class DeclarationError(Exception):
    """A tool that can't be declared to the model. Its text is one line: each faulty parameter, and the reason."""

    def __init__(self, tool: str, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(_sentence(tool, fault) for fault in faults))
        self.tool = tool
        self.parameter = faults[0].path
        """The first faulty parameter; empty if it is the tool itself."""


def _sentence(tool: str, fault: Fault) -> str:
    where = f"parameter {fault.path!r} of the tool {tool!r}" if fault.path else f"the tool {tool!r}"
    return f"{where} can't be declared to Gemini: {fault.reason}"


def check_tools(tools: Sequence[llm.Tool | llm.Toolset]) -> None:
    """Look for what would keep an agent's tools from being declared.

    Raises:
        DeclarationError: the first tool that can't be.
    """
    for error in undeclarable(tools):
        raise error


def undeclarable(tools: Sequence[llm.Tool | llm.Toolset]) -> Iterator[DeclarationError]:
    """Each of an agent's tools that can't be declared, those of its toolsets too, with all that is wrong with it."""
    found: dict[str, _Function] = {}
    for tool in _functions(tools):
        if found.setdefault(tool.info.name, tool) is not tool:
            yield DeclarationError(tool.info.name, [Fault("", _NAMED_TWICE)])
            continue
        try:
            _declaration(tool, None)
        except DeclarationError as error:
            yield error


def declarable(tools: llm.ToolContext) -> tuple[llm.ToolContext, list[DeclarationError]]:
    """The tools that can be declared, and what is wrong with each of the others."""
    errors = list(undeclarable(tools.flatten()))
    if not errors:
        return tools, []
    wrong = {error.tool for error in errors}
    functions = [tool for name, tool in tools.function_tools.items() if name not in wrong]
    return llm.ToolContext([*functions, *tools.provider_tools]), errors


def prepare_tools(tools: Sequence[llm.Tool | llm.Toolset]) -> None:
    """Read the signatures of these tools now, so that a session which is given them soon begins sooner."""
    declared(declarable(llm.ToolContext(tools))[0], None)


def declared(tools: llm.ToolContext, capabilities: Capabilities | None) -> list[types.Tool]:
    """The tools as a setup has them: functions, and the service's own, such as Google Search.

    `capabilities`: of the model; None leaves out what depends on it.

    Raises:
        DeclarationError: the first that can't be declared.
    """
    functions = [_declaration(tool, capabilities) for tool in tools.function_tools.values()]
    provided = [tool.to_tool_config() for tool in tools.provider_tools if isinstance(tool, _GoogleTool)]
    return [*([types.Tool(function_declarations=functions)] if functions else []), *provided]


def _functions(tools: Sequence[llm.Tool | llm.Toolset]) -> Iterator[_Function]:
    for tool in tools:
        if isinstance(tool, llm.Toolset):
            yield from _functions(tool.tools)
        elif isinstance(tool, llm.FunctionTool | llm.RawFunctionTool):
            yield tool


def _declaration(tool: _Function, capabilities: Capabilities | None) -> types.FunctionDeclaration:
    name = tool.info.name
    faults = [] if _NAME.fullmatch(str(name)) else [Fault("", _BAD_NAME)]
    parameters: types.Schema | None = None
    try:
        parameters = _schema(tool)
    except SchemaError as error:
        faults += error.faults
    try:
        declaration = types.FunctionDeclaration(
            name=name,
            description=_description(tool) or "",
            parameters=parameters,
            behavior=None if capabilities is None else declared_behavior(options_of(tool), capabilities),
        )
    except ValidationError as error:
        faults.append(_fault(error))
    if faults:
        raise DeclarationError(name, faults)
    return declaration


def _description(tool: _Function) -> str | None:
    described: str | None = (
        tool.info.raw_schema.get("description") if isinstance(tool, llm.RawFunctionTool) else tool.info.description
    )
    return described


def _schema(tool: _Function) -> types.Schema | None:
    """A tool's parameters as a declaration has them; None if it has none.

    Raises:
        SchemaError: they can't be said in it.
    """
    if not isinstance(tool, llm.FunctionTool):  # a schema that was given may change
        return _validated(_parameters(tool))
    if tool not in _SCHEMAS:
        _SCHEMAS[tool] = _validated(_parameters(tool))
    return _SCHEMAS[tool]


def _validated(parameters: Json | None) -> types.Schema | None:
    try:
        return None if parameters is None else types.Schema.model_validate(parameters)
    except ValidationError as error:
        raise SchemaError(_fault(error)) from error


def _fault(error: ValidationError) -> Fault:
    wrong = error.errors(include_url=False)[0]
    return Fault(".".join(map(str, wrong["loc"])), wrong["msg"])


def _parameters(tool: _Function) -> Json | None:
    """A tool's parameters in Gemini's schema; None if it has none.

    Raises:
        SchemaError: they can't be said in it.
    """
    schema = tool.info.raw_schema.get("parameters") if isinstance(tool, llm.RawFunctionTool) else _signature_schema(tool)
    if not schema:
        return None
    try:
        return GeminiSchema(schema).parameters()
    except (TypeError, AttributeError, ValueError, KeyError, RecursionError) as error:
        raise SchemaError(Fault("", f"its schema is no JSON Schema ({_first_line(error)})")) from error


def _signature_schema(tool: "llm.FunctionTool[..., Any]") -> Json:
    """The JSON Schema of a function's parameters, by its signature."""
    named = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    parameters = inspect.signature(tool).parameters.values()
    if unnamed := [
        Fault(each.name, "a model gives each parameter by its name") for each in parameters if each.kind not in named
    ]:
        raise SchemaError(*unnamed)
    try:
        schema: Json = llm.utils.build_legacy_openai_schema(tool, internally_tagged=True)["parameters"]
    except Exception as error:  # of pydantic's, of the annotations, or of code that they run
        raise SchemaError(*_culprits(tool, error)) from error
    return schema


def _culprits(tool: "llm.FunctionTool[..., Any]", error: Exception) -> list[Fault]:
    """The parameters that have no JSON Schema, and the reasons."""
    function: Callable[..., Any] = tool
    try:
        hints = get_type_hints(function, include_extras=True)
    except Exception as unknown:  # noqa: BLE001 - an annotation may run any code
        return [Fault("", f"the type of a parameter can't be found ({_first_line(unknown)})")]
    faults = []
    for name in inspect.signature(function).parameters:
        if name not in hints:
            faults.append(Fault(name, "it has no type; annotate it, such as `count: int`"))
            continue
        if llm.utils.is_context_type(hints[name], allow_subclasses=True):
            continue  # LiveKit's own, which the model isn't told of
        try:
            TypeAdapter(hints[name]).json_schema()
        except Exception as unfit:  # noqa: BLE001 - as above
            fix = "take one that can be JSON, such as str, int, list[str] or a dataclass"
            faults.append(Fault(name, f"its type has no JSON Schema ({_first_line(unfit)}); {fix}"))
    return faults or [Fault("", f"its parameters have no JSON Schema ({_first_line(error)})")]


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]
