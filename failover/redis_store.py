"""A store in Redis, which workers on several machines share. Its times are Redis's own.

A fleet has these keys, under the prefix `earshot:failover:FORMAT:{FLEET}:`. The braces keep them in one slot of a cluster.

    call:NAME   a hash with `lease` (JSON), `at` (the time of the last event, in microseconds), `room`, `checkpoint`
    calls       a sorted set of all NAMEs, by the time from which the lease is LAPSED
    sweeper     the watch that looks at all rooms; it expires some seconds after that watch's last look

Redis deletes a hash that no event has changed for EXPIRES_S. A change is a compare-and-set: the lease is read, the table
decides in this process, and a script writes the lease if nobody has changed it meanwhile. A holder knows its lease, so a
renewal is one round trip. Scripts read Redis's TIME (docs/facts.md L296).
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from failover.clock_check import ClockCheck
from failover.encryption import Encryption
from failover.errors import StoreUnavailableError
from failover.lease import EXPIRES_S, Acquire, Adopt, Event, Lease, Refusal, State, as_of, change, lapses_at
from failover.lease_operations import LeaseOperations
from failover.lease_text import UnreadableLeaseError, from_text, to_text
from failover.redis_client import redis_client

logger = logging.getLogger("earshot.failover")

_ANSWER_S = 2.0
"""The longest wait for an operation, with a lost connection that is made again."""
_MOST_TRIES = 5
_MOST_AT_ONCE = 100
"""So many lapsed leases are looked at in one step; the others come with the next."""
_UNKNOWN = b"?"
"""Is no lease that is written down, so a change that expects it only reads."""
_Answer = TypeVar("_Answer")

_CHANGE = """
local lease, at = unpack(redis.call('HMGET', KEYS[1], 'lease', 'at'))
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if (lease or '') ~= ARGV[2] or (ARGV[3] ~= '' and at ~= ARGV[3]) then
  return {0, now, lease or '', at or ''}
end
if ARGV[4] == '' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
  return {1, now}
end
redis.call('HSET', KEYS[1], 'lease', ARGV[4], 'at', string.format('%.0f', now), 'room', ARGV[6])
if ARGV[8] then
  redis.call('HSET', KEYS[1], 'checkpoint', ARGV[8])
