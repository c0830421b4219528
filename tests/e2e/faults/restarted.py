"""The rows in which livekit-server ends under a call and is started again."""

import signal
from collections.abc import Sequence

from caller import AgentTrack
from tests.e2e.faults.acts import Act
from tests.e2e.faults.sentences import FIRST, QUESTIONS, SECOND, STORY
from tests.e2e.faults.stage import Stage

STOPPED = (signal.SIGTERM, signal.SIGKILL)
"""As systemd and Docker do it: livekit-server waits after SIGTERM until all rooms are empty, so it is killed in the end."""
KILLED = (signal.SIGKILL,)
AWAY_S = 2.0
BACK_WITHIN_S = 8.0
"""From livekit-server's return to the caller and the agent in one room."""
ASKS_AFTER_S = 1.0
"""Then the caller asks: what is said before the agent has subscribed to the caller's track is not heard."""


def livekit_away(numbers: Sequence[signal.Signals], seconds: float) -> Act:
    """End livekit-server by signals while nobody speaks, and start it again after so many seconds.

    The caller asks when both are back. The answer shows whether the conversation is remembered.
    """

    async def act(stage: Stage) -> None:
        await stage.greeted()
        await stage.asks(QUESTIONS[0], FIRST)
        await _ends_and_starts(stage, numbers, seconds)
        stage.back()
        await stage.reunited(within_s=BACK_WITHIN_S)
        await stage.caller_pauses(ASKS_AFTER_S)
        await stage.asks(QUESTIONS[1], SECOND)
        _one_agent(stage)

    return act


async def livekit_away_in_answer(stage: Stage) -> None:
    """End livekit-server in a long answer, and start it again after 2 s."""
    await stage.greeted()
    await stage.types("Tell me the story", STORY)
    await stage.begins(STORY, after_s=1.0)
    await _ends_and_starts(stage, KILLED, AWAY_S)
    await stage.reunited(within_s=BACK_WITHIN_S)
    await stage.hears(STORY, within_s=30)
    await stage.asks(QUESTIONS[0], FIRST)
    _one_agent(stage)


async def _ends_and_starts(stage: Stage, numbers: Sequence[signal.Signals], seconds: float) -> None:
    stage.struck()
    await stage.rig.livekit.end(*numbers)
    await stage.caller_pauses(seconds)
    await stage.rig.livekit.start()


def _one_agent(stage: Stage) -> None:
    agents = {event.identity for event in stage.caller.log if isinstance(event, AgentTrack)}
    if len(agents) != 1:
        stage.wrong.append(f"{len(agents)} agents in one call")
