"""`python -m telephony plan|apply|show|remove|check|line`.

Exit codes: 0 done, or nothing to do; 1 an error, in a sentence; 2 wrong usage; 3 `plan` found changes, `check` a call that
nobody answers.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from telephony.errors import TelephonyError
from telephony.reading import load

_FILE = Path("telephony.toml")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m telephony", description="Trunks and rules, declared in telephony.toml.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, does in (("plan", "show what apply would change"),):
        command = commands.add_parser(name, help=does)
        command.add_argument("--file", type=Path, default=_FILE, help="telephony.toml")
    # `line` has arguments of its own, which its package reads
    commands.add_parser("line", help="ring the agent without livekit-sip", add_help=False)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Do one command; returns the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["line"]:
        return int(importlib.import_module("telephony.line").main(given[1:]))
    arguments = _arguments().parse_args(given)
    try:
        load(arguments.file)
    except TelephonyError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
