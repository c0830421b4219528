"""livekit-server is killed and started again under a caller who talks on."""

import asyncio
import signal
from pathlib import Path

import pytest

from caller import AgentSilent, AgentSound, Caption, SpeechStart
from caller.caller import SAMPLE_RATE_HZ
from speech import synthesize
from tests.e2e.faults.pipe import piped
from tests.e2e.stack import Sfu, emulator, sfu, sfu_part, until, worker

NAME = "returns-later"
ROOM = "returns-first"
WHILE_KILLED = synthesize("I say this while the server is killed, and nobody may hear it.", sample_rate_hz=SAMPLE_RATE_HZ)
QUESTION = synthesize("Can you hear me again?", sample_rate_hz=SAMPLE_RATE_HZ)


async def has(server: Sfu, *identities: str) -> bool:
    found = {identity.partition("-")[0]: speaks for identity, speaks in (await server.voices(ROOM)).items()}
    return found == dict.fromkeys(identities, True)


@pytest.mark.long
@pytest.mark.sound
async def test_a_caller_who_is_back_before_the_agent_is_heard(tmp_path: Path) -> None:
    """The worker's way to the server stays closed until the caller's microphone is there again."""
    settings = {"AGENT_NAME": NAME, "FAILOVER_DIR": str(tmp_path / "calls")}
    async with emulator(tmp_path, "--script", "auto") as model, sfu_part() as (server, livekit):
        port = int(server.url.rpartition(":")[2])
        async with (
            piped(port) as way,
            worker(Sfu(f"ws://127.0.0.1:{way.port}"), model, **settings),
            server.caller(ROOM, agent_name=NAME) as caller,
            asyncio.TaskGroup() as tasks,
        ):
            await caller.first(AgentSilent, within_s=30)
            since = len(caller.log)
            talking = tasks.create_task(caller.say(WHILE_KILLED))
            await caller.first(SpeechStart, since=since, within_s=5)
            way.refuse()
            livekit.signal(signal.SIGKILL)
            await livekit.ended()
            async with sfu(port):
                await until(lambda: has(server, "caller"), within_s=60)
                await way.listen()
                await until(lambda: has(server, "agent", "caller"), within_s=60)
                await talking
                await caller.quiet(for_s=2, within_s=40)
                since = len(caller.log)
                await caller.say(QUESTION)
                await caller.first(Caption, since=since, within_s=20, where=lambda caption: caption.who == "caller")
                await caller.first(AgentSound, since=since, within_s=20)
