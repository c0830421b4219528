"""Remembered calls in Redis: a `CallerStore` that workers on several machines share."""

from agent.call.caller_store import hidden_name
from agent.call.remembered_call import REMEMBERED_S, RememberedCall, from_json, to_json
from failover.redis_client import connected_redis

_PREFIX = "earshot:caller:"

_PUT_UNLESS_OLDER = """
local kept = redis.call('GET', KEYS[1])
if kept and cjson.decode(kept).ended_at > tonumber(ARGV[2]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[3])
return 1
"""
"""A script runs as one step in Redis, so of two calls that end at once the newer one stays."""


class RedisStore:
    """One key for each caller, named by a hash with a secret. Redis deletes it when the call is no longer remembered.

    Args:
        url: the server's address, with its password.
        secret: the key of the hash.
    """

    def __init__(self, url: str, secret: bytes) -> None:
        self._url = url
        self._secret = secret

    async def put(self, caller: str, remembered: RememberedCall) -> None:
        expires_ms = round((remembered.ended_at + REMEMBERED_S) * 1000)
        async with connected_redis(self._url) as redis:
            put = redis.register_script(_PUT_UNLESS_OLDER)
            await put(keys=[self._key(caller)], args=[to_json(remembered), repr(remembered.ended_at), expires_ms])

    async def take(self, caller: str) -> RememberedCall | None:
        async with connected_redis(self._url) as redis:
            text: str | None = await redis.getdel(self._key(caller))
        return None if text is None else from_json(text)

    def _key(self, caller: str) -> str:
        return f"{_PREFIX}{hidden_name(caller, self._secret)}"
