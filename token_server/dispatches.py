"""An agent for rooms that existed before their caller joined.

livekit-server takes a token's dispatches only when its holder's joining creates the room (livekit-server 1.13.5,
pkg/service/roommanager.go `getOrCreateRoom`). In a room that somebody else has made, or that was left from an earlier call, the
caller would wait in vain. So the token server asks LiveKit about rooms that clients name, and dispatches what is missing:
before it gives the token, and once more while the token may be used, if the room comes into being or the agent doesn't come.
"""

import asyncio
import enum
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

import aiohttp
from livekit import api

ANSWERS_WITHIN_S = 3.0
"""A token waits no longer than this for LiveKit. Then it is given all the same."""
LAUNCHED_WITHIN_S = 8.0
"""A dispatch without a job is left alone for so long: livekit-server looks for workers for 5 s, and asks one for 3 s."""
JOINED_WITHIN_S = 20.0
"""A dispatch whose job a worker has taken is left alone for so long: the agent may be joining."""
MOST_AWAITED = 1000
"""So many rooms are watched until their agent is there. Then the room that was named first is forgotten."""
_AWAY_S = 5.0
"""After a failure LiveKit isn't asked for so long."""
_AGENT_NAME = "lk.agent_name"
"""livekit-server writes it into each agent's attributes (pkg/agent/worker.go `AgentNameAttributeKey`)."""

logger = logging.getLogger("token_server")


class Outcome(enum.Enum):
    """How a room was found."""

    COMPLETE = enum.auto()
    """Every agent is there."""
    COMING = enum.auto()
    """Every agent is there or on its way."""
    DISPATCHED = enum.auto()
    """An agent was missing, and is on its way."""
    UNKNOWN = enum.auto()
    """There is no such room yet, or LiveKit doesn't say."""


def absent(wanted: Sequence[api.RoomAgentDispatch], present: Sequence[api.ParticipantInfo]) -> list[api.RoomAgentDispatch]:
    """Which of the wanted dispatches have no agent among a room's participants."""
    agents = {one.attributes.get(_AGENT_NAME) for one in present if one.kind == api.ParticipantInfo.Kind.AGENT}
    return [dispatch for dispatch in wanted if dispatch.agent_name not in agents]


def missing(
    wanted: Sequence[api.RoomAgentDispatch], listed: Sequence[api.AgentDispatch], now_s: float
) -> list[api.RoomAgentDispatch]:
    """Which of the wanted dispatches, whose agents are absent, a room needs anew.

    Args:
        wanted: Dispatches of the token.
        listed: The room's dispatches. livekit-server keeps those whose agent has gone, and calls their jobs running.
        now_s: The time in seconds since 1970.
    """
    coming = {one.agent_name for one in listed if _is_coming(one, now_s)}
    return [dispatch for dispatch in wanted if dispatch.agent_name not in coming]


def _is_coming(dispatch: api.AgentDispatch, now_s: float) -> bool:
    age_s = now_s - dispatch.state.created_at / 1e9
    states = {job.state.status for job in dispatch.state.jobs}
    if not states:
        return age_s < LAUNCHED_WITHIN_S
    return age_s < JOINED_WITHIN_S and not states.isdisjoint({api.JobStatus.JS_PENDING, api.JobStatus.JS_RUNNING})


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
        """Rooms that weren't complete when their token was given, oldest first."""
        self._away_until_s = 0.0

    async def see_to(self, room: str, dispatches: Sequence[api.RoomAgentDispatch], until_s: float, now_s: float) -> None:
        """Look whether the room exists and lacks one of these agents, and dispatch it. Never fails, and takes bounded time.

        Args:
            room: The room's name.
            dispatches: What the caller's token carries.
            until_s: Until when the caller may join, in seconds since 1970.
            now_s: The time in seconds since 1970.
        """
        is_away = now_s < self._away_until_s
        outcome = Outcome.UNKNOWN if is_away else await self._dispatch_missing(room, dispatches, now_s)
        self._awaited.pop(room, None)
        if outcome is not Outcome.COMPLETE:
            self._awaited[room] = _Awaited(dispatches, until_s)
        if len(self._awaited) > MOST_AWAITED:
            del self._awaited[next(iter(self._awaited))]

    def waits(self, now_s: float) -> bool:
        """Whether some room has to be looked at again."""
        self._awaited = {room: awaited for room, awaited in self._awaited.items() if awaited.until_s > now_s}
        return bool(self._awaited)

    async def rooms_exist(self, rooms: Collection[str], now_s: float) -> None:
        """Look once more at those of the awaited rooms that exist; `rooms` are all that do. Each gets one dispatch at most."""
        for room in [room for room in self._awaited if room in rooms]:
            awaited = self._awaited[room]
            outcome = await self._dispatch_missing(room, awaited.dispatches, now_s)
            if outcome in {Outcome.COMPLETE, Outcome.DISPATCHED} and self._awaited.get(room) is awaited:
                del self._awaited[room]

    async def _dispatch_missing(self, room: str, dispatches: Sequence[api.RoomAgentDispatch], now_s: float) -> Outcome:
        asking = self._asking.setdefault(room, asyncio.Lock())
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S), asking:
                return await self._ask_and_dispatch(room, dispatches, now_s)
        except (api.TwirpError, aiohttp.ClientError, TimeoutError, OSError) as error:
            if now_s >= self._away_until_s:
                logger.warning("LiveKit didn't say which rooms lack an agent: %s", str(error) or type(error).__name__)
            self._away_until_s = now_s + _AWAY_S
            return Outcome.UNKNOWN

    async def _ask_and_dispatch(self, room: str, wanted: Sequence[api.RoomAgentDispatch], now_s: float) -> Outcome:
        found = await self._livekit.room.list_rooms(api.ListRoomsRequest(names=[room]))
        if not found.rooms:
            return Outcome.UNKNOWN
        listed = await self._livekit.agent_dispatch.list_dispatch(room)
        present = await self._livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        lacking = absent(wanted, present.participants)
        needed = missing(lacking, listed, now_s)
        for dispatch in needed:
            request = api.CreateAgentDispatchRequest(
                room=room,
                agent_name=dispatch.agent_name,
                metadata=dispatch.metadata,
                restart_policy=dispatch.restart_policy,
                deployment=dispatch.deployment,
                attributes=dispatch.attributes,
            )
            await self._livekit.agent_dispatch.create_dispatch(request)
            logger.info("agent %r is dispatched into room %r, which had none", dispatch.agent_name, room)
        if needed:
            return Outcome.DISPATCHED
        return Outcome.COMING if lacking else Outcome.COMPLETE
