"""The rows in which livekit-server ends under a call and is started again."""

import signal

from caller import AgentTrack
from tests.e2e.faults.acts import Act
from tests.e2e.faults.sentences import FIRST, QUESTIONS, SECOND
from tests.e2e.faults.stage import Stage

BACK_WITHIN_S = 8.0
"""From livekit-server's return to the caller and the agent in one room. Then the caller asks."""


def livekit_away(number: signal.Signals, seconds: float) -> Act:
    """End livekit-server by a signal while nobody speaks, and start it again after so many seconds.

    The caller asks as soon as both are back. The answer shows whether the conversation is remembered.
    """

    async def act(stage: Stage) -> None:
        await stage.greeted()
        await stage.asks(QUESTIONS[0], FIRST)
        stage.struck()
        await stage.rig.livekit.end(number)
        await stage.caller_pauses(seconds)
        await stage.rig.livekit.start()
        stage.back()
        await stage.reunited(within_s=BACK_WITHIN_S)
        await stage.asks(QUESTIONS[1], SECOND)
        agents = {event.identity for event in stage.caller.log if isinstance(event, AgentTrack)}
        if len(agents) != 1:
            stage.wrong.append(f"{len(agents)} agents in one call")

    return act
