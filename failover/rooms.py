"""The rooms of a LiveKit server, as the watch needs them: who is in them, which ask for an agent, and a new dispatch."""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp
from google.protobuf.message import DecodeError
from livekit import api

from failover.errors import LiveKitUnavailableError
from failover.watch import WatchedRoom

_Answer = TypeVar("_Answer")

ANSWERS_WITHIN_S = 3.0
"""Longest wait for one answer of livekit-server."""
AGENT_NAME_ATTRIBUTE = "lk.agent_name"
"""The attribute that livekit-server gives each agent, with the name that it was dispatched to (docs/facts.md L300)."""
_MOST_REQUESTS = 16
"""Most requests at once."""
_FAILURES = (
    aiohttp.ClientError,
    TimeoutError,
    OSError,
    DecodeError,  # a status of 200 with something else than the message: a proxy's web page
    AttributeError,  # a status of 4xx or 5xx with JSON that is no object (livekit-api 1.x, twirp_client.py `_server_error`)
    ValueError,  # a URL that the client is sent to and can't parse
)
_HUMANS = frozenset({api.ParticipantInfo.Kind.STANDARD, api.ParticipantInfo.Kind.SIP, api.ParticipantInfo.Kind.CONNECTOR})


@dataclasses.dataclass(frozen=True)
class LiveKitAccess:
    """Where livekit-server is, and the key pair that may list its rooms and dispatch agents."""

    url: str
    api_key: str
    api_secret: str = dataclasses.field(repr=False)
    agent_name: str
    """The agent name of this fleet: no room is touched that doesn't ask for it, or that has no lease of the fleet's."""
    proxy: str | None = None


@dataclasses.dataclass(frozen=True)
class UnansweredRoom:
    """A room that livekit-server's dispatch has brought no agent into."""

    room: api.Room
    first: api.AgentDispatch | None
    """The room's first dispatch for this fleet's agent name; None: none is listed any more."""


class Rooms:
    """Questions and requests to one livekit-server. All of them raise LiveKitUnavailableError."""

    def __init__(self, livekit: api.LiveKitAPI, agent_name: str) -> None:
        self._livekit = livekit
        self._agent_name = agent_name

    async def names(self) -> dict[str, str]:
        """The names of all rooms, by the room's id."""
        found = await _answered(self._livekit.room.list_rooms(api.ListRoomsRequest()))
        return {} if found is None else {room.sid: room.name for room in found.rooms}

    async def created_at_s(self) -> dict[str, float]:
        """When each room was made, by its name, in seconds since 1970."""
        found = await _answered(self._livekit.room.list_rooms(api.ListRoomsRequest()))
        return {} if found is None else {room.name: float(room.creation_time) for room in found.rooms}

    async def look(self, name: str) -> WatchedRoom | None:
        """The room with its participants; None: there is no such room. Its field `asks` is not set."""
        found = await _answered(self._livekit.room.list_participants(api.ListParticipantsRequest(room=name)))
        return None if found is None else watched(name, found.participants, self._agent_name)

    async def unanswered(self, name: str) -> UnansweredRoom | None:
        """The room as a worker needs it to answer without a dispatch; None: it is gone."""
        found = await _answered(self._livekit.room.list_rooms(api.ListRoomsRequest(names=[name])))
        if found is None or not found.rooms:
            return None
        return UnansweredRoom(found.rooms[0], await self._first_dispatch(name))

    async def asks(self, name: str) -> bool:
        """Whether a dispatch for this fleet's agent name is listed for the room."""
        return await self._first_dispatch(name) is not None

    async def remove(self, name: str, identity: str) -> None:
        """Put a participant out of the room. Nothing happens if they aren't there."""
        request = api.RoomParticipantIdentity(room=name, identity=identity)
        await _answered(self._livekit.room.remove_participant(request))

    async def dispatch(self, name: str) -> None:
        """Have livekit-server dispatch the agent into the room again, as its first dispatch asked for it.

        The token server's ticket is among the attributes: the worker that gets the job checks it as it did the first time.
        """
        first = await self._first_dispatch(name)
        request = api.CreateAgentDispatchRequest(room=name, agent_name=self._agent_name)
        if first is not None:
            request.metadata = first.metadata
            request.deployment = first.deployment
            request.attributes.update(first.attributes)
        await _answered(self._livekit.agent_dispatch.create_dispatch(request))

    async def forget(self, name: str) -> None:
        """Delete the room's dispatches for this fleet's agent name: the room doesn't ask for an agent any more."""
        for dispatch in await self._dispatches(name):
            await _answered(self._livekit.agent_dispatch.delete_dispatch(dispatch.id, name))

    async def _first_dispatch(self, name: str) -> api.AgentDispatch | None:
        return min(await self._dispatches(name), key=lambda dispatch: dispatch.state.created_at, default=None)

    async def _dispatches(self, name: str) -> list[api.AgentDispatch]:
        listed = await _answered(self._livekit.agent_dispatch.list_dispatch(name)) or []
        return [dispatch for dispatch in listed if dispatch.agent_name == self._agent_name]


def watched(name: str, participants: Iterable[api.ParticipantInfo], agent_name: str) -> WatchedRoom:
    """The room with these participants. Participants that the room doesn't show, such as recorders, are nobody."""
    present = [one for one in participants if one.state != api.ParticipantInfo.State.DISCONNECTED]
    humans = [one for one in present if one.kind in _HUMANS and not one.permission.hidden]
    return WatchedRoom(
        name,
        humans=frozenset(one.identity for one in humans),
        telephones=frozenset(one.identity for one in humans if one.kind == api.ParticipantInfo.Kind.SIP),
        audience=frozenset(one.identity for one in humans if one.HasField("permission") and not one.permission.can_publish),
        agents=frozenset(
            one.identity
            for one in present
            if one.kind == api.ParticipantInfo.Kind.AGENT and one.attributes.get(AGENT_NAME_ATTRIBUTE) == agent_name
        ),
    )


@asynccontextmanager
async def open_rooms(access: LiveKitAccess) -> AsyncIterator[Rooms]:
    """The rooms of a livekit-server, over one HTTP session."""
    async with (
        aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=ANSWERS_WITHIN_S),
            connector=aiohttp.TCPConnector(limit=_MOST_REQUESTS),
            proxy=access.proxy,
        ) as http,
        api.LiveKitAPI(access.url, access.api_key, access.api_secret, session=http) as livekit,
    ):
        yield Rooms(livekit, access.agent_name)


async def _answered(asking: Awaitable[_Answer]) -> _Answer | None:
    """The answer; None: livekit-server knows no such room, participant or dispatch.

    Raises:
        LiveKitUnavailableError: livekit-server can't be reached, or refuses.
    """
    try:
        return await asking
    except api.TwirpError as error:
        if error.code == api.TwirpErrorCode.NOT_FOUND:
            return None
        raise LiveKitUnavailableError(f"{error.code}: {error.message}") from error
    except _FAILURES as error:
        raise LiveKitUnavailableError(str(error) or type(error).__name__) from error
