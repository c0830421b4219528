"""Stands in for livekit-server's API: rooms, participants and dispatches that a test sets, and what was asked of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from google.protobuf.message import Message
from livekit import api

from tests.serving import serving

_REQUESTS: dict[str, type[Message]] = {
    "ListRooms": api.ListRoomsRequest,
    "ListParticipants": api.ListParticipantsRequest,
    "RemoveParticipant": api.RoomParticipantIdentity,
    "ListDispatch": api.ListAgentDispatchRequest,
    "CreateDispatch": api.CreateAgentDispatchRequest,
    "DeleteDispatch": api.DeleteAgentDispatchRequest,
}


@dataclass
class LiveKitStandIn:
    """What there is, and what was done."""

    url: str = ""
    rooms: dict[str, list[api.ParticipantInfo]] = field(default_factory=dict)
    dispatches: dict[str, list[api.AgentDispatch]] = field(default_factory=dict)
    status: int = 200
    """Of every answer."""
    asked: list[str] = field(default_factory=list)
    """The methods, in order."""
    created: list[api.CreateAgentDispatchRequest] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    takes_s: float = 0.0
    """The time until each answer."""
    most_at_once: int = 0
    """Most requests that were there at the same time."""
    _now: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            await asyncio.sleep(self.takes_s)
            return await self._answer(request)
        finally:
            self._now -= 1

    async def _answer(self, request: web.Request) -> web.Response:
        method = request.path.rpartition("/")[2]
        self.asked.append(method)
        if self.status != 200:
            return web.json_response({"code": "unavailable", "msg": "away"}, status=self.status)
        asked = _REQUESTS[method].FromString(await request.read())
        said = self._said(asked)
        if said is None:
            return web.json_response({"code": "not_found", "msg": "no such thing"}, status=404)
        return web.Response(body=said.SerializeToString(), content_type="application/protobuf")

    def _said(self, asked: Message) -> Message | None:
        match asked:
            case api.ListRoomsRequest():
                return api.ListRoomsResponse(rooms=[api.Room(sid=f"RM_{name}", name=name) for name in self.rooms])
            case api.ListParticipantsRequest():
                there = self.rooms.get(asked.room)
                return None if there is None else api.ListParticipantsResponse(participants=there)
            case api.RoomParticipantIdentity():
                self.removed.append(asked.identity)
                there = self.rooms.get(asked.room, [])
                self.rooms[asked.room] = [one for one in there if one.identity != asked.identity]
                return api.RemoveParticipantResponse() if len(self.rooms[asked.room]) < len(there) else None
            case api.ListAgentDispatchRequest():
                return api.ListAgentDispatchResponse(agent_dispatches=self.dispatches.get(asked.room, []))
            case api.CreateAgentDispatchRequest():
                self.created.append(asked)
                return api.AgentDispatch(id=f"AD_{len(self.created)}", agent_name=asked.agent_name, room=asked.room)
            case api.DeleteAgentDispatchRequest():
                kept = [one for one in self.dispatches.get(asked.room, []) if one.id != asked.dispatch_id]
                self.dispatches[asked.room] = kept
                return api.AgentDispatch(id=asked.dispatch_id)
        raise NotImplementedError(type(asked))


@asynccontextmanager
async def livekit_stand_in() -> AsyncIterator[LiveKitStandIn]:
    there = LiveKitStandIn()
    app = web.Application()
    app.router.add_post("/{path:.*}", there.answer)
    async with serving(app) as url:
        there.url = url
        yield there
