"""An agent for rooms that existed before their caller joined.

livekit-server takes a token's dispatches only when its holder's joining creates the room (livekit-server 1.13.5,
pkg/service/roommanager.go `getOrCreateRoom`). In a room that somebody else has made, or that was left from an earlier call, the
caller would wait in vain. So the token server asks LiveKit about rooms that clients name, and dispatches what is missing:
before it gives the token, and once more while the token may be used, if the room comes into being or the agent doesn't come.
"""

import asyncio
import enum
import logging
import math
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from livekit import api

from token_server.grants import BACKDATED_S
from token_server.livekit_errors import LIVEKIT_ERRORS, reason

ANSWERS_WITHIN_S = 3.0
"""Longest wait for LiveKit before a token is given, in seconds. Then it is given all the same."""
LAUNCHED_WITHIN_S = 8.0
"""Age in seconds up to which a dispatch without a job is pending: livekit-server looks for workers for 5 s, and asks one for
3 s."""
JOINED_WITHIN_S = 20.0
"""Age in seconds up to which a dispatch whose job a worker has taken is pending: the agent may be joining."""
MOST_PENDING_ROOMS = 1000
"""Most rooms that are watched until their agent is there. With one more, the room that was named first is forgotten."""
MOST_DISPATCHES = 10_000
"""Most dispatches whose age is known. With one more, the one that was seen first is forgotten, and counts as new."""
LARGEST_SKEW_S = 60.0 + BACKDATED_S
"""Most seconds that this machine's clock is ahead of LiveKit's: with more, livekit-server would find our tokens not valid yet.
It allows a minute (livekit/protocol, auth/verifier.go `tokenLeeway`).
"""
ENDING = "earshot.ending"
"""An attribute of an Earshot that is about to leave (agent/room/other_agents.py `ENDING_ATTRIBUTE`)."""
_AWAY_S = 5.0
"""Seconds without a question to LiveKit after a failure."""
AGENT_NAME = "lk.agent_name"
"""The attribute that livekit-server gives each agent with its name (pkg/agent/worker.go `AgentNameAttributeKey`)."""

logger = logging.getLogger("token_server")


class Outcome(enum.Enum):
    """A room's agents, compared with the dispatches of a token."""

    COMPLETE = enum.auto()
    """Every agent is there."""
    PENDING = enum.auto()
    """Every agent is there or on its way, or is about to leave."""
    DISPATCHED = enum.auto()
    """An agent was missing, and is on its way."""
    UNKNOWN = enum.auto()
    """The room doesn't exist yet, or LiveKit doesn't answer."""


def absent(wanted: Sequence[api.RoomAgentDispatch], present: Sequence[api.ParticipantInfo]) -> list[api.RoomAgentDispatch]:
    """The wanted dispatches whose agent isn't among a room's participants, or is about to leave."""
    staying = {one.attributes.get(AGENT_NAME) for one in present if is_agent(one) and ENDING not in one.attributes}
    return [dispatch for dispatch in wanted if dispatch.agent_name not in staying]


def missing(
    lacking: Sequence[api.RoomAgentDispatch], present: Sequence[api.ParticipantInfo], coming: Collection[str]
) -> list[api.RoomAgentDispatch]:
    """The dispatches that a room needs anew.

    Args:
        lacking: The token's dispatches whose agents are `absent`.
        present: The room's participants. While an agent is about to leave, another of its name waits until it has gone.
        coming: The names of agents that are on their way.
    """
    leaving = {one.attributes.get(AGENT_NAME) for one in present if is_agent(one)}
    return [one for one in lacking if one.agent_name not in leaving and one.agent_name not in coming]


def is_agent(participant: api.ParticipantInfo) -> bool:
    """Whether a participant is an agent of LiveKit's."""
    return participant.kind == api.ParticipantInfo.Kind.AGENT


class PendingDispatches:
    """Decides by the age of a dispatch whether it is pending: whether its agent may still come."""

    def __init__(self, most: int = MOST_DISPATCHES) -> None:
        self._most = most
        self._seen_at_s: dict[str, float] = {}
        """Time at which each dispatch was first seen, by its id, oldest first."""

    def agent_names(self, listed: Sequence[api.AgentDispatch], now_s: float, since_1970_s: float) -> set[str]:
        """The names of agents that are on their way into a room.

        Args:
            listed: The room's dispatches. livekit-server keeps those whose agent has gone, and calls their jobs running.
            now_s: The time in seconds, on any clock that never goes back.
            since_1970_s: The time in seconds since 1970, which LiveKit's clock may see differently.
        """
        return {one.agent_name for one in listed if _is_pending(one, self._age_s(one, now_s, since_1970_s))}

    def _age_s(self, dispatch: api.AgentDispatch, now_s: float, since_1970_s: float) -> float:
        """The age for certain: since the dispatch was first seen here, or since LiveKit made it, whatever the clocks say."""
        seen_for_s = now_s - self._seen_at_s.setdefault(dispatch.id, now_s)
        if len(self._seen_at_s) > self._most:
            del self._seen_at_s[next(iter(self._seen_at_s))]
        return max(seen_for_s, since_1970_s - dispatch.state.created_at / 1e9 - LARGEST_SKEW_S)


