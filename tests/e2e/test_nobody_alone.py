"""Rooms that an agent has left: who comes into one and may speak gets an agent, and who only listens brings none back."""

from pathlib import Path

import pytest
from livekit import api, rtc

from caller import AgentSound
from failover.watch import ALONE_S
from tests.e2e.stack import API_KEY, API_SECRET, Sfu, emulator, until, worker

pytestmark = [pytest.mark.long, pytest.mark.sound]

ROOM = AGENT_NAME = "left-alone"


async def agents(server: Sfu) -> list[str]:
    return [identity for identity in await server.participants(ROOM) if identity.startswith("agent-")]


async def has_agent(server: Sfu) -> bool:
    return bool(await agents(server))


async def test_the_next_caller_of_a_room_that_listeners_have_kept_gets_an_agent(server: Sfu, tmp_path: Path) -> None:
    """The second caller's token dispatches nobody, since it doesn't make the room."""
    settings = {"AGENT_NAME": AGENT_NAME, "FAILOVER_DIR": str(tmp_path / "calls"), "CALLER_RETURN_S": "1"}
    listener = rtc.Room()
    grants = api.VideoGrants(room_join=True, room=ROOM, can_publish=False)
    token = api.AccessToken(API_KEY, API_SECRET).with_identity("listener").with_grants(grants).to_jwt()
    async with emulator(tmp_path, "--script", "auto") as model, worker(server, model, **settings) as part:
        try:
            async with server.caller(ROOM, "first", agent_name=AGENT_NAME) as caller:
                await caller.first(AgentSound, within_s=20)
                await listener.connect(server.url, token)
            await part.says("call ended: the caller left", within_s=20)
            await until(lambda: _is_alone(server))
            with pytest.raises(TimeoutError):
                await until(lambda: has_agent(server), within_s=ALONE_S + 4)
            assert not any("a caller has no agent" in line for line in part.lines)
            async with server.caller(ROOM, "second", agent_name=AGENT_NAME) as caller:
                await caller.first(AgentSound, within_s=ALONE_S + 10)
                assert len(await agents(server)) == 1
        finally:
            await listener.disconnect()


async def _is_alone(server: Sfu) -> bool:
    return await server.participants(ROOM) == ["listener"]
