"""The watch in real workers: callers without an agent get one, and rooms that nobody can answer are told."""

import pytest

from caller import AgentSound, Left, RoomEvent
from tests.e2e.stack import Gemini, Sfu, worker

NAME = "watched"


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
