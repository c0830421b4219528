"""The worker: `python agent.py start|dev|console|connect`. Checks everything first, then registers with LiveKit.

SIGTERM or SIGINT: no more calls, and the running ones may end; a second one ends them; a third one ends the process.

Exit codes: 0 after the last call, 1 when LiveKit couldn't be reached any more, 2 for a setting or a persona that can't be used.
"""

import argparse
import asyncio
import errno
import functools
import importlib
import logging
import math
import socket
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, cast

import aiohttp
import uvloop
from google.protobuf.message import Error as ProtobufError
from livekit import api
from livekit.agents import AgentServer, JobExecutorType, JobProcess, JobRequest, cli
from livekit.agents.worker import ServerOptions

from agent import livekit_private
from agent.capacity import Capacity
from agent.dispatches import check_ticket
from agent.errors import AgentError, SettingsError, WorkerError
from agent.gemini import CAPABILITIES, DeclarationError, check_tools, tls_context
from agent.log_filter import keep_words_out
from agent.other_agents import MARK
from agent.persona import Persona, load
from agent.settings import Settings, prepare_environment, read_settings
from agent.signals import SteadyForkServer, Stop, leave_to_worker, task_or_event
from configuration import FileError, masked
from tickets import TicketError

_REGISTERED_COMMANDS = {"start", "dev", "connect"}
_COMMANDS = {*_REGISTERED_COMMANDS, "console"}
_PROBE_S = 3.0
_CALL_BEGINS_S = 1.5
_CPU = cast(Callable[[AgentServer], float], ServerOptions.load_fnc)

logger = logging.getLogger("earshot.worker")


class Worker(AgentServer):
    """LiveKit's server, which says afterwards whether it gave up. The stock one exits with 0 then."""

    def __init__(self, settings: Settings, persona: Persona) -> None:
        assert settings.livekit_api_secret is not None
        super().__init__(
            ws_url=settings.livekit_url,
            api_key=settings.livekit_api_key,
            api_secret=settings.livekit_api_secret.get_secret_value(),
            max_retry=settings.livekit_connect_retries,
            setup_fnc=functools.partial(warm_up, settings, persona),
            load_fnc=self._load,
            load_threshold=math.inf,  # `_consider` refuses; a threshold would count an offer as a whole worker's load
            num_idle_processes=settings.idle_processes,
            job_memory_limit_mb=settings.call_memory_mb,
            drain_timeout=settings.drain_timeout_s,
            host=settings.health_host,
            port=settings.health_port,
            preload_modules=["agent.warm"],
            log_level=settings.log_level,
            http_proxy=settings.livekit_proxy,  # LiveKit's default takes a proxy for every address, loopback included
        )
        self.gave_up = False
        if sys.platform.startswith("linux"):  # elsewhere LiveKit spawns its processes, and they ignore the signals
            livekit_private.fork_from(self, SteadyForkServer())
        self._idle_processes = settings.idle_processes
        self._replacing = False
        self._capacity = Capacity(settings.calls_per_worker)
        self._api_secret = settings.livekit_api_secret.get_secret_value()
        call = importlib.import_module("agent.call")  # after `check`, which says in a sentence why it can't be imported
        self.rtc_session(
            call.answer,
            agent_name=settings.agent_name,
            on_request=self._consider,
            on_session_end=call.afterwards,
        )

    async def run(self, *, devmode: bool = False, unregistered: bool = False) -> None:
        """Serve until closed, or until signals end it. A failure is remembered in `gave_up`."""
        keep_words_out()
        stop = Stop(drains=not devmode)
        stop.listen()  # LiveKit's own handlers end the process, and every call, at a second signal
        serving = asyncio.create_task(super().run(devmode=devmode, unregistered=unregistered), name="worker")
        try:
            await task_or_event(serving, stop.asked)
            if not devmode:
                await self._drain_until(stop.hurried)
            await self.aclose()
            await serving
        except (RuntimeError, OSError):
            self.gave_up = True
            raise
        finally:
            serving.cancel()

    async def _drain_until(self, hurried: asyncio.Event) -> None:
        draining = asyncio.create_task(self.drain(), name="draining")
        try:
            await task_or_event(draining, hurried)
            if draining.done():
                await draining
        except TimeoutError:
            logger.warning("calls still run after DRAIN_TIMEOUT_S and are ended")
        finally:
            draining.cancel()
            await asyncio.wait({draining})  # it has a lock that `aclose` needs

    def _load(self) -> float:
        # LiveKit's own figure of the CPU: smoothed, and of the container's share where there is one
        return self._capacity.load(len(self.active_jobs), _CPU(self))

    async def _consider(self, request: JobRequest) -> None:
        try:
            check_ticket(request.job, self._api_secret, time.time())
        except TicketError as error:
            logger.warning("a job is refused", extra={"room": request.room.name, "reason": str(error)})
            await request.reject(terminate=True)  # every other worker would refuse it as well
            return
        if not self._capacity.take(len(self.active_jobs)):
            logger.info("full, the call goes to another worker", extra={"room": request.room.name})
            await request.reject(terminate=False)
            return
        self._replace_later()
        try:
            await request.accept(attributes={MARK: request.agent_name})
        finally:
            self._capacity.settle()

    def _replace_later(self) -> None:
        # LiveKit would fork the next idle process while this call joins its room, and both would take longer. As long as one is
        # left, that can wait (docs/facts.md L18); a second call within that time has it forked at once.
        if self._idle_processes > 1 and not self._replacing:
            self._replacing = True
            livekit_private.keep_idle(self, 1)
            asyncio.get_running_loop().call_later(_CALL_BEGINS_S, self._replace)

    def _replace(self) -> None:
        self._replacing = False
        livekit_private.keep_idle(self, self._idle_processes)


