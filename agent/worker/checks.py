"""Checks before a worker starts, of everything that would fail later, in a call."""

import asyncio
import errno
import importlib
import logging
import os
import socket
import tempfile

import aiohttp
from google.protobuf.message import Error as ProtobufError
from livekit import api
from livekit.agents import llm

from agent import livekit_private
from agent.call.caller_store import check_folder
from agent.errors import AgentError, PersonaError, SettingsError, WorkerError
from agent.gemini import (
    NEWEST_MODEL,
    ToolOptionsError,
    capabilities_of,
    is_known,
    tls_context,
    tool_warnings,
    undeclarable,
)
from agent.live_settings import check_base, check_other_personas, check_persona, completed, model_of, prices_of_call
from agent.persona import Persona, load, names
from agent.settings import Settings, variable
from agent.tools import NoCall
from agent.tools.mcp_servers import check_mcp, mcp_tools
from agent.tools.mcp_tools import tool_names
from agent.worker.finished_records import check_record_s3
from agent.worker.folder_check import check_failover_dir
from agent.worker.gemini_check import GeminiProblem, check_gemini
from agent.worker.kept_records import check_record_dir
from agent.worker.late_webhooks import check_webhook_dir
from configuration import masked

_LONGEST_TEMPORARY_FOLDER = 107 - len("/pymp-xxxxxxxx/listener-xxxxxxxx")
"""Bytes. The path of a Unix socket has 107 on Linux (unix(7))."""
PROBE_S = 3.0
"""LiveKit and Gemini may each take so long to answer."""

logger = logging.getLogger("earshot.worker")


def check(settings: Settings, *, registers: bool) -> tuple[Persona, GeminiProblem | None]:
    """Look for everything that would fail later, in a call.

    Returns:
        The default persona, and the problem of Gemini's that may pass by itself, if there is one.

    Raises:
        AgentError: what can't be used, in one sentence.
    """
    missing = livekit_private.missing()
    if missing:
        raise WorkerError(f"this livekit-agents lacks {', '.join(missing)}; install the versions of requirements.lock")
    persona = _check_persona(settings)
    tools = tools_of(persona)
    check_tool_options(tools, model_of(persona, settings), settings)
    _check_other_tools(persona, settings)
    check_mcp(persona.name, persona.tools, variable, settings.start_s)
    try:
        tls_context(settings.gemini_ca_file)
    except OSError as error:
        raise SettingsError("GEMINI_CA_FILE", str(settings.gemini_ca_file), f"it is no certificate ({error})") from error
    if settings.remembered_calls_dir is not None:
        check_folder(settings.remembered_calls_dir)
    if settings.record and settings.record_dir is not None:
        check_record_dir(settings.record_dir)
    check_record_s3(settings)
    check_failover_dir(settings)
    check_webhook_dir(settings)
    _check_temporary_folder()
    if registers:
        _check_port(settings)
    return persona, asyncio.run(_check_services(settings, persona, tools, registers=registers))


def _check_temporary_folder() -> None:
    """Python's fork server listens on a socket in a folder of the temporary folder, `pymp-xxxxxxxx/listener-xxxxxxxx`."""
    folder = tempfile.gettempdir()
    length = len(os.fsencode(folder))
    if length > _LONGEST_TEMPORARY_FOLDER:
        told = (
            f"its path has {length} bytes, and a socket in it can have {_LONGEST_TEMPORARY_FOLDER} at most; take a shorter one"
        )
        raise SettingsError("TMPDIR", folder, told)


def _check_persona(settings: Settings) -> Persona:
    if not is_known(settings.gemini_model):
        logger.warning(
            "the model %r is unknown and is taken for one like %s; `python -m agent.gemini models` lists those that are known",
            settings.gemini_model,
            NEWEST_MODEL,
        )
    persona = completed(load(settings.persona, settings.personas_dir), settings)
    if prices_of_call(persona, settings) is None:
        logger.warning("there are no prices of %s: calls tell their tokens, and no costs", model_of(persona, settings))
    for warning in (*check_base(settings), *check_persona(persona, settings), *check_other_personas(persona, settings)):
        logger.warning("%s", warning)
    return persona


def tools_of(persona: Persona) -> list[llm.Tool | llm.Toolset]:
    """The tools of the agent that answers calls.

    Raises:
        PersonaError: the persona names a tool that its agent doesn't have.
        WorkerError: the agent can't be made, or tools can't be declared: a line for each of them.
    """
    try:
        # imported here, because LiveKit's decorator of tools raises at what it can't use
        agent = importlib.import_module("agent.assistant").agent_of(persona, NoCall(), checks=True)
        tools: list[llm.Tool | llm.Toolset] = agent.tools
        errors = list(undeclarable(tools))
    except ToolOptionsError as error:
        raise WorkerError(str(error)) from error
    except PersonaError:
        raise
    except Exception as error:  # whoever adds tools to it may have made any mistake
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise WorkerError(f"the agent {persona.agent or 'of agent/assistant.py'} can't be made: {reason}") from error
    if errors:
        raise WorkerError("\n".join(map(str, errors)))
    return tools


