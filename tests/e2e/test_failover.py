"""Calls whose process is killed in the middle of an answer, judged at the caller's ear."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from livekit import api

from caller import AgentSilent, AgentSound, AgentTrack, Caller, Caption, RoomEvent
from demo.parts import Part
from tests.e2e.stack import Gemini, Sfu, emulator, until, worker

pytestmark = pytest.mark.sound

AGENT_NAME = "survivor"
BACK_WITHIN_S = 3.0
"""From the kill of the process to the next sound of the agent's voice."""


def pid_of_call(part: Part, room: str) -> int:
    """The process that answers in that room, as the worker's log has it."""
    lines = [json.loads(line) for line in part.lines if line.startswith("{") and '"call started"' in line]
    return int(next(line["pid"] for line in reversed(lines) if line.get("room") == room))


async def asked(caller: Caller, text: str) -> str:
    """Type this, and return what the agent says to it."""
    since = len(caller.log)
    await caller.send_text(text)
    answer = await caller.first(
        Caption, since=since, within_s=20, where=lambda caption: caption.who == "agent" and caption.final
    )
    return answer.text


async def dispatch_again(server: Sfu, room: str, ghost: str) -> None:
    """What a watch does once it has claimed the lease of a call: the dead process's agent goes, and a new job comes."""
    async with server.api() as livekit:
        await livekit.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=ghost))
        await livekit.agent_dispatch.create_dispatch(api.CreateAgentDispatchRequest(agent_name=AGENT_NAME, room=room))


async def test_the_caller_of_a_process_that_is_killed_in_an_answer_hears_the_agent_go_on(
    server: Sfu, tmp_path: Path, room: str
) -> None:
    """Within 3 s the voice is back, without a greeting; what was said before is known, and no agent but one is there."""
    settings = {"AGENT_NAME": AGENT_NAME, "FAILOVER_DIR": str(tmp_path / "calls")}
    async with emulator(tmp_path, "--script", "auto") as model, worker(server, model, **settings) as part:
        async with server.caller(room, agent_name=AGENT_NAME) as caller:
            agent = await caller.first(AgentTrack, within_s=20)
            await caller.first(AgentSilent, within_s=20)
            greeting = next(event.text for event in caller.log if isinstance(event, Caption) and event.final)
            await asked(caller, "My number is 4711.")
            await caller.first(AgentSilent, since=len(caller.log), within_s=10)
            since = len(caller.log)
            await caller.send_text("Tell me a story.")
            await caller.first(AgentSound, since=since, within_s=10)
            killed_at = time.monotonic()
            since = len(caller.log)
            os.kill(pid_of_call(part, room), signal.SIGKILL)
            await dispatch_again(server, room, agent.identity)
            try:
              await caller.first(RoomEvent, since=since, within_s=8, where=lambda e: e.body["type"]=="resumed")
              print("ANSWER", await asked(caller, "What is my number?"))
            finally:
              for line in part.lines[-40:]: print(line[:600])
              for event in caller.log[since:]: print(round(event.t-killed_at,2), event)
            voice = await caller.first(AgentSound, since=since, within_s=3, where=lambda sound: sound.t > killed_at + 0.3)
            print(f"kill -9 to voice: {voice.t - killed_at:.2f} s")
            for event in caller.log:
                print(event)
            assert voice.t - killed_at < BACK_WITHIN_S
