"""Calls change their process while callers talk: no call is lost, no word, and no answer comes noticeably later."""

import asyncio
import functools
import os
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.fleet import AGENT_NAME, Fleet, fleet
from tests.chaos.handovers import added, asked_again, hand_over_again_and_again, handovers, report
from tests.chaos.judge import CallEvidence, callers_of, judge
from tests.chaos.programs import LastingProgram
from tests.chaos.run import taken_words
from tests.chaos.talker import Talker
from tests.e2e.stack import until

pytestmark = [pytest.mark.long, pytest.mark.sound, pytest.mark.timeout(900)]

CALLERS = int(os.environ.get("ROLLING_CALLERS", "2"))
"""Callers who talk at once. Each takes a good part of a core, and so does a worker that starts: set ROLLING_CALLERS=12 on a
machine that has the cores for them."""
TIMES = int(os.environ.get("ROLLING_TIMES", "5"))
"""Hand-overs of each call."""
_LONGEST_CALL_S = 600.0
_REPLACED_WITHIN_S = 120.0
_ADDED_SILENCE_S = 0.5
"""An answer after a hand-over comes at most so much later than the latest of its call's other answers."""


@asynccontextmanager
async def talking(made: Fleet) -> AsyncIterator[list[Talker]]:
    """Callers who talk until the block ends: soon after each answer, every other one with no more than two words."""
    rooms, over = dict[str, object](), asyncio.Event()
    talkers = [
        Talker(number, made.server, AGENT_NAME, rooms, random.Random(number), (0.0, 0.6), is_brief=number % 2 == 1)
        for number in range(CALLERS)
    ]
    async with asyncio.TaskGroup() as tasks:
        for talker in talkers:
            tasks.create_task(talker.call(_LONGEST_CALL_S, over))
            await asyncio.sleep(1.5)
        await until(lambda: len(made.answering) >= CALLERS, within_s=60)
        yield talkers
        over.set()


def calls_of(talkers: Sequence[Talker], folder: Path) -> list[CallEvidence]:
    """What is known of their calls, once the emulator has ended."""
    taken = callers_of(dict(taken_words(folder)))
    return [replace(call, taken=tuple(taken.get(call.caller, ()))) for talker in talkers for call in talker.found]


def nobody_notices(calls: Sequence[CallEvidence], folder: Path) -> None:
    """Fail if a call or a word was lost, or an answer came later because of a hand-over."""
    made = handovers(folder)
    (folder / "calls.txt").write_text(repr((calls, made)))
    print(report(calls, made))  # noqa: T201
    verdicts = [judge(call, ()) for call in calls]
    assert len(calls) == CALLERS
    assert {each.room for each in made} == {call.room for call in calls}, "each call has changed its process"
    assert [wrong for verdict in verdicts for wrong in verdict.wrong] == []
    assert not any(call.failure or call.told for call in calls)
    assert max(each.beyond_latest_s for each in added(calls, made)) <= _ADDED_SILENCE_S


async def replaced(workers: Sequence[LastingProgram]) -> list[float]:
    """End all workers, each as soon as another one is ready; they are started again. Returns the seconds that each took."""
    took_s = []
    for worker in workers:
        others = [other for other in workers if other is not worker]
        await until(functools.partial(_is_one_up, others), within_s=_REPLACED_WITHIN_S)
        began = time.monotonic()
        worker.terminate()
        await until(functools.partial(_is_started_again, worker, worker.starts), within_s=_REPLACED_WITHIN_S)
        took_s.append(time.monotonic() - began)
    return took_s


def _is_one_up(workers: Sequence[LastingProgram]) -> bool:
    return any(worker.is_up for worker in workers)


def _is_started_again(worker: LastingProgram, starts: int) -> bool:
    return worker.starts > starts


async def test_workers_are_replaced_under_talking_calls_and_nobody_notices(tmp_path: Path) -> None:
    async with fleet(tmp_path, workers=3, DRAIN="handover", DRAIN_TIMEOUT_S="100") as made, talking(made) as talkers:
        took_s = await replaced(made.workers)
        await asked_again(talkers)
    print("SIGTERM to each worker's next start, s:", *(f"{each:.1f}" for each in took_s))  # noqa: T201
    nobody_notices(calls_of(talkers, tmp_path), tmp_path)


@pytest.mark.parametrize("with_redis", [True, False], ids=["Redis", "directory"])
async def test_calls_are_handed_over_again_and_again_and_nobody_notices(tmp_path: Path, *, with_redis: bool) -> None:
    async with fleet(tmp_path, workers=1, with_redis=with_redis) as made, talking(made) as talkers:
        await hand_over_again_and_again(made, talkers, TIMES)
        await asked_again(talkers)
    calls = calls_of(talkers, tmp_path)
    assert len(handovers(tmp_path)) == TIMES * CALLERS
    nobody_notices(calls, tmp_path)
