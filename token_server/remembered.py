"""An answer that is asked for again only after a while, and by one request at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """What `ask` said last, for `for_s` seconds. However many wait for it, it is asked once."""

    def __init__(self, ask: Callable[[], Awaitable[T]], for_s: float) -> None:
        self._ask = ask
        self._for_s = for_s
        self._asking = asyncio.Lock()
        self._answer: T | None = None
        self._good_until = -1.0

    async def get(self) -> T:
        """The answer."""
        async with self._asking:
            if self._answer is None or time.monotonic() >= self._good_until:
                self._answer = await self._ask()
                self._good_until = time.monotonic() + self._for_s
            return self._answer
