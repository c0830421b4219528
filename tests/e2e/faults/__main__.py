"""`python -m tests.e2e.faults`: every fault, several times over, in real calls; `make faults` writes the table to the docs."""

import argparse
import datetime
import os
import sys
import tempfile
from pathlib import Path

from configuration import argument_parser
from emulator.profiles import PROFILES
from tests.e2e.faults.report import failures, notes, table
from tests.e2e.faults.rig import MODEL
from tests.e2e.faults.rows import ROWS, Row
from tests.e2e.faults.suite import Runs, chosen, compared, shared

_BEGIN, _END = "<!-- measured: `make faults` writes from here -->", "<!-- to here -->"

_STOCK = "LiveKit's own example with the unmodified plugin:"
_WRONG = "What was out of bounds:"

_EXAMPLES = (
    "python -m tests.e2e.faults 5 4b --times 3      # these rows of the table, three times each",
    "python -m tests.e2e.faults 12 --why            # what happened in a run that was out of bounds",
    "python -m tests.e2e.faults --times 5 --at-once 2 --stock --document docs/faults.md",
)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    what = "Break real calls, listen, and say what the caller noticed. Each run takes some ten seconds."
    parser = argument_parser("python -m tests.e2e.faults", what, _EXAMPLES)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="numbers, such as 5 or 4b; without any, all of them")
    parser.add_argument("--times", type=int, default=1, help="how often each (default 1)")
    models = [name for name, profile in PROFILES.items() if not profile.vertex and not profile.translation.translates]
    parser.add_argument(
        "--model", default=MODEL, choices=models, help=f"the Gemini model, default {MODEL}; the bounds are the same for all"
    )
    parser.add_argument("--at-once", type=int, default=1, help="calls, each with a stack of its own (default 1)")
    parser.add_argument("--why", action="store_true", help="show what happened in the runs that were out of bounds")
    parser.add_argument("--stock", action="store_true", help="some of them with LiveKit's own example, too")
    parser.add_argument("--document", type=Path, help="write what was measured between the marks of this file")
    return parser.parse_args(argv)


def document(rows: list[Row], runs: Runs, when: str, before: str = "") -> str:
    """The text between the marks. `before`: what stands there; rows that were not run keep their lines."""
    theirs = compared() if before else [row for row in rows if row.agent == "stock"]
    ours = list(ROWS) if before else [row for row in rows if row.agent != "stock"]
    ours_before, _, rest = before.partition(_STOCK)
    stock_before, _, wrong_before = rest.partition(_WRONG)
    ours_now = table(ours, runs, when, ours_before)
    parts = [ours_now, notes(ours, ours_now)]
    if theirs:
        parts += [_STOCK, table(theirs, runs, when, stock_before)]
    if wrong := failures(ours, runs, wrong_before):
        parts += [_WRONG, wrong]
    return "\n\n".join(parts)


def _when(arguments: argparse.Namespace) -> str:
    today, load = datetime.datetime.now(datetime.UTC), os.getloadavg()[0]
    at_once = f", {arguments.at_once} at once" if arguments.at_once > 1 else ""
    return f"{today.day} {today:%b %Y}, load {load:.0f}{at_once}"


def main(argv: list[str] | None = None) -> int:
    """Run the rows that are asked for, and print the table; returns the exit code."""
    arguments = _arguments(argv)
    arguments.logs = Path(tempfile.mkdtemp(prefix="earshot-faults-"))
    print(f"the servers' raw output is in {arguments.logs}", file=sys.stderr, flush=True)
    rows, runs = chosen(arguments), shared(arguments)
    when = _when(arguments)
    print(f"\n{document(rows, runs, when)}")
    if arguments.document:
        before, _, rest = arguments.document.read_text(encoding="utf-8").partition(_BEGIN)
        measured, _, after = rest.partition(_END)
        text = document(rows, runs, when, measured)
        arguments.document.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}", encoding="utf-8")
    return 0 if all(one.passed for row in rows if row.agent != "stock" for one in runs[row.number, row.agent]) else 1


if __name__ == "__main__":
    sys.exit(main())
