"""The MCP servers of a persona, connected by LiveKit's own MCP client (docs/facts.md L150). It needs the package `mcp`.

Secrets come from the environment: `variable` reads one of its variables.
"""

import functools
import importlib
import logging
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from agent.errors import McpServerError, PersonaError
from agent.tools.mcp_tools import McpClient, McpConnection, McpTools
from agent.tools.persona_tools import McpServer, PersonaTools

_NO_TIME_LIMIT = 0.0
"""LiveKit's client would give up a call after 5 s; here each tool has the time limit of all tools."""

Variable = Callable[[str], str | None]


def mcp_tools(tools: PersonaTools, variable: Variable) -> list[McpTools]:
    """A toolset with the tools of a persona's MCP servers; none without a server."""
    connections = [
        McpConnection(
            server.shown, functools.partial(_client, server, variable), server.connect_s, server.tools, server.options
        )
        for server in tools.mcp
    ]
    return [McpTools(connections)] if connections else []


def check_mcp(persona: str, tools: PersonaTools, variable: Variable, start_s: float) -> None:
    """Look for what would keep a persona's MCP servers from being asked at all. `start_s`: of START_S.

    Raises:
        PersonaError: the package is missing, or a variable; or a call would end before a server is given up.
    """
    for number, server in enumerate(tools.mcp):
        name = f"tools.mcp[{number}]"
        if server.connect_s >= start_s:
            raise PersonaError(persona, f"{name}.connect_s is {server.connect_s:g}; it must be less than START_S, {start_s:g}")
        try:
            _client(server, variable)
        except McpServerError as error:
            raise PersonaError(persona, f"{name}: {error}") from error


def load_mcp() -> ModuleType:
    """Import LiveKit's MCP client, which takes a while: before a call, if there is time.

    Raises:
        McpServerError: the package `mcp` is missing.
    """
    try:
        return importlib.import_module("livekit.agents.llm.mcp")
    except ImportError as error:
        raise McpServerError("it needs the package mcp, which isn't installed: `make setup` installs it") from error


def _client(server: McpServer, variable: Variable) -> McpClient:
    livekit_mcp = load_mcp()
    for name in ("httpx2", "httpcore2", "mcp"):
        logging.getLogger(name).setLevel(logging.WARNING)  # they would log each request's URL, headers and session
    headers = {header: _value(name, variable) for header, name in server.headers_env.items()}
    env = {name: _value(name, variable) for name in server.env}
    options: Any = {"client_session_timeout_seconds": _NO_TIME_LIMIT, "tool_result_resolver": told}
    client: McpClient
    if server.url:
        is_sse = urlsplit(server.url).path.rstrip("/").endswith("/sse")
        client = livekit_mcp.MCPServerHTTP(server.url, "sse" if is_sse else "streamable_http", headers=headers, **options)
    else:
        client = livekit_mcp.MCPServerStdio(server.command, [*server.args], env=env, **options)
    return client


def _value(name: str, variable: Variable) -> str:
    value = variable(name)
    if value is None:
        raise McpServerError(f"{name} is not set: set it in the environment or in .env")
    return value


def told(context: Any) -> Any:
    """An MCP tool's result for the model: its words, or what it has returned as data. `context`: LiveKit's, with the result."""
    result = context.result
    words = "\n".join(filter(None, _words(result.content)))
    return words or result.structured_content or "It is done."


def _words(content: Any) -> Iterator[str]:
    for part in content:
        match part.type:
            case "text":
                yield part.text
            case "resource":
                yield getattr(part.resource, "text", f"The data {part.resource.uri} can't be put into words.")
            case "resource_link":
                yield f"{part.name}: {part.uri}"
            case other:
                yield f"There is something of the kind {other}, which can't be put into words."
