"""One run of one row: the call, then the verdict on it."""

import dataclasses
import json
import secrets
from collections.abc import Iterable

from caller import CallerError
from tests.e2e.faults.bounds import Bounds
from tests.e2e.faults.judge import Verdict, judge
from tests.e2e.faults.private import private_texts
from tests.e2e.faults.rig import Rig, RigError
from tests.e2e.faults.rows import ROWS, Row
from tests.e2e.faults.stage import Stage, evidence_of, staged
from tests.e2e.faults.timeline import timeline

CONTROL = ROWS[0]
_AS_USUAL_S = 1.5


async def run(row: Row, rig: Rig) -> Verdict:
    """Run a row; against the answer's usual time, which is measured first if it isn't known yet.

    Private text in what an operator sees of the workers is out of bounds in each row.
    """
    verdict = await _run(row, rig)
    shown = await rig.shown()
    verdict.wrong.extend(private_texts(shown))
    if row.alone is None and row.agent != "stock" and not (shown.log and any(shown.metrics) and shown.spans):
        verdict.wrong.append("there is no log, no metric or no span in which private text could be")
    return verdict


async def _run(row: Row, rig: Rig) -> Verdict:
    if row.alone is not None:
        try:
            return await row.alone(rig, row.agent)
        except TimeoutError:
            return Verdict(0.0, 0.0, None, None, [], [], 0.0, [], ["what the row waits for didn't come about"])
    kind = "stock" if row.agent == "stock" else "ours"
    if kind not in rig.usual_wait_s and row.act is not CONTROL.act:
        await run(dataclasses.replace(CONTROL, agent=row.agent, bounds=_as_told_by(row)), rig)
    part, _ = await rig.agent(row.agent)
    before = rig.switched.read_text().split()
    stage, wrong = await _call(row, rig)
    evidence = evidence_of(stage, await rig.left_over(stage.room, row.agent))
    verdict = judge(evidence, row.bounds, usual_wait_s=rig.usual_wait_s.get(kind, _AS_USUAL_S))
    if row.act is CONTROL.act and verdict.passed:
        rig.usual_wait_s[kind] = verdict.wait_s
    switched = tuple(rig.switched.read_text().split()[len(before) :])
    if switched != row.switched:
        wrong.append(f"tools did {switched} instead of {row.switched}")
    logged = _logged(part.lines, stage.room)
    if (row.bounds.causes and not row.bounds.causes & logged) or row.bounds.named - logged:
        wrong.append("no line of the log names the cause")
    verdict.wrong.extend(wrong)
    verdict.timeline.extend(timeline(rig, stage, list(part.lines)))
    return verdict


async def _call(row: Row, rig: Rig) -> tuple[Stage, list[str]]:
    """The call itself, and what went wrong beside what the judge can see."""
    assert row.act is not None
    await rig.agent(row.agent)
    for fault in row.before:
        await rig.breaks(**fault)
    try:
        async with staged(rig, f"fault-{row.number}-{secrets.token_hex(3)}", row.agent) as stage:
            try:
                await row.act(stage)
            except (CallerError, RigError) as error:
                stage.wrong.append(f"the call broke: {error}")
        stage.look_back()
    finally:
        asked = await rig.mend()
    missing = [f"the fault {fault['name']} never happened" for fault in asked if not fault["happened"]]
    return stage, [*stage.wrong, *missing]


def _as_told_by(row: Row) -> Bounds:
    return dataclasses.replace(CONTROL.bounds, causes=row.bounds.causes and CONTROL.bounds.causes)


def _logged(lines: Iterable[str], room: str) -> set[str]:
    """The causes that a worker's log names for a room."""
    entries = [json.loads(line) for line in lines if room in line and line.startswith("{")]
    return {str(entry.get("cause")) for entry in entries if entry["name"] == "earshot.link"}
