"""The rows in which processes are killed: that of the call, and whole workers."""

import json
import os
import secrets
import signal

from tests.chaos.kills import WORKER, PlannedKill
from tests.chaos.run import LAST_WORDS_S, ChaosPlan, chaos
from tests.e2e.faults.judge import Verdict
from tests.e2e.faults.rig import Rig
from tests.e2e.faults.sentences import FIRST, QUESTIONS, SECOND
from tests.e2e.faults.stage import Stage

_KILLED_AT_S = 6.0
"""Seconds from the beginning of the call to the kill: the caller has asked, and listens."""
_LISTENS_S = 40.0
"""So long the caller waits for a worker that starts again."""


async def job_killed(stage: Stage) -> None:
    """Kill the process of the call in its first answer."""
    await stage.greeted()
    await stage.says(QUESTIONS[0], FIRST)
    await stage.begins(FIRST, after_s=1.0)
    part, _ = await stage.rig.agent("earshot")
    started = [json.loads(line) for line in part.lines if '"call started"' in line and stage.room in line]
    stage.struck()
    os.kill(int(started[-1]["pid"]), signal.SIGKILL)
    await stage.hears(FIRST, within_s=20)
    await stage.asks(QUESTIONS[1], SECOND)


async def worker_killed(rig: Rig, _agent: str) -> Verdict:
    """Kill a worker while another one runs."""
    return await _killed(rig, workers=2, most_ms=4000)


async def worker_killed_alone(rig: Rig, _agent: str) -> Verdict:
    """Kill the only worker, which is started again after 3 s."""
    return await _killed(rig, workers=1, most_ms=10_000, listens_s=_LISTENS_S)


async def _killed(rig: Rig, *, workers: int, most_ms: float, listens_s: float = LAST_WORDS_S) -> Verdict:
    """The pause is the silence from the kill to the voice."""
    folder = rig.folder / f"killed-{secrets.token_hex(3)}"
    folder.mkdir()
    kills = (PlannedKill(_KILLED_AT_S, WORKER),)
    plan = ChaosPlan(secrets.randbelow(1000), _KILLED_AT_S, callers=1, workers=workers, planned=kills, last_words_s=listens_s)
    result = await chaos(plan, folder)
    effects = [effect for call in result.calls for effect in call.effects]
    silences_ms = [1000 * (effect.silence_s or 0.0) for effect in effects]
    agents = [word for effect in effects for word in effect.agents_words]
    callers = [word for effect in effects for word in effect.callers_words]
    wrong = [*result.wrong, *([] if effects else ["the worker had no call when it was killed"])]
    wrong += [f"a silence of {silence_ms:.0f} ms, over {most_ms:.0f}" for silence_ms in silences_ms if silence_ms > most_ms]
    return Verdict(max(silences_ms, default=0.0), 0.0, None, None, agents, callers, 0.0, [], wrong)
