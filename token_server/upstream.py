"""The servers that the token server asks while it runs: LiveKit, and the health servers of the workers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from token_server.call_capacity import CallCapacity
from token_server.livekit_rooms import LiveKitRooms, livekit_rooms
from token_server.settings import TokenServerSettings
from token_server.workers import Workers, workers


class Upstream:
    """LiveKit and the workers. They are there while `connected` is entered: whenever a request is answered."""

    def __init__(self, settings: TokenServerSettings) -> None:
        self._settings = settings
        self._livekit: LiveKitRooms | None = None
        self._workers: Workers | None = None

    @property
    def livekit(self) -> LiveKitRooms:
        assert self._livekit is not None
        return self._livekit

    @property
    def workers(self) -> Workers | None:
        """The workers; None without TOKEN_WORKERS_URL."""
        return self._workers

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """A block in which both can be asked."""
        settings = self._settings
        capacity = CallCapacity(settings.token_most_calls, settings.token_calls_per_user)
        proxy = settings.livekit_proxy_for(settings.api_url)
        connecting = livekit_rooms(settings.api_url, settings.key, settings.secret, capacity, proxy=proxy)
        async with connecting as self._livekit, workers(settings.token_workers_url) as self._workers:
            yield
