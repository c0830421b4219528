"""`lk agent start|dev|console|simulate`, as LiveKit's CLI starts this repository's agent and talks with it."""

import json
import re
import signal
import sys
from contextlib import AsyncExitStack

import numpy as np
import pytest
from livekit import api, rtc
from livekit.agents.voice.remote_session import RemoteSession
from livekit.protocol.agent_pb import agent_session

from caller import AgentSilent, AgentSound
from demo.parts import Part, Program, running
from tests.e2e.conftest import GREETING
from tests.e2e.lk import RATE_HZ, listening_console, listening_dev
from tests.e2e.stack import API_KEY, API_SECRET, ROOT, Gemini, Sfu, until, worker_environment

pytestmark = pytest.mark.long
PYTHON = (sys.executable, "-m", "livekit.agents")
"""What lk runs, in the repository's root, with a path of the file that it has found."""


def launched(name: str, *words: str, environment: dict[str, str], ready: str = "registered worker") -> Program:
    return Program(name, [*PYTHON, *words], environment, re.compile(ready), folder=ROOT)


async def exits_with(part: Part, code: int) -> None:
    assert await part.ended() == code, part.last_lines


async def test_start_answers_calls_and_drains(server: Sfu, model: Gemini) -> None:
    environment = worker_environment(server, model, AGENT_NAME="lk-start")
    async with running(launched("lk", "start", "agent.py", "--log-level", "INFO", environment=environment)) as part:
        await part.ready()
        async with server.caller("lk-start", agent_name="lk-start") as caller:
            await caller.first(AgentSilent, within_s=30)
            part.signal(signal.SIGINT)
            await part.says("draining worker")
            mark = len(caller.log)
            await caller.send_text("still there?")
            await caller.first(AgentSilent, since=mark, within_s=15)
        await exits_with(part, 0)


async def test_credentials_of_the_command_line_win_and_a_refusal_ends_with_2(server: Sfu, model: Gemini) -> None:
    environment = worker_environment(server, model, AGENT_NAME="lk-keys", LIVEKIT_URL="ws://127.0.0.1:9")
    words = ("start", "agent.py", "--url", server.url, "--api-key", API_KEY, "--api-secret", f"{API_SECRET}-other")
    async with running(launched("lk", *words, environment=environment)) as part:
        await part.says("LIVEKIT_API_SECRET is '***'")
        await exits_with(part, 2)


async def test_a_worker_that_gives_up_ends_with_1(model: Gemini) -> None:
    environment = worker_environment(Sfu("ws://127.0.0.1:9"), model, LIVEKIT_CONNECT_RETRIES="1")
    async with running(launched("lk", "start", "agent.py", environment=environment)) as part:
        await exits_with(part, 1)


async def test_dev_hands_a_running_call_to_the_next_worker(server: Sfu, model: Gemini) -> None:
    """As at a saved change: the jobs are asked for, the old worker ends, and the new one goes on with the call."""
    environment = worker_environment(server, model, AGENT_NAME="lk-dev")
    async with listening_dev() as (address, channel), AsyncExitStack() as calls:
        program = launched(
            *("lk", "start", "agent.py", "--dev", "--log-level", "DEBUG", "--cli-addr", address), environment=environment
        )
        async with running(program) as old:
            await old.ready()
            caller = await calls.enter_async_context(server.caller("lk-dev", agent_name="lk-dev"))
            await caller.first(AgentSilent, within_s=30)
            assert await channel.take_jobs() == 1
            old.signal(signal.SIGINT)
            await old.ended()
        mark = len(caller.log)
        async with running(program) as new:
            await new.ready()
            await new.says("reloading 1 job")
            await caller.first(AgentSound, since=mark, within_s=30)
    assert [(agent.agent_name, agent.url) for agent in channel.agents] == [("lk-dev", server.url)] * 2


async def test_the_console_in_text_and_in_sound(server: Sfu, model: Gemini) -> None:
    """Without PortAudio, a room or a LiveKit server: lk plays and records."""
    environment = worker_environment(server, model) | {"LIVEKIT_URL": "ws://127.0.0.1:9"}
    async with listening_console() as (address, connected):
        words = ("lk", "console", "agent.py", "--connect-addr", address)
        async with running(launched(*words, environment=environment, ready="call started")) as part:
            await part.ready()
            console = await connected
            info = await console.ask(agent_session.SessionRequest(get_agent_info={}))
            assert "local_time" in info.get_agent_info.tools
            await console.until(
                lambda: any(GREETING in event.SerializeToString().decode(errors="ignore") for event in console.events)
            )
            heard = np.frombuffer(bytes(console.sound), dtype=np.int16)
            assert len(heard) / RATE_HZ > 1, "the greeting is heard"
            assert np.abs(heard.astype(int)).max() > 1000
            answer = await console.ask(agent_session.SessionRequest(run_input={"text": "switch on the lights"}))
            assert not answer.error
            assert "The lights are on." in answer.run_input.SerializeToString().decode(errors="ignore")
            part.signal(signal.SIGINT)
            await part.says("call ended")


async def test_a_simulated_call_is_driven_through_the_session_host(server: Sfu, model: Gemini) -> None:
    """The dispatch of `lk agent simulate` carries an attribute; the call then needs no listener and no sound."""
    environment = worker_environment(server, model, AGENT_NAME="lk-simulated")
    words = ("start", "agent.py", "--simulation", "--log-format", "colored", "--log-level", "DEBUG")
    async with running(launched("lk", *words, environment=environment)) as part:
        await part.ready()
        async with api.LiveKitAPI(server.http_url, API_KEY, API_SECRET) as livekit:
            await livekit.room.create_room(api.CreateRoomRequest(name="lk-simulated"))
            await livekit.agent_dispatch.create_dispatch(
                api.CreateAgentDispatchRequest(
                    agent_name="lk-simulated",
                    room="lk-simulated",
                    attributes={"lk.simulator.dispatch": json.dumps({"simulationRunId": "run", "mode": "text"})},
                )
            )
        room = rtc.Room()
        await room.connect(server.url, server.token("lk-simulated", "simulator", agent_name="nobody"))
        try:
            await until(
                lambda: any(one.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT for one in room.remote_participants.values())
            )
            simulator = RemoteSession.from_room(room, *room.remote_participants)
            await simulator.start()
            await part.says("call started")
            answer = await simulator.run("switch on the lights", timeout=30)
            assert "The lights are on." in str(answer)
            await simulator.aclose()
        finally:
            await room.disconnect()
