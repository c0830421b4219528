"""One run of one row: the call, then the verdict on it."""

import dataclasses
import secrets

from caller import CallerError
from tests.e2e.faults.judge import Verdict, judge
from tests.e2e.faults.rig import Rig, RigError
from tests.e2e.faults.rows import BY_NUMBER, Row
from tests.e2e.faults.stage import evidence_of, staged


async def run(row: Row, rig: Rig) -> Verdict:
    """Run a row; against the answer's usual time, which is measured first if it isn't known yet."""
    if row.agent not in rig.usual_wait_s and row.act is not BY_NUMBER["0"].act:
        await run(dataclasses.replace(BY_NUMBER["0"], agent=row.agent), rig)
    await rig.agent(row.agent)
    before = rig.switched.read_text().split()
    for fault in row.before:
        await rig.breaks(**fault)
    try:
        async with staged(rig, f"fault-{row.number}-{secrets.token_hex(3)}", row.agent) as stage:
            try:
                await row.act(stage)
            except (CallerError, RigError) as error:
                stage.wrong.append(f"the call broke: {error}")
    finally:
        asked = await rig.mend()
    evidence = await evidence_of(stage, row.agent)
    usual_wait_s = rig.usual_wait_s.get(row.agent, 1.5)
    verdict = judge(evidence, row.bounds, usual_wait_s=usual_wait_s)
    if row.act is BY_NUMBER["0"].act and verdict.passed:
        rig.usual_wait_s[row.agent] = verdict.wait_s
    verdict.wrong.extend(stage.wrong)
    verdict.wrong.extend(f"the fault {fault['name']} never happened" for fault in asked if not fault["happened"])
    switched = tuple(rig.switched.read_text().split()[len(before) :])
    if switched != row.switched:
        verdict.wrong.append(f"tools did {switched} instead of {row.switched}")
    return verdict
