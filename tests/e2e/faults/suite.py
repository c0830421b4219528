"""All runs of all rows: one after the other, or several at once, each with livekit-server, emulator and workers of its own."""

import argparse
import asyncio
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from tests.e2e.faults.judge import Verdict
from tests.e2e.faults.rig import Rig, rig
from tests.e2e.faults.rows import COMPARED, ROWS, Row
from tests.e2e.faults.run import run

Runs = dict[tuple[str, str], list[Verdict]]
"""By row number and agent."""


def compared() -> list[Row]:
    """The rows that LiveKit's own example goes through. It tells the room nothing of its connection."""
    return [
        replace(row, agent="stock", bounds=replace(row.bounds, causes=None, named=frozenset(), connections=None))
        for row in ROWS
        if row.number in COMPARED
    ]


def chosen(arguments: argparse.Namespace) -> list[Row]:
    """The rows that are asked for, with the example's after ours."""
    rows = [row for row in ROWS if not arguments.rows or row.number in arguments.rows]
    if arguments.stock:
        rows += [row for row in compared() if not arguments.rows or row.number in arguments.rows]
    return rows


def share(arguments: argparse.Namespace, number: int) -> Runs:
    """One process's part of the rows, with parts of its own to run them."""
    rows = chosen(arguments)[number :: arguments.at_once]
    return asyncio.run(measure(rows, arguments.times, arguments.model, why=arguments.why))


def shared(arguments: argparse.Namespace) -> Runs:
    """All rows, so many at once."""
    if arguments.at_once == 1:
        return share(arguments, 0)
    everybody = range(arguments.at_once)
    with ProcessPoolExecutor(arguments.at_once, get_context("spawn")) as processes:
        found = list(processes.map(share, [arguments] * len(everybody), everybody))
    return {row: verdicts for runs in found for row, verdicts in runs.items()}


async def measure(rows: list[Row], times: int, model: str, *, why: bool) -> Runs:
    """Run the rows, round by round, so that an hour's weather on the machine meets all of them."""
    runs: Runs = defaultdict(list)
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
    lines = [f"{row.number:>4} {row.agent:8} {row.name:28} {'ok ' if verdict.passed else 'BAD'} {figures}"]
    lines += [f"       {wrong}" for wrong in verdict.wrong]
    lines += verdict.timeline if why and not verdict.passed else []
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    return verdict