def _is_pending(dispatch: api.AgentDispatch, age_s: float) -> bool:
    states = {job.state.status for job in dispatch.state.jobs}
    if not states:
        return age_s < LAUNCHED_WITHIN_S
    return age_s < JOINED_WITHIN_S and not states.isdisjoint({api.JobStatus.JS_PENDING, api.JobStatus.JS_RUNNING})


@dataclass(frozen=True)
class _PendingRoom:
    dispatches: Sequence[api.RoomAgentDispatch]
    until_s: float


class Dispatcher:
    """Dispatches agents into rooms that lack them: one request at a time for each room, so that none is dispatched twice."""

    def __init__(self, livekit: api.LiveKitAPI) -> None:
        self._livekit = livekit
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._pending: dict[str, _PendingRoom] = {}
        """The rooms that weren't complete when their token was given, oldest first."""
        self._away_until_s = -math.inf
        self._pending_dispatches = PendingDispatches()

    async def ensure_dispatched(
        self, room: str, dispatches: Sequence[api.RoomAgentDispatch], until_s: float, now_s: float
    ) -> None:
        """Dispatch the agents that the room lacks, if it exists. Never fails, and takes `ANSWERS_WITHIN_S` at most.

        Args:
            room: The room's name.
            dispatches: The dispatches in the caller's token.
            until_s: The end of the time in which the caller may join, on the clock of `now_s`.
            now_s: The time in seconds, on any clock that never goes back.
        """
        outcome = Outcome.UNKNOWN if self._is_away(now_s) else await self._dispatch_missing(room, dispatches, now_s)
        self._pending.pop(room, None)
        if outcome is not Outcome.COMPLETE:
            self._pending[room] = _PendingRoom(dispatches, until_s)
        if len(self._pending) > MOST_PENDING_ROOMS:
            del self._pending[next(iter(self._pending))]

    def has_pending_rooms(self, now_s: float) -> bool:
        """Whether some room has to be checked again."""
        self._pending = {room: awaited for room, awaited in self._pending.items() if awaited.until_s > now_s}
        return bool(self._pending)

    async def retry(self, rooms: Collection[str], now_s: float) -> None:
        """Check the pending rooms among `rooms`, which are all that exist. Each agent is dispatched once at most.

        After a failure the rooms that are left wait for the next time, so that a LiveKit that doesn't answer is asked once.
        """
        for room in [room for room in self._pending if room in rooms]:
            if self._is_away(now_s):
                return
            awaited = self._pending.get(room)
            if awaited is None:  # forgotten meanwhile: too many were named
                continue
            outcome = await self._dispatch_missing(room, awaited.dispatches, now_s)
            if outcome in {Outcome.COMPLETE, Outcome.DISPATCHED} and self._pending.get(room) is awaited:
                del self._pending[room]
            elif outcome is Outcome.UNKNOWN and self._pending.get(room) is awaited:
                self._pending[room] = self._pending.pop(room)  # a room that fails each time must not keep the others waiting

    def _is_away(self, now_s: float) -> bool:
        return now_s < self._away_until_s

    async def _dispatch_missing(self, room: str, dispatches: Sequence[api.RoomAgentDispatch], now_s: float) -> Outcome:
        asking = self._asking.setdefault(room, asyncio.Lock())
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S), asking:
                return await self._ask_and_dispatch(room, dispatches, now_s)
        except LIVEKIT_ERRORS as error:
            if not self._is_away(now_s):
                logger.warning("LiveKit didn't say which rooms lack an agent: %s", reason(error))
            self._away_until_s = now_s + _AWAY_S
            return Outcome.UNKNOWN

    async def _ask_and_dispatch(self, room: str, wanted: Sequence[api.RoomAgentDispatch], now_s: float) -> Outcome:
        found = await self._livekit.room.list_rooms(api.ListRoomsRequest(names=[room]))
        if not found.rooms:
            return Outcome.UNKNOWN
        listed = await self._livekit.agent_dispatch.list_dispatch(room)
        present = await self._livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        lacking = absent(wanted, present.participants)
        needed = missing(lacking, present.participants, self._pending_dispatches.agent_names(listed, now_s, time.time()))
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
            line = "agent %r is dispatched into room %r, which had none"
            logger.info(line, dispatch.agent_name, room, extra={"room": room})
        if needed:
            return Outcome.DISPATCHED
        return Outcome.PENDING if lacking else Outcome.COMPLETE
