"""The model table holds: each model takes the settings that docs/live.md says it takes, and refuses the others.

The setups are asked for on the wire, a session for each, without a call. What the table calls "not known" is left out.
"""

import asyncio

import pytest

from agent.gemini import check_live, features_of, refusals
from emulator.profile import Profile
from tests.agent.gemini.test_live_refusals import TABLES
from tests.e2e.real.gemini import CONVERSING, Served

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

NOT_KNOWN = {"transcription"}
AT_ONCE = 3
"""Sessions at a time: a key has few."""


@pytest.mark.parametrize("profile", CONVERSING, ids=lambda profile: profile.name)
async def test_a_model_takes_what_the_table_says_and_refuses_the_rest(served: Served, profile: Profile) -> None:
    await served.skip_unless_served(profile)
    features = features_of(profile.model, vertex=profile.vertex)
    places = asyncio.Semaphore(AT_ONCE)

    async def is_refused(name: str) -> bool:
        async with places:
            trial = await served.tried(profile, check_live(TABLES[name]))
            assert trial.cause is None or trial.is_final, f"{name}: {trial.reason}"
            return trial.cause is not None

    names = [name for name in TABLES if name not in NOT_KNOWN]
    async with asyncio.TaskGroup() as group:
        asked = {name: group.create_task(is_refused(name)) for name in names}
    found = {name for name, task in asked.items() if task.result()}
    said = {name for name in names if list(refusals(check_live(TABLES[name]), features, None, sees=True))}
    assert found == said
