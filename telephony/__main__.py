"""`python -m telephony plan|apply|show|remove|check|line`.

Exit codes: 0 done, or nothing to do; 1 an error, in a sentence; 2 wrong usage, also a deletion that nobody has agreed to;
3 `plan` found changes, or nobody would answer the call of `check`.
"""

import argparse
import asyncio
import importlib
import ipaddress
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from configuration import FileError, argument_parser
from telephony import report, routing
from telephony.declared import Declared, declared
from telephony.errors import TelephonyError
from telephony.plan import Change, Existing, Plan, plan, removal
from telephony.reading import load_spec
from telephony.settings import read_passwords, read_settings
from telephony.sip_api import SipApiClient, sip_api_client

DONE, FAILED, WRONG_USAGE, CHANGES = 0, 1, 2, 3
_SIP_MODULES = {"aiosipua", "G722"}
"""The modules of the extra `sip` in pyproject.toml."""
_FILE = Path("telephony.toml")


_EXAMPLES = (
    "python -m telephony plan",
    "python -m telephony apply --yes",
    "python -m telephony show --json",
    "python -m telephony check --from +15550001111 --to +15550002222",
    "python -m telephony line                       # softphones on this machine may call",
)


def _parser() -> argparse.ArgumentParser:
    what = "The SIP trunks and dispatch rules of livekit-server, as a file: telephony.toml."
    parser = argument_parser("python -m telephony", what, _EXAMPLES)
    names = "plan|apply|show|remove|check|line"
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar=names)
    does = {
        "plan": "show what apply would change",
        "apply": "show what changes, and change it",
        "show": "show the trunks and rules that the server has",
        "remove": "delete what apply has made",
        "check": "say which trunk and rule a call would get, and who would answer",
    }
    for name, text in does.items():
        command = commands.add_parser(name, help=text, description=text)
        if name != "show":
            command.add_argument("--file", type=Path, default=_FILE, help="the file (default: telephony.toml)")
        if name in {"plan", "show"}:
            command.add_argument("--json", action="store_true", help="print JSON, for programs")
        if name in {"plan", "apply"}:
            command.add_argument(
                "--prune", action="store_true", help="also delete what the file doesn't name and others have made"
            )
            adopted = "take over trunks and rules of others that have a name of the file"
            command.add_argument("--adopt", action="store_true", help=adopted)
        if name in {"apply", "remove"}:
            command.add_argument("--yes", action="store_true", help="delete without a question")
        if name == "check":
            _call_arguments(command)
    # its own package reads its arguments
    commands.add_parser("line", help="run a SIP endpoint: softphones call the agent without livekit-sip", add_help=False)
    return parser


def _call_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--from", dest="caller", required=True, metavar="NUMBER", help="who calls, spelt as the carrier does")
    command.add_argument("--to", dest="called", required=True, metavar="NUMBER", help="the number that is called")
    command.add_argument(
        "--source", type=ipaddress.ip_address, metavar="IP", help="where the call comes from; an allowed address, if not said"
    )
    command.add_argument("--from-host", default="", metavar="HOST", help="the host part of From")
    command.add_argument("--pin", metavar="DIGITS", help='what the caller types; "" for nothing but #')
    command.add_argument("--live", action="store_true", help="ask for the server's trunks and rules instead of the file's")


def main(argv: Sequence[str] | None = None) -> int:
    """Do one command; returns the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["line"]:
        return _line(given[1:])
    arguments = _parser().parse_args(given)
    try:
        return asyncio.run(_COMMANDS[arguments.command](arguments))
    except FileError as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    except TelephonyError as error:
        print(error, file=sys.stderr)
        return FAILED


def _declared(arguments: argparse.Namespace) -> Declared:
    spec = load_spec(arguments.file)
    return declared(spec, read_passwords(spec))


def _line(argv: Sequence[str]) -> int:
    try:
        line = importlib.import_module("telephony.line")
    except ModuleNotFoundError as error:
        if error.name not in _SIP_MODULES:
            raise
        print(
            f"the SIP endpoint needs the Python package of the module {error.name}: install the extra `sip`"
            " (`uv sync --extra sip`, or `make setup` for everything)",
            file=sys.stderr,
        )
        return WRONG_USAGE
    return int(line.main(argv))


async def _plan(arguments: argparse.Namespace) -> int:
    wanted = _declared(arguments)
    async with sip_api_client(read_settings()) as server:
        found = plan(wanted, await server.existing(), prune=arguments.prune, adopt=arguments.adopt)
    print(report.plan_json(found) if arguments.json else report.plan_text(found))
    return CHANGES if found.changes else DONE


async def _apply(arguments: argparse.Namespace) -> int:
    wanted = _declared(arguments)
    async with sip_api_client(read_settings()) as server:
        found = plan(wanted, await server.existing(), prune=arguments.prune, adopt=arguments.adopt)
        return await _make(server, found, agreed=arguments.yes)


async def _remove(arguments: argparse.Namespace) -> int:
    named = declared(load_spec(arguments.file))
    async with sip_api_client(read_settings()) as server:
        return await _make(server, removal(await server.existing(), named), agreed=arguments.yes)


async def _make(server: SipApiClient, found: Plan, *, agreed: bool) -> int:
    print(report.plan_text(found), flush=True)
    if found.taken:
        print("nothing was changed: names of the file belong to others", file=sys.stderr)
        return FAILED
    if found.deletions and not agreed and not _agrees(found.deletions):
        return WRONG_USAGE

    def say(change: Change) -> None:
        print(f'done: {change.action} {change.kind} "{change.name}"', flush=True)

    await server.make(found, say)
    return DONE


def _agrees(deletions: int) -> bool:
    """Ask whether to delete; without a terminal nobody can be asked."""
    if not sys.stdin.isatty():
        print(f"nothing was changed: {deletions} to delete, and no terminal to ask on; --yes agrees", file=sys.stderr)
        return False
    try:
        answer = input(f"Delete {deletions}? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() in {"y", "yes"}:
        return True
    print("nothing was changed", file=sys.stderr)
    return False


async def _show(arguments: argparse.Namespace) -> int:
    async with sip_api_client(read_settings()) as server:
        existing = await server.existing()
    print(report.existing_json(existing) if arguments.json else report.existing_text(existing))
    return DONE


async def _check(arguments: argparse.Namespace) -> int:
    if arguments.live:
        async with sip_api_client(read_settings()) as server:
            existing = await server.existing()
    else:
        listed = declared(load_spec(arguments.file)).as_listed()
        existing = Existing(listed.trunks, listed.rules)
    source = "" if arguments.source is None else str(arguments.source)
    call = routing.Call(arguments.caller, arguments.called, source, arguments.from_host, arguments.pin)
    said = routing.route(existing.trunks, existing.rules, call)
    print(report.answer_text(call, said, routing.open_by_from(existing.trunks, existing.rules, call)))
    return DONE if said.outcome in {"accept", "pin"} else CHANGES


_COMMANDS = {"plan": _plan, "apply": _apply, "show": _show, "remove": _remove, "check": _check}


def _end(code: int) -> NoReturn:
    """End the process without taking the interpreter apart.

    LiveKit's native threads outlive their rooms, and one that calls back into Python (a log record is enough) while it is
    taken apart is ended by unwinding through Rust, which aborts: the line would end with SIGABRT instead of its code.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    exit_code = main()
    if sys.argv[1:2] == ["line"]:
        _end(exit_code)
    sys.exit(exit_code)
