"""A small chaos run: two workers, two callers, and a kill of a call's process and of a worker."""

from pathlib import Path

import pytest

from tests.chaos.kills import JOB, WORKER, PlannedKill
from tests.chaos.run import ChaosPlan, chaos

pytestmark = [pytest.mark.sound, pytest.mark.timeout(180)]


async def test_calls_go_on_after_the_kill_of_a_process_and_of_a_worker(tmp_path: Path) -> None:
    """No word is lost but what was on its way, no call is lost, no two agents speak at once, and nothing is left."""
    kills = (PlannedKill(3, JOB), PlannedKill(11, WORKER))
    result = await chaos(ChaosPlan(seed=3, seconds=20, callers=2, workers=2, planned=kills), tmp_path)
    assert {kill.kind for kill in result.kills} == {JOB, WORKER}
    assert result.wrong == []
