"""A call of the HTTP API, of what LiveKit says about its room. Pure."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from livekit import api

from token_server.call_forms import Call, CallAgent, CallParticipant
from token_server.dispatches import AGENT_NAME, ENDING, is_agent

PERSONA = "earshot.persona"
"""The attribute of an Earshot agent with the name of its persona (agent/call/agent_attributes.py)."""
_WORKER = "earshot.worker"
_MODEL = "earshot.model"
_STATE = "lk.agent.state"


@dataclass(frozen=True)
class RoomFacts:
    """What LiveKit says about one room."""

    room: api.Room
    participants: Sequence[api.ParticipantInfo]
    dispatches: Sequence[api.AgentDispatch]


def call_of(facts: RoomFacts, agent_name: str) -> Call | None:
    """The call in a room. None: no agent of that name is there, and none is dispatched, so the room is no call of ours.

    Args:
        facts: What LiveKit says about the room.
        agent_name: AGENT_NAME.
    """
    agent = _agent(facts.participants, agent_name)
    dispatches = [one for one in facts.dispatches if one.agent_name == agent_name]
    if agent is None and not dispatches:
        return None
    others = sorted((one for one in facts.participants if one is not agent), key=lambda one: one.joined_at_ms)
    shown = {} if agent is None else dict(agent.attributes)
    return Call(
        id=facts.room.sid,
        room=facts.room.name,
        started_at=started_at(facts.room),
        state=_state(agent),
        persona=shown.get(PERSONA) or _wanted_persona(dispatches),
        agent=None if agent is None else _call_agent(agent),
        participants=tuple(_participant(one) for one in others),
    )


def started_at(room: api.Room) -> datetime:
    """The time at which a room was created, in UTC."""
    return _time(room.creation_time_ms, room.creation_time)


def _agent(participants: Iterable[api.ParticipantInfo], agent_name: str) -> api.ParticipantInfo | None:
    """The agent of a room. Of two, as during a hand-over, the one that stays."""
    ours = [one for one in participants if is_agent(one) and one.attributes.get(AGENT_NAME) == agent_name]
    return min(ours, key=lambda one: (ENDING in one.attributes, -one.joined_at_ms), default=None)


def _state(agent: api.ParticipantInfo | None) -> Literal["waiting", "running", "ending"]:
    if agent is None:
        return "waiting"
    return "ending" if ENDING in agent.attributes else "running"


def _call_agent(agent: api.ParticipantInfo) -> CallAgent:
    return CallAgent(
        identity=agent.identity,
        state=agent.attributes.get(_STATE),
        model=agent.attributes.get(_MODEL),
        worker=agent.attributes.get(_WORKER),
        joined_at=_time(agent.joined_at_ms, agent.joined_at),
    )


def _participant(one: api.ParticipantInfo) -> CallParticipant:
    is_known = one.kind in api.ParticipantInfo.Kind.values()
    return CallParticipant(
        identity=one.identity,
        name=one.name,
        kind=api.ParticipantInfo.Kind.Name(one.kind).lower() if is_known else "unknown",
        joined_at=_time(one.joined_at_ms, one.joined_at),
    )


def _wanted_persona(dispatches: Iterable[api.AgentDispatch]) -> str | None:
    for dispatch in dispatches:
        try:
            wanted = json.loads(dispatch.metadata or "{}")
        except (ValueError, RecursionError):
            continue
        if isinstance(wanted, dict) and isinstance(wanted.get("persona"), str):
            return str(wanted["persona"])
    return None


def _time(milliseconds: int, seconds: int) -> datetime:
    """A time of LiveKit's: an older server says it in seconds alone."""
    return datetime.fromtimestamp(milliseconds / 1000 if milliseconds else seconds, UTC)
