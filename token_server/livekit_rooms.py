"""The token server's view of LiveKit: whether it accepts our key, which calls are active, which rooms lack an agent."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from livekit import api

from token_server.cached import Cached
from token_server.call_capacity import CallCapacity
from token_server.calls import Calls
from token_server.dispatches import Dispatcher
from token_server.errors import RefusedError
from token_server.livekit_errors import LIVEKIT_ERRORS, unavailable
from token_server.telephone_rooms import TelephoneRooms

_ANSWERS_WITHIN_S = 3.0
_REMEMBERED_S = 1.5
_WATCH_S = 2.0

logger = logging.getLogger("token_server")


@dataclass
class _Rooms:
    """LiveKit's list of rooms, or why there is none."""

    names: frozenset[str] = frozenset()
    refused: RefusedError | None = None
    """The refusal for clients, if LiveKit didn't answer."""


class LiveKitRooms:
    """LiveKit's rooms, with the calls that are reserved in them."""

    def __init__(self, livekit: api.LiveKitAPI, capacity: CallCapacity) -> None:
        self._livekit = livekit
        self._capacity = capacity
        self._rooms = Cached(self._list_rooms, _REMEMBERED_S)
        self.dispatcher = Dispatcher(livekit)
        self.telephone_rooms = TelephoneRooms(livekit)

    def calls(self, agent_name: str) -> Calls:
        """The calls of the agent of that name."""
        return Calls(self._livekit, agent_name)

    async def check_reachable(self) -> None:
        """Check that LiveKit answers with our key.

        Raises:
            RefusedError: it can't be reached, or doesn't know our key.
        """
        await self._latest()

    async def reserve_call(self, room: str, user: str, life_s: float) -> None:
        """Reserve a call for a token that is about to be given.

        Args:
            room: The room that the token opens.
            user: The user's identity in mode jwt; else empty.
            life_s: How long LiveKit will accept the token.

        Raises:
            RefusedError: there are as many calls as may be, or LiveKit doesn't say.
        """
        if self._capacity.most_calls:
            await self._latest()
        if self._capacity.is_full_for(user, room):
            await self._rooms.get()
            await self._release_left_rooms(user)
        now_s = time.monotonic()
        self._capacity.reserve(room, user, now_s + life_s, now_s)

    async def watch(self) -> None:
        """List LiveKit's rooms every `_WATCH_S` while there are tokens that may be used. Runs until cancelled."""
        failed = 0
        while True:
            try:
                await self._watch_once(time.monotonic())
            except Exception:  # a mistake of ours in one look must not end the token server
                failed += 1
                if failed == 1:
                    logger.exception("a look at LiveKit's rooms failed; further failures are not logged")
            await asyncio.sleep(_WATCH_S)

    async def _watch_once(self, now_s: float) -> None:
        if self._capacity.has_unused_tokens(now_s) or self.dispatcher.has_pending_rooms(now_s):
            rooms = await self._rooms.get()
            await self.dispatcher.retry(rooms.names, time.monotonic())

    async def _latest(self) -> _Rooms:
        rooms = await self._rooms.get()
        if rooms.refused is not None:
            raise rooms.refused.with_traceback(None)
        return rooms

    async def _list_rooms(self) -> _Rooms:
        looked_at_s = time.monotonic()
        try:
            found = await self._livekit.room.list_rooms(api.ListRoomsRequest())
        except LIVEKIT_ERRORS as error:
            return _Rooms(refused=unavailable(error))
        self._capacity.update([room.name for room in found.rooms if room.num_participants > 0], looked_at_s)
        return _Rooms(frozenset(room.name for room in found.rooms))

    async def _release_left_rooms(self, user: str) -> None:
        """Release the user's calls whose rooms are active without this user."""
        for room in self._capacity.rooms_of(user):
            try:
                present = await self._livekit.room.list_participants(api.ListParticipantsRequest(room=room))
            except LIVEKIT_ERRORS:
                continue  # then the call stays reserved until the room ends
            if all(participant.identity != user for participant in present.participants):
                self._capacity.release(room, user)


@asynccontextmanager
async def livekit_rooms(
    url: str, key: str, secret: str, capacity: CallCapacity, *, proxy: str | None = None
) -> AsyncIterator[LiveKitRooms]:
    """A client of LiveKit's server API, which watches the rooms for as long as the block lasts."""
    timeout = aiohttp.ClientTimeout(total=_ANSWERS_WITHIN_S)
    async with (
        aiohttp.ClientSession(timeout=timeout, proxy=proxy) as http,
        api.LiveKitAPI(url, key, secret, session=http) as livekit,
        asyncio.TaskGroup() as tasks,
    ):
        server = LiveKitRooms(livekit, capacity)
        watching = tasks.create_task(server.watch(), name="watching LiveKit's rooms")
        try:
            yield server
        finally:
            watching.cancel()
