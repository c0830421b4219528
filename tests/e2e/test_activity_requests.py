"""Requests of the talk button from real clients: by RPC, as text streams and as data packets; the caller's, and strangers'."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from livekit import api, rtc

from agent.room.activity import METHOD, NOT_THE_CALLER, ActivityRequests
from agent.room.room_events import RoomEvents
from tests.e2e.stack import API_KEY, API_SECRET, Sfu, until

PRESS, RELEASE = '{"active": true}', '{"active": false}'
AGENT, CALLER, STRANGER = "agent", "caller", "stranger"


class Told:
    """A call whose caller is always the same, and what it is told of their button."""

    def __init__(self) -> None:
        self.presses: list[str] = []

    def is_caller(self, identity: str) -> bool:
        return identity == CALLER

    def on_press(self, identity: str) -> None:
        self.presses.append(f"{identity} presses")

    def on_release(self) -> None:
        self.presses.append("released")


@asynccontextmanager
async def joined(server: Sfu, room: str, identity: str) -> AsyncIterator[rtc.Room]:
    token = api.AccessToken(API_KEY, API_SECRET).with_identity(identity).with_grants(api.VideoGrants(room_join=True, room=room))
    participant = rtc.Room()
    await participant.connect(server.url, token.to_jwt())
    try:
        yield participant
    finally:
        await participant.disconnect()


async def rpc(room: rtc.Room, request: str) -> str:
    await until(lambda: AGENT in room.remote_participants)
    return await room.local_participant.perform_rpc(destination_identity=AGENT, method=METHOD, payload=request)


async def test_clients_press_in_three_ways_and_strangers_in_none(server: Sfu, room: str) -> None:
    told = Told()
    async with AsyncExitStack() as stack:
        agent, caller, stranger = [
            await stack.enter_async_context(joined(server, room, identity)) for identity in (AGENT, CALLER, STRANGER)
        ]
        await until(lambda: {CALLER, STRANGER} <= set(agent.remote_participants))  # a packet of others has no sender
        requests = ActivityRequests(agent, RoomEvents(agent), told, told, push_to_talk=True)
        requests.serve()
        running = asyncio.create_task(requests.run())
        with pytest.raises(rtc.RpcError, match="talks with somebody else") as refused:
            await rpc(stranger, PRESS)
        assert refused.value.code == NOT_THE_CALLER
        await stranger.local_participant.send_text(PRESS, topic=METHOD)
        await stranger.local_participant.publish_data(PRESS, topic=METHOD)
        assert await rpc(caller, PRESS) == PRESS
        assert await rpc(caller, RELEASE) == RELEASE
        await until(lambda: told.presses == ["caller presses", "released"])
        for send in (_as_stream, _as_packet):
            told.presses.clear()
            await send(caller, "no request")
            await send(caller, PRESS)
            await until(lambda: told.presses == ["caller presses"])
            await send(caller, RELEASE)
            await until(lambda: told.presses == ["caller presses", "released"])
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def _as_stream(room: rtc.Room, request: str) -> None:
    await room.local_participant.send_text(request, topic=METHOD)


async def _as_packet(room: rtc.Room, request: str) -> None:
    await room.local_participant.publish_data(request, topic=METHOD)
