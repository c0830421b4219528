"""One chaos run: callers talk to a fleet while parts of it are killed, and everything is judged afterwards."""

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from speech import read_wav
from tests.chaos.fleet import AGENT_NAME, Fleet, fleet
from tests.chaos.judge import CallEvidence, CallVerdict, callers_of, judge
from tests.chaos.kills import KINDS, Kill, Killer, PlannedKill, plan
from tests.chaos.talker import Talker
from tests.e2e.faults.tones import Stretch, read
from tests.e2e.stack import until

_HEARD_RATE_HZ = 16000
_STARTS_APART_S = 1.5
_ANSWERED_WITHIN_S = 60.0
LAST_WORDS_S = 12.0


@dataclass(frozen=True)
class ChaosPlan:
    """What is killed, and who talks meanwhile."""

    seed: int
    seconds: float
    callers: int
    workers: int = 3
    kinds: tuple[str, ...] = KINDS
    with_redis: bool = True
    planned: tuple[PlannedKill, ...] = ()
    """The kills. Without any they are drawn by the seed, over so many seconds."""
    last_words_s: float = LAST_WORDS_S
    """After the last kill callers go on for so long, and finish what they are saying and hearing then."""


@dataclass
class ChaosResult:
    """What came of it."""

    plan: ChaosPlan
    kills: list[Kill] = field(default_factory=list)
    calls: list[CallVerdict] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """Everything that must not be, in sentences."""
        return [f"{call.room}: {each}" for call in self.calls for each in call.wrong] + [
            f"left over: {each}" for each in self.left_over
        ]


Tell = Callable[[str], None]


async def chaos(plan_of_it: ChaosPlan, folder: Path, tell: Tell = lambda _: None) -> ChaosResult:
    """Run it to its end."""
    result = ChaosResult(plan_of_it)
    async with fleet(folder, workers=plan_of_it.workers, with_redis=plan_of_it.with_redis) as made:
        before = len(made.processes())
        calls = await talk_and_kill(made, result, tell)
        result.left_over = await made.left_over(before)
    # the emulator has ended: its recordings are complete
    taken = callers_of(dict(taken_words(folder)))
    complete = [replace(call, taken=tuple(taken.get(call.caller, ()))) for call in calls]
    (folder / "calls.txt").write_text(repr((complete, result.kills)))
    result.calls = [judge(call, result.kills) for call in complete]
    return result


async def talk_and_kill(made: Fleet, result: ChaosResult, tell: Tell) -> list[CallEvidence]:
    """All callers, and the kills as soon as each of them has been answered once."""
    asked, calls, over = result.plan, dict[str, object](), asyncio.Event()
    talkers = [
        Talker(number, made.server, AGENT_NAME, calls, random.Random(asked.seed * 1000 + number))
        for number in range(asked.callers)
    ]
    dice = random.Random(asked.seed)
    killer = Killer(made, calls, dice, result.kills)
    async with asyncio.TaskGroup() as tasks:
        for talker in talkers:
            tasks.create_task(talker.run(over), name=f"caller {talker.number}")
            await asyncio.sleep(_STARTS_APART_S)
        await until(lambda: len(made.answering) >= asked.callers, within_s=_ANSWERED_WITHIN_S)
        planned = list(asked.planned or plan(dice, asked.seconds - asked.last_words_s, asked.kinds))
        tell(f"{len(planned)} kills are planned")
        await killer.run(planned, tell)
        await asyncio.sleep(asked.last_words_s)
        over.set()
    return [call for talker in talkers for call in talker.found]


def taken_words(folder: Path) -> Iterator[tuple[str, list[Stretch]]]:
    """What the emulator heard on each connection."""
    for line in (folder / "journal.jsonl").read_text().splitlines():
        if '"setup"' not in line:
            continue
        entry = json.loads(line)
        path = folder / "heard" / f"{entry['session']}.wav"
        if "setup" in entry["message"] and path.exists():
            samples = read_wav(path, sample_rate_hz=_HEARD_RATE_HZ)
            yield (
                entry["session"],
                [
                    Stretch(one.marker, entry["t"] + one.start_s, entry["t"] + one.end_s)
                    for one in read(samples, sample_rate_hz=_HEARD_RATE_HZ)
                ],
            )
