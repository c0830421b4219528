"""The tools of a persona: `[tools]` in its file says which of its agent's it has, and which it gets from elsewhere. Pure."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from agent.gemini import ToolOptionsError, tool_options
from configuration import Table, Wanted, sentence

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPTIONS = ("behavior", "scheduling", "timeout_s")
_OF_URL = ("url", "headers_env", "tools", "connect_s", *_OPTIONS)
_OF_COMMAND = ("command", "args", "env", "tools", "connect_s", *_OPTIONS)
_LONGEST_CONNECT_S = 10
_EXAMPLE = 'write a URL in quotes, {url = "https://..."} or {command = "...", args = ["..."]}'
_TEXTS = Wanted("must be a list of texts in quotes", shows_value=False)


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ValueError("must be a URL such as https://tools.example.com/mcp")
    if parts.username is not None or parts.password is not None:
        fix = "put a header's value into the environment, and name the variable in headers_env"
        raise ValueError(f"has a password, which belongs in no file; {fix}")
    return value


def _check_variable(variable: object) -> None:
    if not isinstance(variable, str) or not _VARIABLE.fullmatch(variable):
        # the value isn't shown: whoever misread this may have written the secret itself
        raise ValueError("must name variables of the environment, such as CRM_TOKEN, and not their values")


def _variables(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        _check_variable(name)
    return names


def _headers(value: object) -> object:
    if not isinstance(value, Mapping):
        raise ValueError('must be a table of variables by header, such as {Authorization = "CRM_AUTHORIZATION"}')  # noqa: TRY004
    for variable in value.values():
        _check_variable(variable)
    return value


def _check_options(options: Mapping[str, Any]) -> None:
    async def tool() -> None: ...

    tool.__name__ = "{name}"
    try:
        tool_options(**options)(tool)
    except ToolOptionsError as error:
        raise sentence(str(error)) from error


class McpServer(Table):
    """An MCP server: one that is reached by its URL, or one that is started by a command."""

    url: Annotated[str, AfterValidator(_url)] = ""
    """The server's address: `https://tools.example.com/mcp`. One that ends in `/sse` speaks the older transport."""
    headers_env: Annotated[dict[str, str], BeforeValidator(_headers)] = Field(default_factory=dict)
    """HTTP headers by name, each with the environment variable that has its value."""
    command: Annotated[str, Field(pattern=r"\S"), Wanted("must be a text in quotes", shows_value=False)] = ""
    """The program that is started for each call, and speaks MCP on its standard input and output."""
    args: Annotated[tuple[str, ...], Field(strict=False), _TEXTS] = ()
    """The command's arguments."""
    env: Annotated[tuple[str, ...], Field(strict=False), _TEXTS, AfterValidator(_variables)] = ()
    """Variables of the worker's environment that the command gets."""
    tools: Annotated[tuple[str, ...], Field(strict=False), _TEXTS] = ()
    """The names of the tools that are wanted; by default all."""
    connect_s: Annotated[
        float, Field(gt=0, le=_LONGEST_CONNECT_S), Wanted(f"it must be a number of seconds, {_LONGEST_CONNECT_S} at most")
    ] = 2.0
    """The call begins without the server's tools when they can't be had in this time, in seconds."""
    behavior: Literal["blocking", "non_blocking"] | None = None
    """Whether the model is silent until a tool of the server has returned; by default as the model has it."""
    scheduling: Literal["interrupt", "when_idle", "silent"] | None = None
    """When the model speaks about the result of a non-blocking tool."""
    timeout_s: float | None = None
    """Seconds after which a tool of the server has failed; by default TOOL_S."""

    @model_validator(mode="before")
    @classmethod
    def _is_one_server(cls, value: Any) -> Any:
        given = {"url": value} if isinstance(value, str) else value
        if isinstance(given, McpServer):
            return given
        if not isinstance(given, Mapping) or ("url" in given) == ("command" in given):
            raise ValueError(f"must be one MCP server; {_EXAMPLE}")
        cls.check_keys(given, _OF_URL if "url" in given else _OF_COMMAND)
        _check_options({key: given[key] for key in _OPTIONS if key in given})
        return given

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A URL alone stands for a table with nothing else."""
        return {"anyOf": [{"type": "string", "format": "uri"}, handler(schema)]}

    @property
    def options(self) -> Mapping[str, Any]:
        """The arguments of `tool_options` for each of the tools."""
        return {key: value for key in _OPTIONS if (value := getattr(self, key)) is not None}

    @property
    def shown(self) -> str:
        """The server's name for the log: without the rest of its URL, or its arguments, where secrets may be."""
        if not self.url:
            return self.command
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _servers(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be a list of MCP servers in brackets; {_EXAMPLE}")  # noqa: TRY004
    return tuple(value)


class PersonaTools(Table):
    """`[tools]`: the tools of a persona; by default those of its agent, all of them."""

    mcp: Annotated[tuple[McpServer, ...], BeforeValidator(_servers)] = ()
    """MCP servers whose tools the agent has beside its own."""
    own: Annotated[tuple[str, ...] | None, Field(strict=False), _TEXTS] = None
    """The names of those of the agent's own tools that the persona has; by default all of them."""
    toolsets: Annotated[tuple[str, ...], Field(strict=False), _TEXTS] = ()
    """Classes of toolsets whose tools the persona has beside the agent's own, each as `module:Class`."""


def mistake_in_own(own: Sequence[str] | None, known: Sequence[str]) -> str | None:
    """A sentence about the first name in `tools.own` that is no tool of the agent; None if there is none.

    Args:
        own: The names in the persona's file; None if it has none.
        known: The names of the agent's own tools.
    """
    unknown = next((name for name in own or () if name not in known), None)
    if unknown is None:
        return None
    near = "".join(f"did you mean {each}? " for each in difflib.get_close_matches(unknown, known, 1))
    return f"tools.own names {unknown!r}, which its agent doesn't have; {near}it has {', '.join(sorted(known)) or 'no tools'}"
