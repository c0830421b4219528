"""Clients of the Redis that workers on several machines share. REDIS_URL is its address."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis.asyncio import Redis, Sentinel
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from configuration.errors import ValueMistakeError

_CONNECT_S = 1.0
_ANSWER_S = 1.0
"""The longest wait for a connection and for an answer. A call waits for them."""
_SCHEMES = ("redis", "rediss", "unix")
"""TCP, TLS, and a Unix socket."""
_SENTINEL = "+sentinel"
_SENTINEL_PORT = 26379
_EXAMPLE = "redis://127.0.0.1:6379/0"
_SENTINEL_EXAMPLE = "redis+sentinel://:password@host1:26379,host2:26379/name-of-the-master/0"


@dataclass(frozen=True)
class _Sentinels:
    """A master that sentinels know, and the address of a Redis as it would be without them."""

    addresses: tuple[tuple[str, int], ...]
    master: str
    redis_url: str
    options: dict[str, str]
    """`username` and `password` for the sentinels themselves (docs/facts.md L293)."""


def check_redis_url(url: str) -> None:
    """Refuse an address that is no Redis.

    Raises:
        ValueMistakeError: names REDIS_URL and what is wrong with it, without its password.
    """
    scheme = urlsplit(url).scheme
    if scheme.removesuffix(_SENTINEL) not in _SCHEMES or scheme == f"unix{_SENTINEL}":
        known = ", ".join(f"{each}://" for each in (*_SCHEMES, f"redis{_SENTINEL}", f"rediss{_SENTINEL}"))
        raise ValueMistakeError("REDIS_URL", "***", f"it begins with one of {known}, such as {_EXAMPLE}")
    try:
        parse_url(_sentinels(url).redis_url if scheme.endswith(_SENTINEL) else url)
    except ValueError as error:
        example = _SENTINEL_EXAMPLE if scheme.endswith(_SENTINEL) else _EXAMPLE
        raise ValueMistakeError("REDIS_URL", "***", f"it has a mistake; write it as {example}") from error


@asynccontextmanager
async def redis_client(url: str, *, decode_responses: bool) -> AsyncIterator[Redis]:
    """A client for many commands, which keeps its connections. It connects with its first command, and again when one is lost.

    Args:
        url: the address of a Redis, or of the sentinels that know it.
        decode_responses: whether answers are texts; bytes otherwise.

    Raises:
        ValueMistakeError: the address is none.
    """
    check_redis_url(url)
    waits: dict[str, Any] = {
        "decode_responses": decode_responses,
        "socket_connect_timeout": _CONNECT_S,
        "socket_timeout": _ANSWER_S,
        "retry": Retry(NoBackoff(), 1),  # for a connection that the server has closed; its own: docs/facts.md L292
    }
    async with AsyncExitStack() as opened:
        if urlsplit(url).scheme.endswith(_SENTINEL):
            yield await opened.enter_async_context(_master(_sentinels(url), opened, waits))
        else:
            yield await opened.enter_async_context(Redis.from_url(url, **waits))


@asynccontextmanager
async def connected_redis(url: str) -> AsyncIterator[Redis]:
    """A client with text answers for the few commands of this block.

    Raises:
        OSError: the server can't be reached, doesn't answer in time, or refuses a command that is sent within the block.
    """
    async with redis_client(url, decode_responses=True) as client:
        try:
            yield client
        except RedisError as error:
            raise OSError(f"Redis: {error}") from error


def _sentinels(url: str) -> _Sentinels:
    """The parts of `redis+sentinel://[user:password@]host[:port][,host[:port]]/master[/db][?sentinel_password=...]`."""
    split = urlsplit(url)
    login, _, hosts = split.netloc.rpartition("@")
    master, _, database = split.path.removeprefix("/").partition("/")
    if not master or not hosts:
        raise ValueError("a host or the name of the master is missing")
    addresses = []
    for each in hosts.split(","):
        parts = urlsplit(f"//{each}")
        addresses.append((parts.hostname or "", parts.port or _SENTINEL_PORT))
    query = dict(parse_qsl(split.query))
    options = {key: query.pop(f"sentinel_{key}") for key in ("username", "password") if f"sentinel_{key}" in query}
    scheme = split.scheme.removesuffix(_SENTINEL)
    redis_url = f"{scheme}://{login}{'@' if login else ''}master/{database or 0}?{urlencode(query)}"
    return _Sentinels(tuple(addresses), master, redis_url, options)


def _master(sentinels: _Sentinels, opened: AsyncExitStack, waits: dict[str, Any]) -> Redis:
    parsed: dict[str, Any] = dict(parse_url(sentinels.redis_url))
    del parsed["host"]
    tls: dict[str, Any] = {} if parsed.pop("connection_class", None) is None else {"ssl": True}
    certificates = {key: value for key, value in parsed.items() if key.startswith("ssl_")}
    asked = {**waits, "decode_responses": True, **tls, **certificates, **sentinels.options}
    sentinel = Sentinel(sentinels.addresses, sentinel_kwargs=asked)  # type: ignore[no-untyped-call]
    for client in sentinel.sentinels:
        opened.push_async_callback(client.aclose)
    master: Redis = sentinel.master_for(sentinels.master, **parsed, **waits, **tls)
    return master
