"""From a request to a token. Pure: it takes `now` and does no I/O.

What a caller gets is narrow: one room, what they may publish there, data, their own metadata. An open door lets the client
choose room, identity and agents within bounds. Any other door leads to its own agent, under an identity that it chose itself.
"""

import datetime
import re
import secrets
from dataclasses import dataclass, field
from typing import Literal

import jwt
from livekit import api

import tickets
from token_server.errors import RefusedError
from token_server.token_request import AgentEntry, TokenRequest

BACKDATED_S = 10
"""A browser whose clock is a little behind must not find its token in the future."""
ROOM_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}"
_ROOM_BYTES = 16
"""128 random bits: a room that nobody guesses."""
_IDENTITY_BYTES = 9


@dataclass(frozen=True)
class Door:
    """What the door grants: with which pair it signs, to which agent it leads, for how long a token opens it."""

    api_key: str
    api_secret: str = field(repr=False)
    agent_name: str
    life_s: int
    sources: tuple[str, ...] = ("microphone",)
    """What a caller may publish: LiveKit's names of track sources."""
    is_open: bool = True
    """Whether the client chooses its identity and its agents."""
    rooms: Literal["fresh", "named"] = "named"
    """`fresh`: every token opens a room of its own, whatever was asked for. `named`: the client may name it."""
    room_pattern: re.Pattern[str] = re.compile(ROOM_PATTERN)
    """What a named room may be called."""


@dataclass(frozen=True)
class Issued:
    token: str = field(repr=False)
    room: str
    identity: str
    dispatches: tuple[api.RoomAgentDispatch, ...] = field(repr=False)
    """The agents' dispatches, each with its ticket, as the token carries them."""

    @property
    def agents(self) -> tuple[str, ...]:
        return tuple(dispatch.agent_name for dispatch in self.dispatches)


def issue(request: TokenRequest, door: Door, now: datetime.datetime, subject: str | None = None) -> Issued:
    """Make a token. What the client left out, or may not choose, is chosen at random.

    Args:
        request: What is asked for.
        door: What is granted.
        now: The time, with its zone.
        subject: Who asks, if that is known: their identity in the room.

    Raises:
        RefusedError: the room's name is none of this door's, or it doesn't lead to that agent.
    """
    room = _room(request, door)
    chosen = request.participant_identity if door.is_open else ""
    identity = subject or chosen or f"caller-{secrets.token_urlsafe(_IDENTITY_BYTES)}"
    seconds = int(now.timestamp())
    ticket = tickets.Ticket(room, identity, seconds + door.life_s)
    dispatches = _dispatches(request, door, tickets.signed(ticket, door.api_secret))
    grants = api.AccessToken(door.api_key, door.api_secret)
    grants.with_name(request.participant_name)
    grants.with_metadata(request.participant_metadata)
    grants.with_attributes(request.participant_attributes)
    grants.with_room_config(api.RoomConfiguration(agents=dispatches))
    grants.with_grants(_video(room, door))
    # AccessToken.to_jwt reads the clock itself and can't backdate: its claims are signed here instead
    claims = grants.claims.asdict() | {
        "iss": door.api_key,
        "sub": identity,
        "nbf": seconds - BACKDATED_S,
        "exp": ticket.expires_at_s,
    }
    token = jwt.encode(claims, door.api_secret, algorithm="HS256")
    return Issued(token, room, identity, tuple(dispatches))


def _video(room: str, door: Door) -> api.VideoGrants:
    """A caller's rights. What isn't named here is not granted: LiveKit takes an absent right for a refused one."""
    # many clients publish their microphone without naming its source, which LiveKit calls `unknown`
    unnamed = ["unknown"] if "microphone" in door.sources else []
    return api.VideoGrants(
        room_join=True,
        room=room,
        can_publish=bool(door.sources),  # LiveKit takes an empty list of sources for all of them
        can_publish_sources=[*door.sources, *unnamed],
        can_publish_data=True,
        can_subscribe=True,
        can_update_own_metadata=True,
    )


def _room(request: TokenRequest, door: Door) -> str:
    if door.rooms == "fresh" or not request.room_name:
        return f"call-{secrets.token_urlsafe(_ROOM_BYTES)}"
    if not door.room_pattern.fullmatch(request.room_name):
        sentence = (
            f"room_name: {request.room_name!r} is not a name that this door gives; it must match {door.room_pattern.pattern}"
        )
        raise RefusedError(400, "bad_field", sentence)
    return request.room_name


def _dispatches(request: TokenRequest, door: Door, ticket: str) -> list[api.RoomAgentDispatch]:
    """The agents that come: the door's own, unless the client of an open door names others. Each dispatch has the ticket."""
    dispatches: list[api.RoomAgentDispatch] = []
    for number, entry in enumerate(request.room_config.agents or (AgentEntry(),)):
        place = f"room_config.agents.{number}.agent_name"
        name = entry.agent_name or door.agent_name
        if name != door.agent_name and not door.is_open:
            raise RefusedError(400, "bad_field", f"{place}: this door leads to {door.agent_name!r} and to no other agent.")
        if not door.is_open:
            _check_plain(entry, place.removesuffix("agent_name"))
        if any(name == other.agent_name for other in dispatches):
            raise RefusedError(400, "bad_field", f"{place}: {name!r} is named twice.")
        dispatches.append(
            api.RoomAgentDispatch(
                agent_name=name,
                metadata=entry.metadata,
                deployment=entry.deployment,
                restart_policy=entry.restart_policy,  # type: ignore[arg-type]  # protobuf takes its names, too
                attributes=entry.attributes | {tickets.ATTRIBUTE: ticket},
            )
        )
    return dispatches


def _check_plain(entry: AgentEntry, place: str) -> None:
    """Look whether a client chooses no more than the metadata; how the agent is deployed is the operator's choice."""
    chosen = {
        "deployment": bool(entry.deployment),
        "restart_policy": entry.restart_policy not in {"JRP_ON_FAILURE", 0},  # LiveKit's default, by name and by number
        "attributes": bool(entry.attributes),
    }
    for name, is_chosen in chosen.items():
        if is_chosen:
            raise RefusedError(400, "bad_field", f"{place}{name}: of a dispatch, clients choose the metadata alone here.")
