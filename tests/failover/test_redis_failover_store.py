"""The Redis store with a real Redis: what a renewal costs, what is left; a Redis away, empty, behind TLS or sentinels."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from configuration import ValueMistakeError
from demo.parts import Program, running
from failover.errors import StoreUnavailableError
from failover.lease import EXPIRES_S, State
from failover.opening import StoreConfig, open_store
from failover.redis_client import check_redis_url, redis_client
from tests.failover.stores import FLEET, KEY, ROOM, SECRET, in_redis
from tests.ports import free_port

READY = re.compile(r"Ready to accept connections|\+monitor master")


@asynccontextmanager
async def redis_server(*options: object) -> AsyncIterator[None]:
    program = shutil.which("redis-server")
    assert program is not None, "there is no redis-server; `sh scripts/packages` says how to get it"
    argv = [program, *map(str, options)]
    async with running(Program("redis", argv, None, READY, show=lambda _: None)) as part:
        await part.ready()
        yield


def unsaved(port: int) -> tuple[object, ...]:
    return ("--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    port = free_port()
    async with redis_server(*unsaved(port)):
        yield f"redis://127.0.0.1:{port}/0"


@asynccontextmanager
async def look_into(url: str) -> AsyncIterator[Any]:
    async with redis_client(url, decode_responses=False) as client:
        yield client


async def scripts_run(redis: Any) -> int:
    statistics = await redis.info("commandstats")
    return int(statistics["cmdstat_evalsha"]["calls"])


async def test_a_renewal_is_one_script_and_keys_expire_and_show_nothing(url: str) -> None:
    async with open_store(in_redis(url, KEY)) as store, look_into(url) as redis:
        lease = await store.acquire(ROOM, "agent-1", "worker-1")
        assert lease is not None
        lease = await store.write(lease, b"what was said")
        before = await scripts_run(redis)
        for _ in range(10):
            lease = await store.renew(lease)
        assert await scripts_run(redis) - before == 10
        for key in await redis.keys("*"):
            assert ROOM.encode() not in key
            assert 0 < await redis.ttl(key) <= EXPIRES_S
            if await redis.type(key) == b"hash":
                content = b"".join((await redis.hgetall(key)).values())
                assert ROOM.encode() not in content
                assert b"what was said" not in content
        await store.release(lease)
        assert await redis.keys("*") == []


async def test_a_lease_that_redis_has_deleted_leaves_no_name(url: str) -> None:
    async with open_store(in_redis(url)) as store, look_into(url) as redis:
        assert await store.acquire(ROOM, "agent-1", "worker-1") is not None
        [key] = await redis.keys("*call:*")
        await redis.delete(key)
        assert await store.leases() == []
        assert await redis.keys("*") == []


async def test_a_lease_that_is_damaged_is_ignored(url: str) -> None:
    async with open_store(in_redis(url)) as store, look_into(url) as redis:
        lease = await store.acquire(ROOM, "agent-1", "worker-1")
        assert lease is not None
        [key] = await redis.keys("*call:*")
        await redis.hset(key, "lease", "{")
        assert await store.leases() == []
        assert (await store.renew(lease)).state is State.HELD, "its holder writes it anew"
        assert len(await store.leases()) == 1
        await store.release(lease)


async def test_calls_go_on_after_a_redis_that_comes_back_empty() -> None:
    port = free_port()
    async with open_store(in_redis(f"redis://127.0.0.1:{port}/0")) as store:
        with pytest.raises(StoreUnavailableError, match="Redis"):
            await store.acquire(ROOM, "agent-1", "worker-1")
        async with redis_server(*unsaved(port)):
            lease = await store.acquire(ROOM, "agent-1", "worker-1")
            assert lease is not None
        with pytest.raises(StoreUnavailableError):
            await store.renew(lease)
        async with redis_server(*unsaved(port)):
            assert await store.renew(lease) is not None
            await store.write(lease, b"words")
            assert await store.acquire(ROOM, "agent-2", "worker-2") is None
            assert await store.lapsed() == []


async def test_a_redis_that_does_not_answer_is_unavailable_within_its_time() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with open_store(in_redis(f"redis://:s3cret@127.0.0.1:{port}/0")) as store:
            with pytest.raises(StoreUnavailableError) as caught:
                async with asyncio.timeout(5):
                    await store.acquire(ROOM, "agent-1", "worker-1")
    assert "s3cret" not in caught.value.reason


async def test_it_works_behind_tls(tmp_path: Path) -> None:
    authority, port = trustme.CA(), free_port()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    files = (
        "--tls-cert-file",
        tmp_path / "cert.pem",
        "--tls-key-file",
        tmp_path / "key.pem",
        "--tls-ca-cert-file",
        tmp_path / "ca.pem",
    )
    async with (
        redis_server(*unsaved(0), "--tls-port", port, "--tls-auth-clients", "no", *files),
        open_store(in_redis(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={tmp_path / 'ca.pem'}")) as store,
    ):
        assert await store.acquire(ROOM, "agent-1", "worker-1") is not None
        assert len(await store.leases()) == 1
        async with open_store(in_redis(f"rediss://127.0.0.1:{port}/0")) as trusting_nobody:
            with pytest.raises(StoreUnavailableError):
                await trusting_nobody.leases()


async def test_sentinels_say_where_the_master_is(tmp_path: Path) -> None:
    port, sentinel, nobody = free_port(), free_port(), free_port()
    conf = tmp_path / "sentinel.conf"
    conf.write_text(
        f"port {sentinel}\nbind 127.0.0.1\nsentinel monitor calls 127.0.0.1 {port} 1\nsentinel auth-pass calls s3cret\n"
    )
    url = f"redis+sentinel://:s3cret@127.0.0.1:{nobody},127.0.0.1:{sentinel}/calls/1"
    async with (
        redis_server(*unsaved(port), "--requirepass", "s3cret"),
        redis_server(conf, "--sentinel"),
        open_store(in_redis(url)) as store,
    ):
        lease = await store.acquire(ROOM, "agent-1", "worker-1")
        assert lease is not None
        assert await store.renew(lease) is not None
        async with look_into(f"redis://:s3cret@127.0.0.1:{port}/1") as redis:
            assert len(await redis.keys("*")) == 2, "in the database that the address names"


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://:s3cret@host",
        "redis+sentinel:///name",
        "redis+sentinel://host:port/s3cret",
        "redis://s3cret:port",
        "redis://host?socket_timeout=s3cret",
        "unix+sentinel://s3cret/name",
        "s3cret",
    ],
)
def test_an_address_with_a_mistake_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ValueMistakeError, match=r"REDIS_URL is '\*\*\*': it .* redis") as caught:
        check_redis_url(url)
    assert "s3cret" not in str(caught.value)


async def test_without_a_folder_and_a_redis_the_sentence_says_what_to_set() -> None:
    with pytest.raises(ValueMistakeError, match="FAILOVER_DIR is None: this machine has neither"):
        async with open_store(StoreConfig(None, None, (), FLEET, SECRET)):
            pass


async def test_a_key_that_is_none_is_refused_without_it() -> None:
    with pytest.raises(ValueMistakeError, match=r"CHECKPOINT_KEY is .*: it is one Fernet key") as caught:
        async with open_store(in_redis("redis://127.0.0.1", "s3cret")):
            pass
    assert "s3cret" not in str(caught.value)
