"""A value that is fetched again only after a while, and by one request at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Cached(Generic[T]):
    """Keeps what `fetch` returned for `ttl_s` seconds. Requests that come meanwhile wait for one fetch."""

    def __init__(self, fetch: Callable[[], Awaitable[T]], ttl_s: float) -> None:
        self._fetch = fetch
        self._ttl_s = ttl_s
        self._fetching = asyncio.Lock()
        self._value: T | None = None
        self._expires_at = -1.0

    async def get(self) -> T:
        """The value, at most `ttl_s` old."""
        async with self._fetching:
            if self._value is None or time.monotonic() >= self._expires_at:
                self._value = await self._fetch()
                self._expires_at = time.monotonic() + self._ttl_s
            return self._value