def _check_other_tools(default: Persona, settings: Settings) -> None:
    """Warn of each persona of the folder, other than the default one, whose agent can't be made or lacks tools."""
    for name in names(settings.personas_dir):
        try:
            persona = default if name == default.name else load(name, settings.personas_dir)
        except PersonaError:
            continue  # there is a warning already
        if persona is default:
            continue
        try:
            tools_of(persona)
            check_mcp(name, persona.tools, variable, settings.start_s)
        except PersonaError as error:
            logger.warning("%s", error)
        except WorkerError as error:
            logger.warning("persona %r: %s", name, str(error).replace("\n", "; "))


def check_tool_options(tools: list[llm.Tool | llm.Toolset], model: str, settings: Settings) -> None:
    """Warn of each option of a tool that the model doesn't heed."""
    for warning in tool_warnings(tools, model, capabilities_of(model, vertex=settings.google_genai_use_vertexai)):
        logger.warning("%s", warning)


async def _check_services(
    settings: Settings, persona: Persona, tools: list[llm.Tool | llm.Toolset], *, registers: bool
) -> GeminiProblem | None:
    """LiveKit, Gemini and MCP servers at the same time. Returns Gemini's passing problem."""
    try:
        async with asyncio.TaskGroup() as checks:
            gemini = checks.create_task(check_gemini(settings, persona, tools, within_s=PROBE_S))
            checks.create_task(check_mcp_servers(persona, tools, settings))
            if registers:
                checks.create_task(_check_livekit(settings))
    except* AgentError as refused:
        raise refused.exceptions[0] from None
    return gemini.result()


async def check_mcp_servers(persona: Persona, tools: list[llm.Tool | llm.Toolset], settings: Settings) -> None:
    """Connect the persona's MCP servers once. Warn of each that can't be used, and of tools that the model doesn't take."""
    for toolset in mcp_tools(persona.tools, variable):
        toolset.leave_out(tool_names(tools))
        try:
            check_tool_options([await toolset.setup()], model_of(persona, settings), settings)
            for error in undeclarable(toolset.tools):
                logger.warning("a tool of an MCP server is left out: %s", error)
        finally:
            await toolset.aclose()


def check_sound_device() -> None:
    """Look for the library with which `python agent.py console` records and plays.

    Raises:
        WorkerError: it isn't installed.
    """
    try:
        importlib.import_module("sounddevice")
    except OSError as error:
        raise WorkerError(f"the console needs {error}; on Debian and Ubuntu: apt-get install libportaudio2") from error


def _check_port(settings: Settings) -> None:
    host, port = settings.health_host, settings.health_port
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.create_server(address[:2], family=family):
            pass
    except UnicodeError as error:
        raise SettingsError("HEALTH_HOST", host, "it is no name or address of a host") from error
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise SettingsError("HEALTH_HOST", host, f"this machine has no such address ({error.strerror})") from error
        fix = f"the port can't be opened on {host} ({error.strerror}); 0 picks a free one"
        raise SettingsError("HEALTH_PORT", port, fix) from error


async def _check_livekit(settings: Settings) -> None:
    """Only a refusal stops the worker: a server that isn't there yet is waited for."""
    secret = settings.livekit_api_secret
    assert secret is not None
    proxy = settings.livekit_proxy
    through = f" through the proxy {masked(proxy)}" if proxy else ""
    timeout = aiohttp.ClientTimeout(total=PROBE_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, proxy=proxy) as http,
            api.LiveKitAPI(settings.livekit_url, settings.livekit_api_key, secret.get_secret_value(), session=http) as livekit,
        ):
            await livekit.room.list_rooms(api.ListRoomsRequest(names=["-"]))
    except api.TwirpError as error:
        if error.status in {401, 403}:
            fix = f"{settings.livekit_url} refuses it with key {settings.livekit_api_key!r}{through}"
            raise SettingsError("LIVEKIT_API_SECRET", "***", fix) from error
        reason = error.message or f"HTTP status {error.status}"
        logger.warning("LiveKit at %s%s doesn't work yet: %s", settings.livekit_url, through, reason)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:  # ValueError: a name that no host has
        logger.warning("no LiveKit at %s%s yet: %s", settings.livekit_url, through, error)
    except (ProtobufError, AttributeError):  # LiveKit's client takes any answer for LiveKit's, a web page's JSON as well
        logger.warning("what answers at %s%s is no LiveKit; check LIVEKIT_URL", settings.livekit_url, through)
