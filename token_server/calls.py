"""Starts, lists and ends calls, on whichever worker they are, by LiveKit's RoomService and AgentDispatchService."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from livekit import api

from token_server.call_forms import Call, CallList, CallQuery
from token_server.call_view import RoomFacts, call_of, started_at
from token_server.errors import RefusedError
from token_server.grants import IssuedToken
from token_server.livekit_errors import LIVEKIT_ERRORS, unavailable

T = TypeVar("T")
_ROOMS_AT_ONCE = 8
"""Rooms that LiveKit is asked about at the same time."""


class Calls:
    """The calls of one agent: rooms that it is in, or is dispatched into. Each method may raise RefusedError."""

    def __init__(self, livekit: api.LiveKitAPI, agent_name: str) -> None:
        self._livekit = livekit
        self._agent_name = agent_name

    async def start(self, issued: IssuedToken) -> api.Room:
        """Create the room of a token, with the token's agents dispatched into it.

        Raises:
            RefusedError: there is such a room already.
        """
        async with _asking():
            if await self._rooms([issued.room]):
                sentence = f"room: there is a room {issued.room!r} already; choose another name, or leave it out."
                raise RefusedError(409, "room_exists", sentence)
            request = api.CreateRoomRequest(name=issued.room, agents=issued.dispatches)
            return await self._livekit.room.create_room(request)

    async def listed(self, query: CallQuery) -> CallList:
        """The calls that a query asks for, the newest first."""
        async with _asking():
            rooms = await self._rooms([] if query.room is None else [query.room])
            after = None if query.after is None else _read(query.after)
            rooms = sorted((room for room in rooms if after is None or _place(room) > after), key=_place)
            found: list[Call] = []
            for begin in range(0, len(rooms), _ROOMS_AT_ONCE):
                some = rooms[begin : begin + _ROOMS_AT_ONCE]
                found += [call for call in await asyncio.gather(*map(self._look, some)) if call is not None]
                if len(found) > query.limit:
                    break
        shown = tuple(found[: query.limit])
        return CallList(calls=shown, next=_written(shown[-1]) if len(found) > len(shown) else None)

    async def find(self, call_id: str) -> Call:
        """The call of that id.

        Raises:
            RefusedError: there is none.
        """
        async with _asking():
            for room in await self._rooms([]):
                if room.sid == call_id and (call := await self._look(room)) is not None:
                    return call
        raise _no_call()

    async def end(self, call_id: str) -> None:
        """End the call of that id: its room is deleted, and everybody in it is put out.

        Raises:
            RefusedError: there is none.
        """
        call = await self.find(call_id)
        async with _asking():
            if await _unless_gone(self._livekit.room.delete_room(api.DeleteRoomRequest(room=call.room))) is None:
                raise _no_call()

    async def _rooms(self, names: Sequence[str]) -> list[api.Room]:
        return list((await self._livekit.room.list_rooms(api.ListRoomsRequest(names=names))).rooms)

    async def _look(self, room: api.Room) -> Call | None:
        present, dispatches = await asyncio.gather(
            _unless_gone(self._livekit.room.list_participants(api.ListParticipantsRequest(room=room.name))),
            _unless_gone(self._livekit.agent_dispatch.list_dispatch(room.name)),
        )
        if present is None or dispatches is None:
            return None
        return call_of(RoomFacts(room, present.participants, dispatches), self._agent_name)


def _place(room: api.Room) -> tuple[int, str]:
    """The room's place in a list of calls, the newest first."""
    return -round(started_at(room).timestamp() * 1000), room.sid


def _written(call: Call) -> str:
    """The place of a call in the list, as `next` has it."""
    return f"{round(call.started_at.timestamp() * 1000)}.{call.id}"


def _read(after: str) -> tuple[int, str]:
    milliseconds, _, call_id = after.partition(".")
    return -int(milliseconds), call_id


def _no_call() -> RefusedError:
    return RefusedError(404, "no_call", "There is no such call; it may have ended.")


@asynccontextmanager
async def _asking() -> AsyncIterator[None]:
    """A block that asks LiveKit.

    Raises:
        RefusedError: LiveKit doesn't answer.
    """
    try:
        yield
    except LIVEKIT_ERRORS as error:
        raise unavailable(error) from None


async def _unless_gone(answer: Awaitable[T]) -> T | None:
    """LiveKit's answer about a room; None if there is no such room any more."""
    try:
        return await answer
    except api.TwirpError as error:
        if error.code == api.TwirpErrorCode.NOT_FOUND:
            return None
        raise
