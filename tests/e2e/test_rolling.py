"""Three workers that are replaced one after the other while callers talk: no call is lost, and no word."""

import asyncio
import functools
import os
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.fleet import AGENT_NAME, Fleet, fleet
from tests.chaos.judge import CallEvidence, callers_of, judge
from tests.chaos.programs import LastingProgram
from tests.chaos.run import taken_words
from tests.chaos.talker import Talker
from tests.e2e.stack import until

CALLERS = int(os.environ.get("ROLLING_CALLERS", "2"))
"""Callers who talk at once. Each takes a good part of a core, and so does a worker that starts: set ROLLING_CALLERS=12 on a
machine that has the cores for them."""
_LONGEST_CALL_S = 600.0
_REPLACED_WITHIN_S = 120.0
_ADDED_SILENCE_S = 0.5


async def replaced(made: Fleet) -> list[float]:
    """Replace all workers, one after the other. Returns the seconds from each SIGTERM to the worker's end."""
    took_s = []
    for worker in made.workers:
        began = time.monotonic()
        worker.terminate()
        await until(functools.partial(_is_started_again, worker, worker.starts), within_s=_REPLACED_WITHIN_S)
        took_s.append(time.monotonic() - began)
        await until(functools.partial(_is_up, worker), within_s=_REPLACED_WITHIN_S)
    return took_s


def _is_started_again(worker: LastingProgram, starts: int) -> bool:
    return worker.starts > starts


def _is_up(worker: LastingProgram) -> bool:
    return worker.is_up


def waits_s(calls: Sequence[CallEvidence]) -> list[float]:
    """The seconds from the end of each question to its answer's first word."""
    found = []
    for call in calls:
        for turn in call.turns[1:]:
            answer = [one.start_s for one in call.heard if one.marker in turn.owed and one.start_s >= turn.end]
            found += [min(answer) - turn.end] if answer else []
    return found


@pytest.mark.long
@pytest.mark.sound
async def test_workers_are_replaced_under_talking_calls_and_nobody_notices(tmp_path: Path) -> None:
    async with fleet(tmp_path, workers=3, DRAIN="handover", DRAIN_TIMEOUT_S="100") as made:
        answering, rooms, over = made.answering, dict[str, object](), asyncio.Event()
        talkers = [Talker(number, made.server, AGENT_NAME, rooms, random.Random(number)) for number in range(CALLERS)]
        async with asyncio.TaskGroup() as tasks:
            for talker in talkers:
                tasks.create_task(talker.call(_LONGEST_CALL_S, over))
                await asyncio.sleep(1.5)
            await until(lambda: len(answering) >= CALLERS, within_s=60)
            took_s = await replaced(made)
            over.set()
    taken = callers_of(dict(taken_words(tmp_path)))
    calls = [replace(call, taken=tuple(taken.get(call.caller, ()))) for talker in talkers for call in talker.found]
    verdicts = [judge(call, ()) for call in calls]
    agents = sum(len(call.by_agent) for call in calls)
    waits = sorted(waits_s(calls))
    figures = f"{CALLERS} calls, {agents} agents, {len(waits)} answers; SIGTERM to the worker's end {took_s}"
    print(f"{figures}; question to answer: median {statistics.median(waits):.2f} s, worst {waits[-1]:.2f} s")  # noqa: T201
    assert len(calls) == CALLERS
    assert agents >= 2 * CALLERS, "each call has changed its worker"
    assert [wrong for verdict in verdicts for wrong in verdict.wrong] == []
    assert not any(call.failure or call.told for call in calls)
    assert waits[-1] - statistics.median(waits) < _ADDED_SILENCE_S
