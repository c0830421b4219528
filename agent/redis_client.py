"""Connections to Redis, for state that workers on several machines share. REDIS_URL is the server's address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError

_CONNECT_S = 1.0
_ANSWER_S = 1.0
"""The longest wait for a connection and for an answer. A call waits for them."""


@asynccontextmanager
async def connected_redis(url: str) -> AsyncIterator[Redis]:
    """A client of the server with text answers. The client connects with its first command.

    Raises:
        OSError: the server can't be reached, doesn't answer in time, or refuses a command that is sent within the block.
    """
    async with Redis.from_url(
        url, decode_responses=True, socket_connect_timeout=_CONNECT_S, socket_timeout=_ANSWER_S
    ) as client:
        try:
            yield client
        except RedisError as error:
            raise OSError(f"Redis: {error}") from error
