"""All runs of all rows: one after the other, or several at once, each with livekit-server, emulator and workers of its own."""

import argparse
import asyncio
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from tests.e2e.faults.judge import Verdict
from tests.e2e.faults.rig import rig
from tests.e2e.faults.rows import COMPARED, ROWS, Row
from tests.e2e.faults.run import run
from tests.progress import Steps, output_in, steps

Tell = Callable[[str], None]
"""Is told the result of each run."""
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


def share(arguments: argparse.Namespace, number: int, tell: Tell) -> Runs:
    """One process's part of the rows, with parts of its own to run them. Their raw output is in a file of `arguments.logs`."""
    rows = chosen(arguments)[number :: arguments.at_once]
    with output_in(arguments.logs / f"servers-{number + 1}.log"):
        return asyncio.run(measure(rows, arguments.times, arguments.model, tell, why=arguments.why))


def shared(arguments: argparse.Namespace) -> Runs:
    """All rows, so many at once."""
    with steps("faults", arguments.times * len(chosen(arguments))) as told:
        if arguments.at_once == 1:
            return share(arguments, 0, told.step)
        return _at_once(arguments, told)


_results: "SimpleQueue[str | None]"
"""In a process of its own: the way of results to the one that shows them."""


def _begin(results: "SimpleQueue[str | None]") -> None:
    global _results  # noqa: PLW0603  a process pool's initializer has no other way
    _results = results


def _share_told_elsewhere(arguments: argparse.Namespace, number: int) -> Runs:
    return share(arguments, number, _results.put)


def _at_once(arguments: argparse.Namespace, told: Steps) -> Runs:
    """Each share in a process of its own; their results come through a pipe, as they are there."""
    context = get_context("spawn")
    results: SimpleQueue[str | None] = context.SimpleQueue()

    def show() -> None:
        while (result := results.get()) is not None:
            told.step(result)

    showing = threading.Thread(target=show, name="progress")
    showing.start()
    try:
        with ProcessPoolExecutor(arguments.at_once, context, _begin, (results,)) as processes:
            everybody = range(arguments.at_once)
            found = list(processes.map(_share_told_elsewhere, [arguments] * len(everybody), everybody))
    finally:
        results.put(None)
        showing.join()
    return {row: verdicts for runs in found for row, verdicts in runs.items()}


async def measure(rows: list[Row], times: int, model: str, tell: Tell, *, why: bool) -> Runs:
    """Run the rows, round by round, so that an hour's weather on the machine meets all of them."""
    runs: Runs = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        async with rig(Path(folder), model) as parts:
            for _ in range(times):
                for row in rows:
                    verdict = await run(row, parts)
                    runs[row.number, row.agent].append(verdict)
                    tell(_shown(row, verdict, why=why))
    return runs


def _shown(row: Row, verdict: Verdict, *, why: bool) -> str:
    told = ", ".join(f"{one.silence_s:.1f}" for one in verdict.told) or "-"
    figures = f"pause {verdict.gap_ms:.0f} ms, wait {verdict.wait_s:.2f} s, lost {verdict.lost_words}, told {told}"
    lines = [f"{row.number:>4} {row.agent:8} {row.name:28} {'ok ' if verdict.passed else 'BAD'} {figures}"]
    lines += [f"       {wrong}" for wrong in verdict.wrong]
    lines += verdict.timeline if why and not verdict.passed else []
    return "\n".join(lines)
