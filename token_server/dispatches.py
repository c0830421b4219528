"""An agent for rooms that existed before their caller joined.

livekit-server takes a token's dispatches only when its holder's joining creates the room (livekit-server 1.13.5,
pkg/service/roommanager.go `getOrCreateRoom`). In a room that somebody else has made, or that was left from an earlier call, the
caller would wait in vain. So the token server asks LiveKit about rooms that clients name, and dispatches what is missing:
before it gives the token, and once more if the room comes into being before the token expires.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

import aiohttp
from livekit import api

ANSWERS_WITHIN_S = 3.0
"""A token waits no longer than this for LiveKit. Then it is given all the same."""
ON_ITS_WAY_S = 15.0
"""A dispatch of which no job has ended is left alone for so long: its agent may be joining."""
MOST_AWAITED = 1000
"""So many rooms are watched until they come into being. Then the room that was named first is forgotten."""
_AWAY_S = 5.0
"""After a failure LiveKit isn't asked for so long."""
_AGENT_NAME = "lk.agent_name"
"""livekit-server writes it into each agent's attributes (pkg/agent/worker.go `AgentNameAttributeKey`)."""

logger = logging.getLogger("token_server")


def missing(
    wanted: Sequence[api.RoomAgentDispatch],
    listed: Sequence[api.AgentDispatch],
    present: Sequence[api.ParticipantInfo],
    now_s: float,
) -> list[api.RoomAgentDispatch]:
    """Which of the wanted dispatches a room lacks.

    Args:
        wanted: What the token carries.
        listed: The room's dispatches. livekit-server keeps those whose agent has gone, too.
        present: The room's participants.
        now_s: The time in seconds since 1970.
    """
    agents = {one.attributes.get(_AGENT_NAME) for one in present if one.kind == api.ParticipantInfo.Kind.AGENT}
    coming = {one.agent_name for one in listed if _is_coming(one, now_s)}
    return [dispatch for dispatch in wanted if dispatch.agent_name not in agents | coming]


def _is_coming(dispatch: api.AgentDispatch, now_s: float) -> bool:
    jobs = dispatch.state.jobs
    has_ended = jobs and all(job.state.status not in {api.JobStatus.JS_PENDING, api.JobStatus.JS_RUNNING} for job in jobs)
    return not has_ended and now_s - dispatch.state.created_at / 1e9 < ON_ITS_WAY_S


@dataclass(frozen=True)
class _Awaited:
    dispatches: Sequence[api.RoomAgentDispatch]
    until_s: float


class Dispatcher:
    """Dispatches agents into rooms that lack them. One question at a time for each room, so that nobody dispatches twice."""

    def __init__(self, livekit: api.LiveKitAPI) -> None:
        self._livekit = livekit
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._awaited: dict[str, _Awaited] = {}
        """Rooms that were not there when their token was given, oldest first."""
        self._away_until_s = 0.0

    async def see_to(self, room: str, dispatches: Sequence[api.RoomAgentDispatch], until_s: float, now_s: float) -> None:
        """Look whether the room exists and lacks one of these agents, and dispatch it. Never fails, and takes bounded time.

        Args:
            room: The room's name.
            dispatches: What the caller's token carries.
            until_s: Until when the caller may join, in seconds since 1970.
            now_s: The time in seconds since 1970.
        """
        if now_s < self._away_until_s or not await self._dispatch_missing(room, dispatches, now_s):
            self._awaited.pop(room, None)
            self._awaited[room] = _Awaited(dispatches, until_s)
            if len(self._awaited) > MOST_AWAITED:
                del self._awaited[next(iter(self._awaited))]

    def waits(self, now_s: float) -> bool:
        """Whether the holder of some token may join a room that was not there."""
        self._awaited = {room: awaited for room, awaited in self._awaited.items() if awaited.until_s > now_s}
        return bool(self._awaited)

    async def rooms_exist(self, rooms: Collection[str], now_s: float) -> None:
        """Look after those of the awaited rooms that have come into being; `rooms` are all that exist."""
        for room in [room for room in self._awaited if room in rooms]:
            if await self._dispatch_missing(room, self._awaited[room].dispatches, now_s):
                self._awaited.pop(room, None)

    async def _dispatch_missing(self, room: str, dispatches: Sequence[api.RoomAgentDispatch], now_s: float) -> bool:
        """Whether the room exists, and has what it needs."""
        asking = self._asking.setdefault(room, asyncio.Lock())
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S), asking:
                return await self._ask_and_dispatch(room, dispatches, now_s)
        except (api.TwirpError, aiohttp.ClientError, TimeoutError, OSError) as error:
            if now_s >= self._away_until_s:
                logger.warning("LiveKit didn't say which rooms lack an agent: %s", str(error) or type(error).__name__)
            self._away_until_s = now_s + _AWAY_S
            return False

    async def _ask_and_dispatch(self, room: str, dispatches: Sequence[api.RoomAgentDispatch], now_s: float) -> bool:
        found = await self._livekit.room.list_rooms(api.ListRoomsRequest(names=[room]))
        if not found.rooms:
            return False
        listed = await self._livekit.agent_dispatch.list_dispatch(room)
        present = await self._livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        for dispatch in missing(dispatches, listed, present.participants, now_s):
            request = api.CreateAgentDispatchRequest(
                room=room,
                agent_name=dispatch.agent_name,
                metadata=dispatch.metadata,
                restart_policy=dispatch.restart_policy,
                deployment=dispatch.deployment,
                attributes=dispatch.attributes,
            )
            await self._livekit.agent_dispatch.create_dispatch(request)
            logger.info("agent %r dispatched into room %r, which was there already", dispatch.agent_name, room)
        return True
