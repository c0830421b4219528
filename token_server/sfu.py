"""What the door asks LiveKit itself: whether it answers with our key, and how many calls go on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from livekit import api

from token_server.errors import RefusedError
from token_server.remembered import Remembered
from token_server.settings import Settings

_ANSWERS_WITHIN_S = 3.0
_REMEMBERED_S = 1.5
_RETRY_AFTER_S = 5


@dataclass
class _Rooms:
    """A look at LiveKit's rooms."""

    calls: int = 0
    let_in: int = 0
    """Tokens given since: their callers may not have joined yet."""
    refused: RefusedError | None = None
    """LiveKit didn't say."""


class Sfu:
    """LiveKit, as far as the door needs to know it."""

    def __init__(self, livekit: api.LiveKitAPI) -> None:
        self._livekit = livekit
        self._rooms = Remembered(self._look, _REMEMBERED_S)

    async def check_answers(self) -> None:
        """Look whether LiveKit answers.

        Raises:
            RefusedError: it can't be reached, or doesn't know our key.
        """
        await self._latest()

    async def check_calls(self, most: int) -> None:
        """Look whether one more call may begin, and count it until the next look.

        A token that is never used takes a place for that second or two alone, so a few calls more than `most` are possible.

        Raises:
            RefusedError: `most` calls go on, or LiveKit doesn't say.
        """
        rooms = await self._latest()
        if rooms.calls + rooms.let_in >= most:
            sentence = "All lines are busy. Please try again in a moment."
            raise RefusedError(503, "too_many_calls", sentence, retry_after_s=_RETRY_AFTER_S)
        rooms.let_in += 1

    async def _latest(self) -> _Rooms:
        rooms = await self._rooms.get()
        if rooms.refused is not None:
            raise rooms.refused.with_traceback(None)
        return rooms

    async def _look(self) -> _Rooms:
        try:
            found = await self._livekit.room.list_rooms(api.ListRoomsRequest())
        except api.TwirpError as error:
            if error.status in {401, 403}:
                return _unsaid("livekit_refuses", "LiveKit refuses the token server's key.")
            return _unsaid("livekit_unavailable", "LiveKit can't answer at the moment.")
        except (aiohttp.ClientError, TimeoutError, OSError):
            return _unsaid("livekit_unavailable", "LiveKit can't be reached at the moment.")
        return _Rooms(calls=sum(room.num_participants > 0 for room in found.rooms))


def _unsaid(code: str, sentence: str) -> _Rooms:
    return _Rooms(refused=RefusedError(503, code, sentence, retry_after_s=_RETRY_AFTER_S))


@asynccontextmanager
async def sfu(settings: Settings) -> AsyncIterator[Sfu]:
    """LiveKit's server API, for as long as the block lasts."""
    url, timeout = settings.api_url, aiohttp.ClientTimeout(total=_ANSWERS_WITHIN_S)
    async with (
        aiohttp.ClientSession(timeout=timeout, proxy=settings.livekit_proxy_for(url)) as http,
        api.LiveKitAPI(url, settings.key, settings.secret, session=http) as livekit,
    ):
        yield Sfu(livekit)
