"""Keeps one Earshot in a room. A second dispatch, or a first one that is repeated, would give a caller two voices.

An Earshot carries a mark in its token, on a participant of kind AGENT: neither can be written by somebody else in the room.
Agents without the mark are other people's, and left alone. Of two Earshots the one with the newer lease of the call stays
(docs/failover.md), and the other leaves. Without leases the younger one leaves, by the time of joining that livekit-server
gives both, and by the id that it gives each if that time is the same: both sides decide alike. Another one counts only if it
answers: what is left of a worker that has died must not turn its replacement away.
"""

import asyncio
import logging
from collections.abc import Callable

from livekit import rtc

from agent.room.alive import is_alive

MARK = "earshot.agent"
"""An attribute of every Earshot in a room; its value is the name that it was dispatched to."""
LEASE_ATTRIBUTE = "earshot.lease"
"""An attribute of an Earshot that holds the lease of its call: the lease's generation."""
ENDING_ATTRIBUTE = "earshot.ending"
"""An attribute of an Earshot that is about to leave, and turns nobody away. Its value is the call's ending."""

logger = logging.getLogger("earshot.call")


class OtherAgents:
    """The other Earshots of one room. `on_join` is called when another one joins."""

    def __init__(self, room: rtc.Room, on_join: Callable[[], None] = lambda: None) -> None:
        self._room = room
        self._on_join = on_join
        self._generation = 0
        self._joined = asyncio.Event()
        self._dead: set[str] = set()
        """Ids of older ones that didn't answer."""
        room.on("participant_connected", self._on_participant)
        room.on("participant_attributes_changed", self._on_attributes)

    async def settle(self, generation: int = 0) -> bool:
        """Whether this agent may stay in the room that it has joined. Returns at once if there is no older Earshot.

        `generation`: of the lease that this agent holds; 0: it holds none.
        """
        self._generation = generation
        self._joined.clear()
        older = self._older()
        answers = await asyncio.gather(*(is_alive(self._room, agent.identity) for agent in older))
        for agent in (agent for agent, alive in zip(older, answers, strict=True) if alive):
            logger.warning("this agent leaves: there is an older Earshot", extra={"older": agent.identity})
            return False
        for agent in older:
            self._dead.add(agent.sid)
            logger.warning("an older Earshot doesn't answer: this agent takes its place", extra={"older": agent.identity})
        return True

    def leave_to(self, identity: str) -> None:
        """That agent has been given this one's call: it turns nobody away, since this one leaves by itself."""
        if (agent := self._room.remote_participants.get(identity)) is not None:
            self._dead.add(agent.sid)

    async def until_older(self) -> None:
        """Wait until an older Earshot appears: a room that is served by several nodes may show it late."""
        while True:
            await self._joined.wait()
            if not await self.settle(self._generation):
                return

    def _on_participant(self, participant: rtc.RemoteParticipant) -> None:
        self._joined.set()
        if is_earshot(participant):
            self._on_join()

    def _on_attributes(self, changed: dict[str, str], _participant: rtc.Participant) -> None:
        if LEASE_ATTRIBUTE in changed:
            self._joined.set()

    def _older(self) -> list[rtc.RemoteParticipant]:
        """Those that this agent leaves the call to."""
        own = (-self._generation, *_age(self._room.local_participant))
        others = [agent for agent in self._room.remote_participants.values() if is_earshot(agent)]
        return [agent for agent in others if (-_generation(agent), *_age(agent)) < own and agent.sid not in self._dead]


def is_earshot(participant: rtc.Participant) -> bool:
    """Whether that is an Earshot that means to stay."""
    is_agent = participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    return is_agent and MARK in participant.attributes and ENDING_ATTRIBUTE not in participant.attributes


def _generation(agent: rtc.Participant) -> int:
    generation = agent.attributes.get(LEASE_ATTRIBUTE, "")
    return int(generation) if generation.isascii() and generation.isdigit() else 0


def _age(participant: rtc.Participant) -> tuple[float, str]:
    joined_at = participant.joined_at
    return (joined_at.timestamp() if joined_at else float("inf"), participant.sid)
