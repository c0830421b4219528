"""The worker's command line: `python agent.py start|dev|console|connect`, and the server for LiveKit's own (`lk agent ...`).

Both check everything first. Then the worker registers with LiveKit.

SIGTERM or SIGINT: no more calls, and the running ones may end; a second one ends them; a third one ends the process.

Exit codes: 0 after the last call, 1 when LiveKit couldn't be reached any more, 2 for a setting or a persona that can't be used.
"""

import argparse
import atexit
import contextlib
import sys
import time
import warnings
from collections.abc import Sequence
from typing import Any

from livekit.agents import AgentServer, cli
from livekit.agents.__main__ import main as livekit_main

from agent import livekit_private
from agent.day_costs import with_cost_folder
from agent.errors import AgentError
from agent.settings import Settings, prepare_environment, read_settings
from agent.worker.checks import PROBE_S, check, check_sound_device, tools_of
from agent.worker.gemini_check import find_problem
from agent.worker.readiness import Readiness
from agent.worker.server import Worker, use_uvloop
from agent.worker.usage import asks_for_usage, show_usage
from configuration import FileError

_REGISTERED_COMMANDS = {"start", "dev", "connect"}
_COMMANDS = {*_REGISTERED_COMMANDS, "console"}


def main() -> None:
    """Run the command line of agent.py: LiveKit's own, after everything has been checked."""
    words = sys.argv[1:]
    if asks_for_usage(words):
        show_usage(words)
    command = next((word for word in words if word in _COMMANDS), None)
    if command is None:  # also download-files, and typing errors
        _run(AgentServer())
    elif command == "dev":
        # what `lk agent dev` starts: LiveKit's own `dev` says that it is deprecated
        options = [word for word in words if word not in {"dev", "--reload", "--no-reload"}]
        level = () if "--log-level" in words else ("--log-level", _settings(words).log_level)
        sys.exit(livekit_main(["start", sys.argv[0], "--dev", *level, *options]))
    else:
        server = make_server(has_own_console=command == "console")
        if command == "console":
            livekit_private.without_deprecation_notice()
        _run(server)


def make_server(*, has_own_console: bool = False) -> Worker:
    """The worker of this process, by the settings and the words of the command line, when everything has been checked.

    A mistake is told in one sentence, and ends the program with exit code 2.

    Args:
        has_own_console: the console plays and records sound itself. LiveKit's CLI does that for the worker.
    """
    words, opened = sys.argv[1:], contextlib.ExitStack()
    try:
        if has_own_console:
            check_sound_device()
        settings = opened.enter_context(with_cost_folder(_settings(words)))
        persona, problem = check(settings, registers=not _REGISTERED_COMMANDS.isdisjoint(words))
    except (AgentError, FileError) as error:
        opened.close()
        print(error, file=sys.stderr)  # noqa: T201  the one sentence, before there is a log
        sys.exit(2)
    except KeyboardInterrupt:
        opened.close()
        sys.exit(130)
    atexit.register(opened.close)
    prepare_environment(settings)
    use_uvloop()
    tools = tools_of(persona)
    readiness = Readiness(lambda: find_problem(settings, persona, tools, PROBE_S), time.monotonic(), problem)
    return Worker(settings, persona, readiness)


def _settings(words: Sequence[str]) -> Settings:
    """The worker's settings. Options of the command line win."""
    try:
        return read_settings(**_given(words))
    except (AgentError, FileError) as error:
        print(error, file=sys.stderr)  # noqa: T201  the one sentence, before there is a log
        sys.exit(2)


def _given(words: Sequence[str]) -> dict[str, Any]:
    """LiveKit's own options that are settings here."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for option in ("url", "api-key", "api-secret"):
        parser.add_argument(f"--{option}", dest=f"livekit_{option.replace('-', '_')}", default=argparse.SUPPRESS)
    return vars(parser.parse_known_args(words)[0])


def _run(server: AgentServer) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the built-in Python CLI is deprecated", category=DeprecationWarning)
        # at its end LiveKit's console closes the server once more, on a loop that runs no more
        warnings.filterwarnings("ignore", message="coroutine '.*aclose' was never awaited", category=RuntimeWarning)
        cli.run_app(server)
