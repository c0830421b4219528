"""What the token server asks LiveKit itself: whether it answers with our key, which calls go on, which rooms lack an agent."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from livekit import api

from token_server.dispatches import Dispatcher
from token_server.errors import RefusedError
from token_server.livekit_errors import UNSAID
from token_server.places import Places
from token_server.remembered import Remembered
from token_server.telephone_rooms import TelephoneRooms

_ANSWERS_WITHIN_S = 3.0
_REMEMBERED_S = 1.5
_WATCH_S = 2.0
_RETRY_AFTER_S = 5

logger = logging.getLogger("token_server")


@dataclass
class _Rooms:
    """A look at LiveKit's rooms."""

    names: frozenset[str] = frozenset()
    refused: RefusedError | None = None
    """LiveKit didn't say."""


class Sfu:
    """LiveKit, as far as the token server needs to know it."""

    def __init__(self, livekit: api.LiveKitAPI, places: Places) -> None:
        self._livekit = livekit
        self._places = places
        self._rooms = Remembered(self._look, _REMEMBERED_S)
        self.dispatcher = Dispatcher(livekit)
        self.telephone_rooms = TelephoneRooms(livekit)

    async def check_answers(self) -> None:
        """Look whether LiveKit answers.

        Raises:
            RefusedError: it can't be reached, or doesn't know our key.
        """
        await self._latest()

    async def take_place(self, room: str, user: str, life_s: float) -> None:
        """Take a place for a token that is about to be given.

        Args:
            room: The room that the token opens.
            user: The identity of a user who had to say who they are; else empty.
            life_s: How long LiveKit will take the token.

        Raises:
            RefusedError: there are as many calls as may be, or LiveKit doesn't say.
        """
        if self._places.most_calls:
            await self._latest()
        if self._places.is_full_for(user, room):
            await self._rooms.get()
            await self._look_for(user)
        now_s = time.monotonic()
        self._places.take(room, user, now_s + life_s, now_s)

    async def watch(self) -> None:
        """Look at LiveKit's rooms from time to time, as long as there are tokens that may be used. Runs until cancelled."""
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
        if self._places.waits(now_s) or self.dispatcher.waits(now_s):
            rooms = await self._rooms.get()
            await self.dispatcher.rooms_exist(rooms.names, time.monotonic())

    async def _latest(self) -> _Rooms:
        rooms = await self._rooms.get()
        if rooms.refused is not None:
            raise rooms.refused.with_traceback(None)
        return rooms

    async def _look(self) -> _Rooms:
        looked_at_s = time.monotonic()
        try:
            found = await self._livekit.room.list_rooms(api.ListRoomsRequest())
        except api.TwirpError as error:
            if error.status in {401, 403}:
                return _unsaid("livekit_refuses", "LiveKit refuses the token server's key.")
            return _unsaid("livekit_unavailable", "LiveKit can't answer at the moment.")
        except UNSAID:
            return _unsaid("livekit_unavailable", "LiveKit can't be reached at the moment.")
        self._places.see([room.name for room in found.rooms if room.num_participants > 0], looked_at_s)
        return _Rooms(frozenset(room.name for room in found.rooms))

    async def _look_for(self, user: str) -> None:
        """Give back the places of rooms that go on without this user."""
        for room in self._places.used_by(user):
            try:
                present = await self._livekit.room.list_participants(api.ListParticipantsRequest(room=room))
            except UNSAID:
                continue  # then the place stays taken, until the room ends
            if all(participant.identity != user for participant in present.participants):
                self._places.leave(room, user)


def _unsaid(code: str, sentence: str) -> _Rooms:
    return _Rooms(refused=RefusedError(503, code, sentence, retry_after_s=_RETRY_AFTER_S))


@asynccontextmanager
async def sfu(url: str, key: str, secret: str, places: Places, *, proxy: str | None = None) -> AsyncIterator[Sfu]:
    """LiveKit's server API, for as long as the block lasts. Its rooms are watched meanwhile."""
    timeout = aiohttp.ClientTimeout(total=_ANSWERS_WITHIN_S)
    async with (
        aiohttp.ClientSession(timeout=timeout, proxy=proxy) as http,
        api.LiveKitAPI(url, key, secret, session=http) as livekit,
        asyncio.TaskGroup() as tasks,
    ):
        server = Sfu(livekit, places)
        watching = tasks.create_task(server.watch(), name="watching LiveKit's rooms")
        try:
            yield server
        finally:
            watching.cancel()
