"""`python -m tests.e2e.faults`: every fault, several times over, in real calls; `make faults` writes the table to the docs."""

import argparse
import asyncio
import datetime
import os
import sys
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from tests.e2e.faults.judge import Verdict
from tests.e2e.faults.report import failures, notes, table
from tests.e2e.faults.rig import MODEL, Rig, rig
from tests.e2e.faults.rows import COMPARED, ROWS, Row
from tests.e2e.faults.run import run

_BEGIN, _END = "<!-- measured: `make faults` writes from here -->", "<!-- to here -->"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.faults", description="Break real calls, and listen.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="numbers, such as 5 or 4b; without any, all of them")
    parser.add_argument("--times", type=int, default=1, help="how often each (default 1)")
    parser.add_argument("--model", default=MODEL, help=f"the Gemini model, default {MODEL}; the bounds are the same for all")
    parser.add_argument("--why", action="store_true", help="show what happened in the runs that were out of bounds")
    parser.add_argument("--stock", action="store_true", help="some of them with LiveKit's own example, too")
    parser.add_argument("--document", type=Path, help="write the table between the marks of this file")
    return parser.parse_args()


def compared() -> list[Row]:
    """The rows that LiveKit's own example goes through. It tells the room nothing of its connection."""
    chosen = [row for row in ROWS if row.number in COMPARED]
    return [
        replace(row, agent="stock", bounds=replace(row.bounds, causes=None, named=frozenset(), connections=None))
        for row in chosen
    ]


async def measure(rows: list[Row], times: int, model: str, *, why: bool) -> dict[tuple[str, str], list[Verdict]]:
    """Run the rows, round by round, so that an hour's weather on the machine meets all of them."""
    runs: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        async with rig(Path(folder), model) as parts:
            for _ in range(times):
                for row in rows:
                    runs[row.number, row.agent].append(await _shown(row, parts, why=why))
    return runs


async def _shown(row: Row, parts: Rig, *, why: bool) -> Verdict:
    verdict = await run(row, parts)
    told = ", ".join(f"{one.silence_s:.1f}" for one in verdict.told) or "-"
    figures = f"pause {verdict.gap_ms:.0f} ms, wait {verdict.wait_s:.2f} s, lost {verdict.lost_words}, told {told}"
    print(f"{row.number:>4} {row.agent:8} {row.name:28} {'ok ' if verdict.passed else 'BAD'} {figures}", flush=True)
    for wrong in verdict.wrong:
        print(f"       {wrong}", flush=True)
    if why and not verdict.passed:
        print("\n".join(verdict.timeline), flush=True)
    return verdict


def document(rows: list[Row], runs: dict[tuple[str, str], list[Verdict]], times: int) -> str:
    """What stands between the marks."""
    load = os.getloadavg()[0]
    when = f"{datetime.datetime.now(datetime.UTC):%d %B %Y}, {os.cpu_count()} cores, load at the end {load:.1f}, {times} runs"
    ours, stock = ([row for row in rows if (row.agent == "stock") is is_stock] for is_stock in (False, True))
    parts = [when + ".", table(ours, runs), notes(ours, runs)]
    if stock:
        parts += ["LiveKit's own example with the unmodified plugin, in the same run:", table(stock, runs)]
    if wrong := failures(ours, runs):
        parts += ["What was out of bounds:", wrong]
    return "\n\n".join(parts)


def main() -> int:
    arguments = _arguments()
    rows = [row for row in ROWS if not arguments.rows or row.number in arguments.rows]
    if arguments.stock:
        rows += [row for row in compared() if not arguments.rows or row.number in arguments.rows]
    runs = asyncio.run(measure(rows, arguments.times, arguments.model, why=arguments.why))
    text = document(rows, runs, arguments.times)
    print(f"\n{text}")
    if arguments.document:
        before, _, rest = arguments.document.read_text(encoding="utf-8").partition(_BEGIN)
        _, _, after = rest.partition(_END)
        arguments.document.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}", encoding="utf-8")
    return 0 if all(one.passed for row in rows if row.agent != "stock" for one in runs[row.number, row.agent]) else 1


if __name__ == "__main__":
    sys.exit(main())