end
redis.call('PEXPIRE', KEYS[1], ARGV[7])
redis.call('ZADD', KEYS[2], now + ARGV[5], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[7])
return {1, now}
"""
_LIST = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local names
if ARGV[2] == '' then
  names = redis.call('ZRANGE', KEYS[1], 0, -1)
else
  names = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
end
local found = {}
for _, name in ipairs(names) do
  local lease, at, room = unpack(redis.call('HMGET', ARGV[1] .. name, 'lease', 'at', 'room'))
  if lease then
    found[#found + 1] = {lease, at, room}
  else
    redis.call('ZREM', KEYS[1], name)
  end
end
return {now, found}
"""
_SWEEP = """
local sweeper = redis.call('GET', KEYS[1])
if sweeper and sweeper ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


@asynccontextmanager
async def redis_store(url: str, prefix: str, encryption: Encryption) -> AsyncIterator["RedisStore"]:
    """The store, with one client for as long as it is open. It connects with its first operation.

    Args:
        url: the address of a Redis, or of sentinels.
        prefix: begins the names of all keys.
        encryption: names the calls, and encrypts rooms and checkpoints.

    Raises:
        ValueMistakeError: the address is none.
    """
    async with redis_client(url, decode_responses=False) as redis:
        yield RedisStore(redis, prefix, encryption)


class RedisStore(LeaseOperations):
    """Leases and checkpoints in Redis. Its arguments are those of `redis_store`."""

    def __init__(self, redis: Redis, prefix: str, encryption: Encryption) -> None:
        self._prefix = prefix
        self._encryption = encryption
        self._redis = redis
        self._change = redis.register_script(_CHANGE)
        self._list = redis.register_script(_LIST)
        self._sweep = redis.register_script(_SWEEP)
        self._clock_check = ClockCheck()
        self._has_told = False

    async def apply(
        self, room: str, event: Event, *, known: Lease | None = None, checkpoint: bytes | None = None
    ) -> Lease | Refusal | None:
        before, now = known, 0.0 if known is None else known.changed_at
        kept = _Kept(b"" if known is None else to_text(known).encode(), b"")
        if known is None and not isinstance(event, Acquire | Adopt):
            now, kept = await self._look(room)
            before = kept.lease(room)
        for _ in range(_MOST_TRIES):
            after = change(before, event, now)
            if after is Refusal.REFUSED:
                return after
            now, found = await self._compare_and_set(room, kept, after, checkpoint)
            if found is None:
                return None if after is None else replace(after, changed_at=now)
            kept = found
            before = kept.lease(room)
        raise StoreUnavailableError("Redis: the lease of a call changes all the time")

    async def read(self, room: str) -> bytes | None:
        asked = self._redis.hmget(self._key(room), ["checkpoint"])
        [content] = await _answer(cast("Awaitable[list[bytes | None]]", asked))
        decrypted = None if content is None else self._encryption.decrypt(content)
        if content is not None and decrypted is None:
            logger.warning("a call's checkpoint is encrypted with another key, and is ignored", extra={"key": self._key(room)})
        return decrypted

    async def find(self, room: str) -> Lease | None:
        now, kept = await self._look(room)
        lease = kept.lease(room)
        return None if lease is None else as_of(lease, now)

    async def lapsed(self) -> list[Lease]:
        now, leases = await self._leases(str(_MOST_AT_ONCE))
        if self._clock_check.is_trusted(now, time.monotonic()):
            leases = [as_of(lease, now) for lease in leases]
        return [lease for lease in leases if lease.state is State.LAPSED]

    async def leases(self) -> list[Lease]:
        now, leases = await self._leases("")
        return [as_of(lease, now) for lease in leases]

    async def may_sweep(self, sweeper: str, for_s: float) -> bool:
        return bool(await _answer(self._sweep(keys=[f"{self._prefix}sweeper"], args=[sweeper, round(for_s * 1000)])))

    async def _look(self, room: str) -> tuple[float, "_Kept"]:
        """Redis's time, and what is kept of a room's lease."""
        now, kept = await self._compare_and_set(room, _Kept(_UNKNOWN, b""), None, None)
        assert kept is not None
        return now, kept

    async def _compare_and_set(
        self, room: str, before: "_Kept", after: Lease | None, checkpoint: bytes | None
    ) -> tuple[float, "_Kept | None"]:
        """Redis's time, and what is kept of the lease if it isn't what was expected; then nothing is changed."""
        name = self._encryption.name(room)
        text = "" if after is None else to_text(after)
        lapses_after_us = 0 if after is None else round((lapses_at(after) - after.changed_at) * 1_000_000)
        hidden_room = self._encryption.encrypt(room.encode())
        arguments: list[bytes | str | float] = [
            name,
            before.text,
            before.at,
            text,
            lapses_after_us,
            hidden_room,
            round(EXPIRES_S * 1000),
        ]
        if checkpoint is not None:
            arguments.append(self._encryption.encrypt(checkpoint))
        answer = await _answer(self._change(keys=[self._key(room), self._index], args=arguments))
        return answer[1] / 1_000_000, None if answer[0] else _Kept(answer[2], answer[3])

    async def _leases(self, most: str) -> tuple[float, list[Lease]]:
        now, found = await _answer(self._list(keys=[self._index], args=[self._key(), most]))
        leases = []
        for text, at, hidden_room in found:
            room = self._encryption.decrypt(hidden_room)
            lease = None if room is None else _Kept(text, at).lease(room.decode(errors="replace"))
            if lease is not None:
                leases.append(lease)
            elif not self._has_told:
                self._has_told = True
                logger.warning("leases in Redis are encrypted with another key, or no leases; they are ignored")
        return now / 1_000_000, leases

    def _key(self, room: str | None = None) -> str:
        return f"{self._prefix}call:{'' if room is None else self._encryption.name(room)}"

    @property
    def _index(self) -> str:
        return f"{self._prefix}calls"


@dataclass(frozen=True)
class _Kept:
    """The fields `lease` and `at` of a call's hash; both are empty if there is none."""

    text: bytes
    at: bytes
    """Empty in a comparison: whenever it was."""

    def lease(self, room: str) -> Lease | None:
        if not self.text:
            return None
        try:
            return from_text(self.text, room, int(self.at) / 1_000_000)
        except (UnreadableLeaseError, ValueError):
            return None


async def _answer(operation: Awaitable[_Answer]) -> _Answer:
    """Redis's answer to an operation.

    Raises:
        StoreUnavailableError: it didn't come in time, or is an error.
    """
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await operation
    except TimeoutError as error:
        raise StoreUnavailableError(f"Redis: no answer within {_ANSWER_S:g} s") from error
    except (RedisError, OSError) as error:
        raise StoreUnavailableError(f"Redis: {error}") from error
