"""The tools of a persona: `[tools]` in its file says which of its agent's it has, and which it gets from elsewhere. Pure."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from agent.errors import PersonaError
from agent.gemini import ToolOptionsError, tool_options

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPTIONS = ("behavior", "scheduling", "timeout_s")
_OF_URL = ("url", "headers_env", "tools", "connect_s", *_OPTIONS)
_OF_COMMAND = ("command", "args", "env", "tools", "connect_s", *_OPTIONS)
_LONGEST_CONNECT_S = 10
_EXAMPLE = 'write a URL in quotes, {url = "https://..."} or {command = "...", args = ["..."]}'


@dataclass(frozen=True)
class McpServer:
    """An MCP server: one that is reached by its URL, or one that is started by a command."""

    url: str = ""
    headers_env: Mapping[str, str] = field(default_factory=dict)
    """HTTP headers by name, each with the environment variable that has its value."""
    command: str = ""
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    """Variables of the worker's environment that the command gets."""
    tools: tuple[str, ...] = ()
    """The names of the tools that are wanted; by default all."""
    connect_s: float = 2.0
    """The call begins without the server's tools when they can't be had in this time."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of `tool_options` for each of the tools."""

    @property
    def shown(self) -> str:
        """The server's name for the log: without the rest of its URL, or its arguments, where secrets may be."""
        if not self.url:
            return self.command
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"


@dataclass(frozen=True)
class PersonaTools:
    """The tools of a persona; by default those of its agent, all of them."""

    mcp: tuple[McpServer, ...] = ()
    own: tuple[str, ...] | None = None
    """The names of those of the agent's own tools that the persona has; None: all of them."""
    toolsets: tuple[str, ...] = ()
    """Classes of toolsets whose tools the persona has beside the agent's own, each as `module:Class`."""


def checked_tools(persona: str, table: object) -> PersonaTools:
    """The `[tools]` of a persona's file.

    Raises:
        PersonaError: it can't be used.
    """
    if not isinstance(table, dict):
        raise PersonaError(persona, f"tools is {table!r}; it must be a table: write [tools]")
    for key in table:
        if key not in {"mcp", "own", "toolsets"}:
            raise PersonaError(persona, f"the key 'tools.{key}' is unknown; known are mcp, own, toolsets")
    own = _texts(persona, "tools.own", table["own"]) if "own" in table else None
    servers = table.get("mcp", [])
    if not isinstance(servers, list):
        raise PersonaError(persona, f"tools.mcp must be a list of MCP servers in brackets; {_EXAMPLE}")
    mcp = tuple(_server(persona, f"tools.mcp[{number}]", server) for number, server in enumerate(servers))
    return PersonaTools(mcp, own, _texts(persona, "tools.toolsets", table.get("toolsets", [])))


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


def _server(persona: str, name: str, server: object) -> McpServer:
    given = {"url": server} if isinstance(server, str) else server
    if not isinstance(given, dict) or ("url" in given) == ("command" in given):
        raise PersonaError(persona, f"{name} must be one MCP server; {_EXAMPLE}")
    known = _OF_URL if "url" in given else _OF_COMMAND
    for key in given:
        if key not in known:
            near = "".join(f"did you mean {each}? " for each in difflib.get_close_matches(key, known, 1))
            raise PersonaError(persona, f"the key '{name}.{key}' is unknown; {near}known are {', '.join(known)}")
    options = {key: given[key] for key in _OPTIONS if key in given}
    _check_options(persona, name, options)
    own = {key: value for key, value in given.items() if key not in options}
    checked: dict[str, Any] = {key: _CHECKS[key](persona, f"{name}.{key}", value) for key, value in own.items()}
    return McpServer(**checked, options=options)


def _check_options(persona: str, name: str, options: Mapping[str, Any]) -> None:
    async def tool() -> None: ...

    tool.__name__ = name
    try:
        tool_options(**options)(tool)
    except ToolOptionsError as error:
        raise PersonaError(persona, str(error)) from error


def _url(persona: str, name: str, value: object) -> str:
    parts = None
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        is_usable = parts is not None and parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if parts is None or not is_usable:
        raise PersonaError(persona, f"{name} must be a URL such as https://tools.example.com/mcp")
    if parts.username is not None or parts.password is not None:
        fix = "put a header's value into the environment, and name the variable in headers_env"
        raise PersonaError(persona, f"{name} has a password, which belongs in no file; {fix}")
    return str(value)


def _text(persona: str, name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise PersonaError(persona, f"{name} must be a text in quotes")
    return value


def _texts(persona: str, name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise PersonaError(persona, f"{name} must be a list of texts in quotes")
    return tuple(value)


def _variables(persona: str, name: str, value: object) -> tuple[str, ...]:
    for variable in (names := _texts(persona, name, value)):
        _check_variable(persona, name, variable)
    return names


def _headers(persona: str, name: str, value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise PersonaError(
            persona, f'{name} must be a table of variables by header, such as {{Authorization = "CRM_AUTHORIZATION"}}'
        )
    for variable in value.values():
        _check_variable(persona, name, variable)
    return value


def _check_variable(persona: str, name: str, variable: object) -> None:
    if not isinstance(variable, str) or not _VARIABLE.fullmatch(variable):
        # the value isn't shown: whoever misread this may have written the secret itself
        raise PersonaError(persona, f"{name} must name variables of the environment, such as CRM_TOKEN, and not their values")


def _connect_s(persona: str, name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LONGEST_CONNECT_S:
        raise PersonaError(persona, f"{name} is {value!r}; it must be a number of seconds, {_LONGEST_CONNECT_S} at most")
    return float(value)


_CHECKS: Mapping[str, Callable[[str, str, object], Any]] = {
    "url": _url,
    "headers_env": _headers,
    "command": _text,
    "args": _texts,
    "env": _variables,
    "tools": _texts,
    "connect_s": _connect_s,
}
"""How the value of each key is read."""
