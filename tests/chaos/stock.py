"""What the caller of LiveKit's own example hears after the kill -9 of its process, on the same livekit-server and model."""

import asyncio
import contextlib
import os
import secrets
import signal

import psutil

from caller import AgentSound, CallEndedError, Caller, NotHeardError
from tests.chaos.fleet import STOCK_NAME, Fleet, stock_worker
from tests.chaos.programs import LastingProgram
from tests.chaos.words import question
from tests.e2e.faults.sentences import question as sound_of

LISTENS_S = 30.0
"""So long is listened for a voice after the kill."""
_INTO_THE_ANSWER_S = 1.5
_AT_THE_EAR_S = 0.6


async def stock_silence_s(made: Fleet) -> float | None:
    """Seconds from the kill to the agent's next sound; None: there was none within LISTENS_S."""
    async with stock_worker(made) as worker:
        room = f"stock-{secrets.token_hex(3)}"
        async with Caller(made.server.url, made.server.token(room, "caller", agent_name=STOCK_NAME)) as caller:
            await caller.first(AgentSound, within_s=40)
            await caller.quiet(for_s=1, within_s=20)
            mark = len(caller.log)
            await caller.say(sound_of(question(0, 0)))
            await caller.first(AgentSound, since=mark, within_s=20)
            await asyncio.sleep(_INTO_THE_ANSWER_S)
            killed_at, mark = caller.now, len(caller.log)
            os.kill(_process_of_the_call(worker), signal.SIGKILL)
            with contextlib.suppress(NotHeardError, CallEndedError):
                sound = await caller.first(
                    AgentSound, since=mark, within_s=LISTENS_S, where=lambda sound: sound.t > killed_at + _AT_THE_EAR_S
                )
                return sound.t - killed_at
            return None


def _process_of_the_call(worker: LastingProgram) -> int:
    """The only process of the worker that has sockets for media."""
    children = psutil.Process(worker.pid).children(recursive=True)
    return max(children, key=lambda child: len(child.net_connections(kind="udp"))).pid
