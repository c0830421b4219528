"""From a request to a token. Pure: it takes `now` and does no I/O.

The request is LiveKit's standard token endpoint's (livekit_token_source.proto): snake_case or camelCase. What a caller gets is
narrow: one room, a microphone, data, their own metadata. What they may choose is bounded.
"""

import datetime
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import jwt
from livekit import api
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from token_server.errors import RefusedError

LONGEST_NAME = 128
LONGEST_METADATA = 4096
MOST_ATTRIBUTES = 32
RESERVED_ATTRIBUTES = ("lk.", "sip.")
BACKDATED_S = 10
"""A browser whose clock is a little behind must not find its token in the future."""


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class _Agent(_Wire):
    agent_name: str = Field(default="", max_length=LONGEST_NAME)
    metadata: str = Field(default="", max_length=LONGEST_METADATA)


class _RoomConfig(_Wire):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    agents: list[_Agent] = Field(default_factory=list, max_length=1)


class TokenRequest(_Wire):
    """What a client asks for; every field may be left out."""

    room_name: str = Field(default="", max_length=LONGEST_NAME)
    participant_identity: str = Field(default="", max_length=LONGEST_NAME)
    participant_name: str = Field(default="", max_length=LONGEST_NAME)
    participant_metadata: str = Field(default="", max_length=LONGEST_METADATA)
    participant_attributes: dict[str, str] = Field(default_factory=dict, max_length=MOST_ATTRIBUTES)
    room_config: _RoomConfig = Field(default_factory=_RoomConfig)

    @property
    def agent_metadata(self) -> str:
        return self.room_config.agents[0].metadata if self.room_config.agents else ""


@dataclass(frozen=True)
class Door:
    """What the door grants: with which pair it signs, to which agent it leads, for how long a token opens it."""

    api_key: str
    api_secret: str = field(repr=False)
    agent_name: str
    life_s: int
    sources: tuple[str, ...] = ("microphone",)


@dataclass(frozen=True)
class Issued:
    token: str = field(repr=False)
    room: str
    identity: str


def read_request(body: bytes) -> tuple[TokenRequest, bool]:
    """Read a request's body; empty means "anything".

    Returns:
        The request, and whether it was written in camelCase.

    Raises:
        RefusedError: it is no such request, or asks for more than is granted.
    """
    try:
        content: Any = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise RefusedError(400, "bad_json", "The request's body is not JSON.") from None
    if not isinstance(content, dict):
        raise RefusedError(400, "bad_json", "The request's body must be a JSON object.")
    try:
        request = TokenRequest.model_validate(content)
    except ValidationError as invalid:
        error = invalid.errors(include_url=False)[0]
        where = ".".join(str(part) for part in error["loc"])
        raise RefusedError(400, "bad_field", f"{where}: {error['msg']}.") from None
    for key in request.participant_attributes:
        if key.startswith(RESERVED_ATTRIBUTES):
            raise RefusedError(400, "reserved_attribute", f"The attribute {key!r} is LiveKit's own; choose another name.")
    return request, any(key != key.lower() for key in content)


def issue(request: TokenRequest, door: Door, now: datetime.datetime) -> Issued:
    """Make a token. What the client left out is chosen at random."""
    room = request.room_name or f"call-{secrets.token_urlsafe(9)}"
    identity = request.participant_identity or f"caller-{secrets.token_urlsafe(6)}"
    dispatch = api.RoomAgentDispatch(agent_name=door.agent_name, metadata=request.agent_metadata)
    grants = api.AccessToken(door.api_key, door.api_secret)
    grants.with_name(request.participant_name)
    grants.with_metadata(request.participant_metadata)
    grants.with_attributes(request.participant_attributes)
    grants.with_room_config(api.RoomConfiguration(agents=[dispatch]))
    grants.with_grants(
        api.VideoGrants(
            room_join=True,
            room=room,
            can_publish=True,
            can_publish_sources=list(door.sources),
            can_publish_data=True,
            can_subscribe=True,
            can_update_own_metadata=True,
        )
    )
    seconds = int(now.timestamp())
    # AccessToken.to_jwt reads the clock itself and can't backdate: its claims are signed here instead
    claims = grants.claims.asdict() | {
        "iss": door.api_key,
        "sub": identity,
        "nbf": seconds - BACKDATED_S,
        "exp": seconds + door.life_s,
    }
    return Issued(jwt.encode(claims, door.api_secret, algorithm="HS256"), room, identity)
