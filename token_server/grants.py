"""Makes the token for a token request. Pure: it takes `now` and does no I/O.

A caller's token grants little: one room, what they may publish there, data, their own metadata. In mode open the client
chooses room, identity and agents within bounds. In the other modes the token server chooses the identity and its own agent.
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
"""A token is valid from so long before its making, for browsers whose clock is behind."""
ROOM_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}"
_ROOM_BYTES = 16
"""Random bytes in the name of a room that the client doesn't name: 128 bits can't be guessed."""
_IDENTITY_BYTES = 9


@dataclass(frozen=True)
class TokenPolicy:
    """The key pair that signs tokens, and what they grant: which agent, which rooms and sources, for how long."""

    api_key: str
    api_secret: str = field(repr=False)
    agent_name: str
    life_s: int
    sources: tuple[str, ...] = ("microphone",)
    """The track sources that a caller may publish, by LiveKit's names."""
    is_open: bool = True
    """Whether the client chooses its identity and its agents."""
    rooms: Literal["fresh", "named"] = "named"
    """`fresh`: every token opens a room of its own, whatever was asked for. `named`: the client may name it."""
    room_pattern: re.Pattern[str] = re.compile(ROOM_PATTERN)
    """The pattern that the whole name of a named room must match."""


@dataclass(frozen=True)
class IssuedToken:
    """A token, with what it says."""

    token: str = field(repr=False)
    room: str
    identity: str
    dispatches: tuple[api.RoomAgentDispatch, ...] = field(repr=False)
    """The agents' dispatches, each with its ticket, as the token carries them."""

    @property
    def agents(self) -> tuple[str, ...]:
        return tuple(dispatch.agent_name for dispatch in self.dispatches)


def issue(request: TokenRequest, policy: TokenPolicy, now: datetime.datetime, subject: str | None = None) -> IssuedToken:
    """Make a token. What the client left out, or may not choose, is chosen at random.

    Args:
        request: The client's token request.
        policy: The token server's policy.
        now: The time, with its zone.
        subject: The user's identity in the room, in mode jwt.

    Raises:
        RefusedError: the policy allows no room of that name, or not that agent.
    """
    room = _room(request, policy)
    chosen = request.participant_identity if policy.is_open else ""
    identity = subject or chosen or f"caller-{secrets.token_urlsafe(_IDENTITY_BYTES)}"
    seconds = int(now.timestamp())
    ticket = tickets.Ticket(room, identity, seconds + policy.life_s)
    dispatches = _dispatches(request, policy, tickets.signed(ticket, policy.api_secret))
    grants = api.AccessToken(policy.api_key, policy.api_secret)
    grants.with_name(request.participant_name)
    grants.with_metadata(request.participant_metadata)
    grants.with_attributes(request.participant_attributes)
    grants.with_room_config(api.RoomConfiguration(agents=dispatches))
    grants.with_grants(_video(room, policy))
    # AccessToken.to_jwt reads the clock itself and can't backdate: its claims are signed here instead
    claims = grants.claims.asdict() | {
        "iss": policy.api_key,
        "sub": identity,
        "nbf": seconds - BACKDATED_S,
        "exp": ticket.expires_at_s,
    }
    token = jwt.encode(claims, policy.api_secret, algorithm="HS256")
    return IssuedToken(token, room, identity, tuple(dispatches))


def _video(room: str, policy: TokenPolicy) -> api.VideoGrants:
    """A caller's rights. LiveKit takes a right that isn't named for a refused one."""
    # many clients publish their microphone without naming its source, which LiveKit calls `unknown`
    unnamed = ["unknown"] if "microphone" in policy.sources else []
    return api.VideoGrants(
        room_join=True,
        room=room,
        can_publish=bool(policy.sources),  # LiveKit takes an empty list of sources for all of them
        can_publish_sources=[*policy.sources, *unnamed],
        can_publish_data=True,
        can_subscribe=True,
        can_update_own_metadata=True,
    )


def _room(request: TokenRequest, policy: TokenPolicy) -> str:
    if policy.rooms == "fresh" or not request.room_name:
        return f"call-{secrets.token_urlsafe(_ROOM_BYTES)}"
    if not policy.room_pattern.fullmatch(request.room_name):
        sentence = f"room_name: {request.room_name!r} is no name for a room here; it must match {policy.room_pattern.pattern}"
        raise RefusedError(400, "bad_field", sentence)
    return request.room_name


def _dispatches(request: TokenRequest, policy: TokenPolicy, ticket: str) -> list[api.RoomAgentDispatch]:
    """The agents' dispatches, each with the ticket: the policy's agent, unless a client in mode open names others."""
    dispatches: list[api.RoomAgentDispatch] = []
    for number, entry in enumerate(request.room_config.agents or (AgentEntry(),)):
        field_name = f"room_config.agents.{number}.agent_name"
        name = entry.agent_name or policy.agent_name
        if name != policy.agent_name and not policy.is_open:
            raise RefusedError(
                400, "bad_field", f"{field_name}: the agent here is {policy.agent_name!r}, and no other may be named."
            )
        if not policy.is_open:
            _check_plain(entry, field_name.removesuffix("agent_name"))
        if any(name == other.agent_name for other in dispatches):
            raise RefusedError(400, "bad_field", f"{field_name}: {name!r} is named twice.")
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


def _check_plain(entry: AgentEntry, field_name: str) -> None:
    """Check that a client chooses no more than the metadata; how the agent is deployed is the operator's choice."""
    chosen = {
        "deployment": bool(entry.deployment),
        "restart_policy": entry.restart_policy not in {"JRP_ON_FAILURE", 0},  # LiveKit's default, by name and by number
        "attributes": bool(entry.attributes),
    }
    for name, is_chosen in chosen.items():
        if is_chosen:
            raise RefusedError(400, "bad_field", f"{field_name}{name}: of a dispatch, clients choose the metadata alone here.")