def warm_up(settings: Settings, persona: Persona, process: JobProcess) -> None:
    """Prepare a process for its call."""
    use_uvloop()
    keep_words_out()
    tls_context(settings.gemini_ca_file)
    if process.executor_type is JobExecutorType.PROCESS:
        leave_to_worker()
        livekit_private.start_webrtc()
    process.userdata.update(settings=settings, persona=persona)


def use_uvloop() -> None:
    """Make new event loops uvloop's: the largest single saving in a call."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # policies go in Python 3.16; LiveKit makes the loops itself
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def main() -> None:
    """The command line: LiveKit's own, after everything has been checked."""
    words = sys.argv[1:]
    command = next((word for word in words if word in _COMMANDS), None)
    if command is None or "--help" in words:  # also download-files, and typing errors
        _run(AgentServer())
        return
    try:
        settings = read_settings(**_given(words))
        persona = check(settings, registers=command in _REGISTERED_COMMANDS)
    except (AgentError, FileError) as error:
        print(error, file=sys.stderr)  # noqa: T201  the one sentence, before there is a log
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    prepare_environment(settings)
    use_uvloop()
    worker = Worker(settings, persona)
    try:
        _run(worker)
    finally:
        if worker.gave_up:
            sys.exit(1)


def _given(words: list[str]) -> dict[str, Any]:
    """LiveKit's own options that are settings here."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for option in ("url", "api-key", "api-secret"):
        parser.add_argument(f"--{option}", dest=f"livekit_{option.replace('-', '_')}", default=argparse.SUPPRESS)
    return vars(parser.parse_known_args(words)[0])


def check(settings: Settings, *, registers: bool) -> Persona:
    """Look for everything that would fail later, in a call.

    Returns:
        The default persona.

    Raises:
        AgentError: what can't be used, in one sentence.
    """
    missing = livekit_private.missing()
    if missing:
        raise WorkerError(f"this livekit-agents lacks {', '.join(missing)}; install the versions of requirements.lock")
    persona = _check_persona(settings)
    if settings.gemini_model not in CAPABILITIES:
        logger.warning("the model %r is not in the table of agent/gemini/capabilities.py", settings.gemini_model)
    try:
        tls_context(settings.gemini_ca_file)
    except OSError as error:
        raise SettingsError("GEMINI_CA_FILE", str(settings.gemini_ca_file), f"it is no certificate ({error})") from error
    if not registers:
        _check_console()
    else:
        _check_port(settings)
        asyncio.run(_check_livekit(settings))
    return persona


def _check_persona(settings: Settings) -> Persona:
    persona = load(settings.persona, settings.personas_dir)
    try:
        # imported here, because LiveKit's decorator of tools raises at what it can't use
        check_tools(importlib.import_module("agent.assistant").Assistant(persona, line=None).tools)
    except DeclarationError as error:
        raise WorkerError(str(error)) from error
    except Exception as error:  # whoever adds tools to it may have made any mistake
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise WorkerError(f"the agent of agent/assistant.py can't be made: {reason}") from error
    return persona


def _check_console() -> None:
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
    timeout = aiohttp.ClientTimeout(total=_PROBE_S)
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


def _run(server: AgentServer) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the built-in Python CLI is deprecated", category=DeprecationWarning)
        cli.run_app(server)
