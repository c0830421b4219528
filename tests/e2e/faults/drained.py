"""The rows in which a worker is told to end while it has calls: by one SIGTERM, and by two."""

import asyncio
import secrets
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack

from demo.parts import Part
from tests.e2e.faults.bounds import Bounds
from tests.e2e.faults.judge import Verdict, all_of, judge
from tests.e2e.faults.rig import Rig
from tests.e2e.faults.sentences import FIRST, QUESTIONS, SECOND, STORY
from tests.e2e.faults.stage import Stage, evidence_of
from tests.e2e.faults.timeline import timeline
from tests.e2e.stack import until

_NAME = "drained"
_QUESTIONS = (*QUESTIONS, range(60, 70), range(70, 80), range(80, 90))
"""Two for each of the three callers: the emulator hears all of them, and each word has to be known as one caller's."""
_CALLERS = 3
_LOOK_S = 0.4
"""Four calls and two workers leave two cores little time for the test itself."""
_USUAL_WAIT_S = 0.9
"""From a question to its answer, where nothing breaks."""
_ENDS_WITHIN_S = 20.0
"""From the last caller's leaving to the worker's end."""
_RESTS_WITHIN_S = 30.0
"""After the calls no connection holds a session of Gemini any more."""
_HURRIES_WITHIN_S = 10.0
"""From the second SIGTERM to the worker's end."""


async def worker_drain(rig: Rig, _agent: str) -> Verdict:
    """SIGTERM while three callers hear a long answer. Another worker runs, and gets the next caller."""
    async with AsyncExitStack() as stack:
        leaving, staying, stages = await _calls(rig, stack, _CALLERS)
        for stage in stages:
            stage.struck()
        leaving.signal(signal.SIGTERM)
        newcomer = await _joins(rig, stack)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(newcomer.greeted())
            for number, stage in enumerate(stages):
                tasks.create_task(_goes_on(stage, _QUESTIONS[2 * number + 1]))
        wrong = [] if _has_answered(staying, newcomer) else ["the new caller was not answered by the other worker"]
        for stage in stages:
            await stage.caller.leave()
        wrong += await _ended(leaving, _ENDS_WITHIN_S)
        await newcomer.caller.leave()
    await until(rig.is_free, within_s=_RESTS_WITHIN_S)
    calm = Bounds(causes=None, greeting_s=8.0)
    return _verdict(rig, dict.fromkeys((*stages, newcomer), calm), leaving, wrong)


async def worker_hurried(rig: Rig, _agent: str) -> Verdict:
    """Two SIGTERMs while a caller hears a long answer; another worker goes on with it."""
    async with AsyncExitStack() as stack:
        leaving, _, [stage] = await _calls(rig, stack, 1)
        stage.struck()
        leaving.signal(signal.SIGTERM)
        await stage.caller_pauses(0.5)
        leaving.signal(signal.SIGTERM)
        async with asyncio.TaskGroup() as tasks:
            ending = tasks.create_task(_ended(leaving, _HURRIES_WITHIN_S))
            await _goes_on(stage, _QUESTIONS[1])
        await stage.caller.leave()
    await until(rig.is_free, within_s=_RESTS_WITHIN_S)
    bounds = Bounds(causes=None, gap_ms=4000, silent_s=4.5, repeated_s=1.5, in_flight=5)
    return _verdict(rig, {stage: bounds}, leaving, ending.result())


async def _calls(rig: Rig, stack: AsyncExitStack, callers: int) -> tuple[Part, Part, list[Stage]]:
    """A worker with so many calls, in each of which a long answer has begun, and one that was started after them."""
    leaving = await stack.enter_async_context(rig.sharing_worker(_NAME, IDLE_PROCESSES=str(callers)))
    stages = [await _joins(rig, stack) for _ in range(callers)]
    await asyncio.gather(*(stage.greeted() for stage in stages))
    for number, stage in enumerate(stages):
        await stage.asks(_QUESTIONS[2 * number], FIRST)
    staying = await stack.enter_async_context(rig.sharing_worker(_NAME))
    for stage in stages:
        await stage.types("Tell me the story", STORY)
    await asyncio.gather(*(stage.begins(STORY, after_s=1.0) for stage in stages))
    return leaving, staying, stages


async def _joins(rig: Rig, stack: AsyncExitStack) -> Stage:
    room = f"fault-29-{secrets.token_hex(3)}"
    return Stage(rig, await stack.enter_async_context(rig.server.caller(room, agent_name=_NAME)), room, look_s=_LOOK_S)


async def _goes_on(stage: Stage, question: range) -> None:
    await stage.hears(STORY, within_s=30)
    await stage.asks(question, SECOND)


def _has_answered(part: Part, stage: Stage) -> bool:
    return any('"call started"' in line and stage.room in line for line in part.lines)


async def _ended(part: Part, within_s: float) -> list[str]:
    """Wait for the worker's end; returns what was wrong with it."""
    try:
        async with asyncio.timeout(within_s):
            code = await part.ended()
    except TimeoutError:
        return [f"the worker had not ended after {within_s:g} s"]
    return [f"the worker ended with exit code {code}"] if code else []


def _verdict(rig: Rig, bounds: dict[Stage, Bounds], leaving: Part, wrong: Sequence[str]) -> Verdict:
    verdicts = []
    for stage, most in bounds.items():
        verdict = judge(evidence_of(stage), most, usual_wait_s=rig.usual_wait_s.get("ours", _USUAL_WAIT_S))
        verdict.wrong.extend(stage.wrong)
        verdict.timeline.extend(timeline(rig, stage, list(leaving.lines)))
        verdicts.append(verdict)
    return all_of(verdicts, wrong)
