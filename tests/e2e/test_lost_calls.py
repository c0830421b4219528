"""The watch in real workers: callers without an agent get one, and rooms that nobody can answer are told."""

import signal
import time
from pathlib import Path

import pytest

from caller import AgentSilent, AgentSound, AgentTrack, Caption, Left, RoomEvent
from tests.e2e.stack import Gemini, Sfu, emulator, sfu, sfu_part, sharing_worker, until, worker

NAME = "watched"
TAKEN_OVER_WITHIN_S = 6.0
"""From the kill of a worker to the new agent's track, on a busy machine."""


async def agents(server: Sfu, room: str) -> list[str]:
    return [identity for identity in await server.participants(room) if identity.startswith("agent-")]


@pytest.mark.long
async def test_a_caller_whom_no_worker_took_gets_an_agent_as_soon_as_one_runs(server: Sfu, model: Gemini) -> None:
    """livekit-server drops a dispatch without a worker for it. The worker that starts later finds the caller waiting."""
    async with (
        server.caller("alone-1", agent_name=NAME) as caller,
        worker(server, model, AGENT_NAME=NAME) as part,
    ):
        await caller.first(AgentSound, within_s=20)
        await part.says("a caller has no agent")
        assert len(await agents(server, "alone-1")) == 1


@pytest.mark.long
async def test_a_telephone_that_no_worker_takes_hears_so_and_is_hung_up(server: Sfu, model: Gemini) -> None:
    """One place, and it is taken: three dispatches later the telephone hears a goodbye. Rooms of others are left alone."""
    name = "full"
    async with (
        worker(server, model, AGENT_NAME=name, CALLS_PER_WORKER="1") as part,
        server.caller("full-1", agent_name=name) as first,
    ):
        await first.first(AgentSound, within_s=15)
        async with server.caller("elsewhere", agent_name="another"), server.telephone("full-2", {}, agent_name=name) as second:
            ended = await second.first(RoomEvent, within_s=60, where=lambda event: event.body["type"] == "call_ended")
            assert ended.body["reason"] == "no_worker"
            await second.first(AgentSound, within_s=0)
            left = await second.first(Left, within_s=10)
            assert left.reason == "PARTICIPANT_REMOVED"
            async with server.api() as livekit:
                assert len(await livekit.agent_dispatch.list_dispatch("elsewhere")) == 1, "its own, and none of ours"
                assert not await livekit.agent_dispatch.list_dispatch("full-2")
        assert sum("a job is refused" in line or "full, the call goes" in line for line in part.lines) >= 3
        assert await agents(server, "full-1"), "the call of the one place goes on"


@pytest.mark.long
@pytest.mark.sound
async def test_a_call_whose_worker_is_killed_goes_on_in_another_worker(server: Sfu, tmp_path: Path) -> None:
    settings = {"AGENT_NAME": "pair", "FAILOVER_DIR": str(tmp_path / "calls")}
    async with (
        emulator(tmp_path, "--script", "auto") as model,
        worker(server, model, name="one", **settings) as one,
        sharing_worker(server, model, name="two", **settings) as two,
        server.caller("pair-1", agent_name="pair") as caller,
    ):
        first = await caller.first(AgentTrack, within_s=20)
        await caller.first(AgentSilent, within_s=20)
        [has_it] = [part for part in (one, two) if any('"call started"' in line for line in part.lines)]
        since, at = len(caller.log), time.monotonic()
        has_it.signal(signal.SIGKILL)
        second = await caller.first(AgentTrack, since=since, within_s=15, where=lambda track: track.identity != first.identity)
        await caller.first(RoomEvent, since=since, within_s=5, where=lambda event: event.body["type"] == "resumed")
        await until(lambda: _has_one_agent(server, "pair-1"), within_s=5)
        assert second.t - at < TAKEN_OVER_WITHIN_S


@pytest.mark.long
@pytest.mark.sound
async def test_a_livekit_server_that_is_killed_and_started_again_has_one_agent_that_greets_nobody(tmp_path: Path) -> None:
    """The clients join again by themselves. The caller's token makes the room anew, and its dispatch finds the lease held."""
    settings = {"AGENT_NAME": "restarted", "FAILOVER_DIR": str(tmp_path / "calls")}
    async with emulator(tmp_path, "--script", "auto") as model, sfu_part() as (server, livekit):
        port = int(server.url.rpartition(":")[2])
        async with worker(server, model, **settings), server.caller("again-1", agent_name="restarted") as caller:
            await caller.first(AgentSilent, within_s=20)
            since = len(caller.log)
            livekit.signal(signal.SIGKILL)
            await livekit.ended()
            async with sfu(port):
                await until(lambda: _has_one_agent(server, "again-1"), within_s=60)
                await caller.send_text("What time is it in Tokyo?")
                await caller.first(
                    Caption, since=since, within_s=20, where=lambda caption: caption.who == "agent" and "Tokyo" in caption.text
                )
                said = {event.segment for event in caller.log[since:] if isinstance(event, Caption) and event.who == "agent"}
                assert len(said) == 1, "the answer, and no greeting"
                assert await _has_one_agent(server, "again-1")


async def _has_one_agent(server: Sfu, room: str) -> bool:
    there = await server.participants(room)
    return sorted(identity.partition("-")[0] for identity in there) == ["agent", "caller"]
