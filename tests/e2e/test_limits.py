"""Calls in which something never comes: each ends by itself, in time, and says why."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from livekit import api

from caller import AgentSilent, AgentSound, AgentTrack, Caller, Caption, Left, RoomEvent
from caller.caller import SAMPLE_RATE_HZ
from demo.parts import Part
from speech import synthesize
from tests.e2e.conftest import SCRIPT
from tests.e2e.stack import Gemini, Sfu, gemini, worker

pytestmark = pytest.mark.sound

GOODBYE = "Goodbye, and thank you for calling."
PATIENCE = {
    "AGENT_NAME": "impatient",
    "CALLER_JOIN_S": "3",
    "CALLER_RETURN_S": "3",
    "CALLER_SILENCE_S": "4",
    "ANSWER_S": "5",
    "LONGEST_CALL_S": "20",
    "GOODBYE_S": "6",
}


@pytest.fixture(scope="module")
async def impatient(server: Sfu, model: Gemini) -> AsyncIterator[Part]:
    async with worker(server, model, **PATIENCE) as part:
        yield part


async def ended_because(caller: Caller, within_s: float) -> str:
    """Wait for the end; returns the reason that the room was told."""
    left = await caller.first(Left, within_s=within_s)
    assert left.reason == "ROOM_DELETED"
    [event] = [event.body for event in caller.log if isinstance(event, RoomEvent) and event.body["type"] == "call_ended"]
    return str(event["reason"])


async def test_a_caller_who_never_speaks_hears_a_goodbye(server: Sfu, impatient: Part, room: str) -> None:
    async with server.caller(room, agent_name="impatient") as caller:
        assert await ended_because(caller, 30) == "silence"
        assert [caption.text for caption in caller.log if isinstance(caption, Caption) and caption.final][-1] == GOODBYE
    await impatient.says("call ended: nobody said anything")


@pytest.mark.long
async def test_a_caller_who_speaks_for_longer_than_the_silence_may_last_is_heard_out(
    server: Sfu, impatient: Part, room: str
) -> None:
    """Their words come only when they have finished; that they speak is known before."""
    words = " ".join(["and so I went on and on about it"] * 5)
    speech = synthesize(words, sample_rate_hz=SAMPLE_RATE_HZ)
    assert len(speech) / SAMPLE_RATE_HZ > float(PATIENCE["CALLER_SILENCE_S"]) + 2
    async with server.caller(room, agent_name="impatient") as caller:
        await caller.first(AgentSilent, within_s=15)
        mark = len(caller.log)
        await caller.say(speech, text=words)
        assert not any(isinstance(event, AgentSound | Left) for event in caller.log[mark:])
        await caller.first(AgentSound, since=mark, within_s=10)


@pytest.mark.long
async def test_the_longest_call_ends_with_a_goodbye(server: Sfu, impatient: Part, room: str) -> None:
    async with server.caller(room, agent_name="impatient") as caller:
        await caller.first(AgentSilent, within_s=15)
        await caller.send_text("story")
        await caller.first(AgentSilent, within_s=25, since=len(caller.log))
        await caller.send_text("another story, please")
        assert await ended_because(caller, 40) == "too_long"
        assert [caption.text for caption in caller.log if isinstance(caption, Caption) and caption.final][-1] == GOODBYE
    await impatient.says("call ended: the call reached its longest length")


@pytest.mark.long
async def test_a_call_that_nobody_joins_ends(server: Sfu, impatient: Part, room: str) -> None:
    async with server.api() as livekit:
        dispatch = api.CreateAgentDispatchRequest(room=room, agent_name="impatient")
        await livekit.agent_dispatch.create_dispatch(dispatch)
    await impatient.says("call ended: nobody joined", within_s=20)


async def test_a_caller_whose_connection_is_lost_is_waited_for(server: Sfu, impatient: Part, room: str) -> None:
    async with server.caller(room, agent_name="impatient") as caller:
        await caller.first(AgentSound, within_s=15)
        async with server.api() as livekit:
            await livekit.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=caller.identity))
        await caller.first(Left, within_s=5)
    await impatient.says("call ended: the caller's connection was lost", within_s=20)


async def test_a_lost_caller_who_returns_goes_on(server: Sfu, model: Gemini, room: str) -> None:
    """The same agent, the same conversation: no second greeting, and the answer comes to the new connection."""
    async with worker(server, model, **PATIENCE | {"AGENT_NAME": "waits", "CALLER_RETURN_S": "15", "CALLER_SILENCE_S": "60"}):
        async with server.caller(room, agent_name="waits") as caller:
            before = await caller.first(AgentTrack, within_s=15)
            await caller.first(AgentSilent, within_s=15)
            async with server.api() as livekit:
                await livekit.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=caller.identity))
            await caller.first(Left, within_s=5)
        async with server.caller(room, agent_name="waits") as again:
            assert (await again.first(AgentTrack, within_s=10)).identity == before.identity
            await again.send_text("I am back")
            said = await again.first(Caption, within_s=15, where=lambda caption: caption.final)
            assert said.text == "You wrote: I am back"
            await again.first(AgentSound, within_s=5)


@asynccontextmanager
async def with_script(folder: Path, server: Sfu, script: str) -> AsyncIterator[Part]:
    async with (
        gemini(folder, script) as model,
        worker(server, model, **PATIENCE | {"AGENT_NAME": "other", "CALLER_SILENCE_S": "60"}) as part,
    ):
        yield part


@pytest.mark.long
async def test_a_model_that_never_answers_ends_the_call(server: Sfu, tmp_path: Path, room: str) -> None:
    silent = '[[typed]]\nmatches = "."\nsilent = true\n'
    async with with_script(tmp_path, server, silent) as part, server.caller(room, agent_name="other") as caller:
        await caller.first(AgentTrack, within_s=15)
        assert await ended_because(caller, 30) == "no_answer"
        line = await part.says("call ended: the model did not answer")
        assert '"level": "ERROR"' in line


@pytest.mark.long
async def test_a_model_that_never_stops_is_stopped(server: Sfu, tmp_path: Path, room: str) -> None:
    endless = " ".join(["This goes on and on, without an end."] * 40)
    script = SCRIPT.replace("Hello, this is Earshot.", endless)
    async with with_script(tmp_path, server, script) as part, server.caller(room, agent_name="other") as caller:
        await caller.first(AgentSound, within_s=15)
        assert await ended_because(caller, 45) == "too_long"
        await part.says("call ended: the call reached its longest length")
