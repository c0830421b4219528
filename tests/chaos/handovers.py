"""What hand-overs between processes cost callers, from the workers' logs and from what was heard at both ends."""

import asyncio
import functools
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from failover.opening import open_store
from failover.settings import read_settings, store_config
from failover.store import Store
from tests.chaos.fleet import AGENT_NAME, Fleet
from tests.chaos.judge import CallEvidence
from tests.chaos.report import spread_s
from tests.chaos.talker import Talker
from tests.e2e.faults.tones import silences
from tests.e2e.stack import API_KEY, API_SECRET, until

_WITHIN_S = 60.0
"""A call is handed over within this: another process comes in some seconds, and a pause follows each answer."""
_GIVEN, _CONNECTED = '"the call is handed over"', '"Gemini connection: connected (process)"'


@dataclass(frozen=True)
class Handover:
    """A call that one process has given to another. Times are on the monotonic clock."""

    room: str
    given_at: float
    connected_s: float
    """From then until the other process was connected to Gemini."""
    attempts: int
    """How often it dialled."""


@dataclass(frozen=True)
class Answer:
    """A question's answer."""

    room: str
    asked_at: float
    """The end of the question."""
    wait_s: float
    """From then to the first word."""
    pause_s: float
    """The longest pause between its words."""


def handovers(folder: Path) -> list[Handover]:
    """All hand-overs of a fleet, by its workers' logs, in order."""
    lines = [line for path in folder.glob("worker-*.log") for line in path.read_text().splitlines()]
    given, connected = _entries(lines, _GIVEN), _entries(lines, _CONNECTED)
    found = []
    for entry in given:
        at = _monotonic(entry)
        after = [each for each in connected if each["room"] == entry["room"] and _monotonic(each) >= at]
        if after:
            first = min(after, key=_monotonic)
            found.append(Handover(entry["room"], at, _monotonic(first) - at, first["attempts"]))
    return sorted(found, key=lambda each: each.given_at)


def answers(calls: Sequence[CallEvidence]) -> Iterator[Answer]:
    """The answers of all calls."""
    for call in calls:
        ends = [turn.start for turn in call.turns[2:]] + [call.left_at]
        for turn, end in zip(call.turns[1:], ends, strict=True):
            heard = [one for one in call.heard if one.marker in turn.owed and turn.end <= one.start_s < end]
            if heard:
                pause_s = max((pause.duration_s for pause in silences(heard)), default=0.0)
                yield Answer(call.room, turn.end, heard[0].start_s - turn.end, pause_s)


def follows(answer: Answer, made: Sequence[Handover], asked_s: float) -> bool:
    """Whether the call was handed over while this question was asked, or in the pause before.

    `asked_s`: from the beginning of the pause to the question's end, at most.
    """
    begins, ends = answer.asked_at - asked_s, answer.asked_at + answer.wait_s
    return any(each.room == answer.room and begins <= each.given_at <= ends for each in made)


@dataclass(frozen=True)
class Added:
    """The silence that a hand-over has added to the next answer, in seconds: its delay, or a pause between its words."""

    beyond_usual_s: float
    """Beyond the median of the call's answers that no hand-over preceded."""
    beyond_latest_s: float
    """Beyond the latest of these. On a machine that is busy with other work they differ by more than a hand-over costs."""


def added(calls: Sequence[CallEvidence], made: Sequence[Handover], asked_s: float = 5.0) -> list[Added]:
    """What each hand-over has added."""
    found = []
    for call in calls:
        all_answers = list(answers([call]))
        after = [each for each in all_answers if follows(each, made, asked_s)]
        waits = [each.wait_s for each in all_answers if each not in after]
        pauses = [each.pause_s for each in all_answers if each not in after]
        for each in after if waits else ():
            usual_s = max(each.wait_s - statistics.median(waits), each.pause_s - statistics.median(pauses))
            found.append(Added(usual_s, max(each.wait_s - max(waits), each.pause_s - max(pauses))))
    return found


def report(calls: Sequence[CallEvidence], made: Sequence[Handover]) -> str:
    """What the hand-overs cost, in a sentence."""
    costs, waits = added(calls, made), [each.wait_s for each in answers(calls)]
    connected = spread_s([each.connected_s for each in made])
    again = sum(each.attempts > 1 for each in made)
    return (
        f"{len(made)} hand-overs of {len(calls)} calls; {len(waits)} answers after {spread_s(waits)} s; {len(costs)} of them "
        f"followed a hand-over: {', '.join(f'{each.beyond_usual_s:.2f}' for each in costs)} s later than the median of the "
        f"others, {max((each.beyond_latest_s for each in costs), default=0.0):.2f} s than the latest of the others at most; "
        f"Gemini connected after {connected} s, {again} dialled more than once"
    )


async def hand_over_again_and_again(made: Fleet, talkers: Sequence[Talker], times: int) -> None:
    """Ask each talker's call to hand itself over, so often, with at least one question between two hand-overs."""
    settings = read_settings(
        None,
        livekit_url=made.server.url,
        livekit_api_key=API_KEY,
        livekit_api_secret=API_SECRET,
        agent_name=AGENT_NAME,
        failover_dir=None if made.redis_url else made.folder / "run",
        redis_url=made.redis_url,
    )
    config = store_config(settings)
    assert config is not None
    async with open_store(config) as store, asyncio.TaskGroup() as tasks:
        for talker in talkers:
            tasks.create_task(_hand_over(store, talker, times))


async def asked_again(talkers: Sequence[Talker]) -> None:
    """Wait until each talker has asked a question after this moment, and has had its answer."""
    for talker, turns in [(each, each.turns) for each in talkers]:
        await until(functools.partial(_has_asked, talker, turns + 2), within_s=_WITHIN_S)


async def _hand_over(store: Store, talker: Talker, times: int) -> None:
    for _ in range(times):
        await until(functools.partial(_has_asked, talker, talker.turns + 2), within_s=_WITHIN_S)
        lease = await store.find(talker.room)
        assert lease is not None
        await store.ask(lease.room, lease.holder)
        await until(functools.partial(_is_changed, store, talker.room, lease.holder), within_s=_WITHIN_S)


def _has_asked(talker: Talker, turns: int) -> bool:
    return talker.turns >= turns


async def _is_changed(store: Store, room: str, holder: str) -> bool:
    lease = await store.find(room)
    return lease is not None and lease.holder != holder


def _entries(lines: Sequence[str], message: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines if message in line and line.startswith("{")]


def _monotonic(entry: dict[str, Any]) -> float:
    at = datetime.fromisoformat(str(entry["timestamp"])).timestamp()
    return at - time.time() + time.monotonic()
