"""`python -m emulator`: serve the Gemini Live API on loopback until SIGINT or SIGTERM. Exit code 2 on wrong usage.

`python -m emulator profiles` prints what is known of each model, `python -m emulator faults` what can be broken on purpose.
"""

import argparse
import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import uvloop

from configuration import argument_parser
from emulator.answers import Answers, SayBack
from emulator.auto import Auto
from emulator.control import controlling
from emulator.errors import EmulatorError
from emulator.faults.asked import Faults
from emulator.faults.catalogue import catalogue_table, fault_from_text, faults_of_script
from emulator.journal import Journal
from emulator.profile_table import table as profiles_table
from emulator.profiles import PROFILES
from emulator.script import Script, load
from emulator.script_reload import rereading
from emulator.server import serving
from emulator.shared import Emulator
from emulator.tls import authority_and_context, default_ca_file, write_authority

_HOST = "127.0.0.1"
_PORT: dict[str, Any] = {"type": int, "choices": range(65536), "metavar": "N"}


_EXAMPLES = (
    "python -m emulator --port 7883",
    "python -m emulator --port 7883 --ca-file ca.pem --script demo/script.toml",
    "python -m emulator --port 7883 --fault goaway:after_s=5 --control-port 7884",
    "python -m emulator --profile gemini-3.8-live --say-back",
    "python -m emulator profiles                    # what is known of each model",
    "python -m emulator faults                      # what can be broken on purpose",
)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argument_parser("python -m emulator", "The Gemini Live API on this machine, without a key.", _EXAMPLES)
    parser.add_argument("what", nargs="?", choices=["profiles", "faults"], help="print a table instead of serving")
    parser.add_argument("--port", default=0, help="the port for clients; 0 picks a free one (default)", **_PORT)
    parser.add_argument(
        "--ca-file",
        type=Path,
        metavar="PATH",
        help="where the certificate authority's certificate is written (PEM); clients verify the emulator by it. "
        "Default: ~/.cache/earshot/emulator-PORT.pem",
    )
    says = parser.add_mutually_exclusive_group()
    says.add_argument(
        "--script", type=Path, default=Path("auto"), help="what the model says (TOML); `auto` answers any client (default)"
    )
    says.add_argument("--say-back", action="store_true", help="repeat the caller's own sound")
    parser.add_argument(
        "--profile",
        metavar="MODEL",
        choices=sorted(PROFILES),
        help="serve models that the emulator doesn't know as this one; `profiles` lists all (default: refuse them)",
    )
    parser.add_argument("--api-key", metavar="KEY", help="the only key to accept; by default any key will do")
    parser.add_argument(
        "--time-scale",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="multiply all time limits by this: 0.02 makes ten minutes twelve seconds",
    )
    _add_faults_and_reports(parser)
    arguments = parser.parse_args(argv)
    if not 0 < arguments.time_scale < float("inf"):
        parser.error(f"--time-scale {arguments.time_scale:g} is no scale; use a number above 0, such as 0.02")
    return arguments


def _add_faults_and_reports(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("faults and reports")
    group.add_argument(
        "--fault", action="append", default=[], metavar="NAME[:k=v,...]", help="break something on purpose; may be repeated"
    )
    group.add_argument("--control-port", help="plain http for faults, sessions and the journal", **_PORT)
    group.add_argument(
        "--journal", type=Path, metavar="FILE", help="append what goes over the wire to this file, as JSON lines"
    )
    group.add_argument("--journal-audio", type=Path, metavar="FOLDER", help="keep what it heard as WAV files")


async def _serve(arguments: argparse.Namespace) -> None:
    answers, faults = _answers(arguments)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(Journal(arguments.journal, audio_folder=arguments.journal_audio))
        fallback = PROFILES[arguments.profile] if arguments.profile else None
        emulator = Emulator(
            answers, journal, api_key=arguments.api_key, fallback=fallback, time_scale=arguments.time_scale, faults=faults
        )
        authority, tls = authority_and_context()
        if arguments.ca_file is not None:
            write_authority(authority, arguments.ca_file)
        port = await stack.enter_async_context(serving(emulator, host=_HOST, port=arguments.port, tls=tls))
        if arguments.ca_file is None:
            print(f"ca {write_authority(authority, default_ca_file(port))}", flush=True)
        if arguments.control_port is not None:
            control = controlling(faults, emulator.sessions, journal.recent, host=_HOST, port=arguments.control_port)
            print(f"control {await stack.enter_async_context(control)}", flush=True)
        if isinstance(answers, Script):
            await stack.enter_async_context(rereading(arguments.script, emulator.answer_with))
        print(f"ready https://{_HOST}:{port}", flush=True)
        await stopped.wait()
    for asked in faults.report():
        if not asked["happened"]:
            print(f"the fault {asked['name']} never happened", file=sys.stderr)


def _answers(arguments: argparse.Namespace) -> tuple[Answers, Faults]:
    """Read what was asked for: the answers, and the faults."""
    faults = Faults()
    for asked in arguments.fault:
        faults.add(fault_from_text(asked))
    if arguments.say_back:
        return SayBack(), faults
    if arguments.script == Path("auto"):
        return Auto(), faults
    script = load(arguments.script)
    for fault in faults_of_script(arguments.script, script.faults):
        faults.add(fault)
    return script, faults


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    arguments = _arguments(argv)
    if arguments.what is not None:
        print(profiles_table() if arguments.what == "profiles" else catalogue_table())
        return 0
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(arguments))
    except EmulatorError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"cannot start on {_HOST}:{arguments.port}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
