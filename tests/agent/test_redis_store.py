"""Remembered calls in a real Redis: taken once, gone when they have expired. A call goes on without Redis."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from agent.call.caller_memory import caller_memory
from agent.call.redis_store import RedisStore
from agent.call.remembered_call import REMEMBERED_S
from agent.errors import SettingsError
from agent.settings import Settings, read_settings
from failover.redis_client import connected_redis
from tests.agent.people import PeopledRoom
from tests.agent.test_caller_memory import LINES, NUMBER, PERSONA, remembered
from tests.ports import free_port
from tests.telephony.stack import redis

SECRET = b"a secret"


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    async with redis() as port:
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
async def store(url: str) -> RedisStore:
    async with connected_redis(url) as client:
        await client.flushdb()
    return RedisStore(url, SECRET)


def settings(**given: Any) -> Settings:
    return read_settings(None, **{"google_api_key": "key", "resume_callers": "identity", **given})


async def test_a_call_is_taken_once(store: RedisStore) -> None:
    kept = remembered()
    await store.put("ada", kept)
    taken = await asyncio.gather(*(store.take("ada") for _ in range(8)))
    assert [call for call in taken if call is not None] == [kept], "of calls at once one gets it"


async def test_a_caller_gets_their_own_last_call(store: RedisStore, url: str) -> None:
    newest = remembered("h2")
    await store.put("ada", newest)
    await store.put("ada", replace(remembered("h1"), ended_at=newest.ended_at - 60))
    assert await store.take("bob") is None
    assert await RedisStore(url, b"another secret").take("ada") is None
    assert await store.take("ada") == newest


async def test_it_expires_with_the_memory_and_no_key_shows_whose_it_is(store: RedisStore, url: str) -> None:
    await store.put(f"phone {NUMBER}", replace(remembered(), ended_at=time.time() - REMEMBERED_S + 60))
    async with connected_redis(url) as client:
        [key] = await client.keys("*")
        assert NUMBER not in key
        assert 0 < await client.ttl(key) <= 60
    await store.put("bob", replace(remembered(), ended_at=time.time() - REMEMBERED_S - 1))
    assert await store.take("bob") is None


async def test_a_call_remembers_what_another_one_has_left(store: RedisStore, url: str) -> None:
    first, second = (caller_memory(settings(redis_url=url), PERSONA, PeopledRoom(), is_console=False) for _ in range(2))
    first.caller_came("ada")
    await first.keep("h1", LINES, LINES)
    second.caller_came("ada")
    found = await second.recall()
    assert found is not None
    assert (found.handle, found.lines) == ("h1", tuple(LINES))


async def test_a_redis_that_is_away_is_a_warning_and_the_call_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    away = f"redis://:s3cret@127.0.0.1:{free_port()}/0"
    memory = caller_memory(settings(redis_url=away), PERSONA, PeopledRoom(), is_console=False)
    memory.caller_came("ada")
    with caplog.at_level(logging.WARNING, logger="earshot.call"):
        assert await memory.recall() is None
        await memory.keep("h1", LINES, LINES)
    assert [record.message for record in caplog.records] == [
        "the caller's last call can't be read",
        "the call can't be remembered",
    ]
    assert "s3cret" not in caplog.text + repr([record.__dict__ for record in caplog.records])


@pytest.mark.parametrize("url", ["127.0.0.1:6379", "http://127.0.0.1", "s3cret"])
def test_an_address_that_is_no_redis_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(
        SettingsError, match=r"REDIS_URL is '\*\*\*': it begins with one of redis://, rediss://, unix://"
    ) as caught:
        settings(redis_url=url)
    assert "s3cret" not in str(caught.value)
