"""The worker: `python agent.py start|dev|console|connect`. Checks everything first, then registers with LiveKit.

SIGTERM or SIGINT: no more calls, and the running ones may end; a second one ends them; a third one ends the process.

Exit codes: 0 after the last call, 1 when LiveKit couldn't be reached any more, 2 for a setting or a persona that can't be used.
"""

import argparse
import contextlib
import sys
import time
import warnings
from typing import Any

from livekit.agents import AgentServer, cli

from agent.day_costs import with_cost_folder
from agent.errors import AgentError
from agent.persona import Persona
from agent.settings import Settings, prepare_environment, read_settings
from agent.worker.checks import PROBE_S, check, tools_of
from agent.worker.gemini_check import GeminiProblem, find_problem
from agent.worker.readiness import Readiness
from agent.worker.server import Worker, use_uvloop
from configuration import FileError

_REGISTERED_COMMANDS = {"start", "dev", "connect"}
_COMMANDS = {*_REGISTERED_COMMANDS, "console"}


def main() -> None:
    """The command line: LiveKit's own, after everything has been checked."""
    words = sys.argv[1:]
    command = next((word for word in words if word in _COMMANDS), None)
    if command is None or "--help" in words:  # also download-files, and typing errors
        _run(AgentServer())
        return
    with contextlib.ExitStack() as opened:
        try:
            settings = opened.enter_context(with_cost_folder(read_settings(**_given(words))))
            persona, problem = check(settings, registers=command in _REGISTERED_COMMANDS)
        except (AgentError, FileError) as error:
            print(error, file=sys.stderr)  # noqa: T201  the one sentence, before there is a log
            sys.exit(2)
        except KeyboardInterrupt:
            sys.exit(130)
        _serve(settings, persona, problem)


def _serve(settings: Settings, persona: Persona, problem: GeminiProblem | None) -> None:
    """Run the worker until it ends."""
    prepare_environment(settings)
    use_uvloop()
    tools = tools_of(persona)
    readiness = Readiness(lambda: find_problem(settings, persona, tools, PROBE_S), time.monotonic(), problem)
    worker = Worker(settings, persona, readiness)
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


def _run(server: AgentServer) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the built-in Python CLI is deprecated", category=DeprecationWarning)
        cli.run_app(server)
