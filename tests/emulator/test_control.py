"""The control endpoint over loopback: faults are asked for, told and cleared; bad bodies get one sentence."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from emulator.control import controlling
from emulator.faults.asked import Faults
from tests.emulator.test_faults import FaultyTalk


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def client(faults: Faults) -> AsyncIterator[aiohttp.ClientSession]:
    def sessions() -> list[Any]:
        return [{"handle": "h"}]

    def journal() -> list[Any]:
        return [{"t": 0.5, "message": {}}]

    async with controlling(faults, sessions, journal) as url, aiohttp.ClientSession(url) as session:
        yield session


async def test_a_fault_is_asked_for_happens_and_is_cleared(client: aiohttp.ClientSession, faults: Faults) -> None:
    talk = FaultyTalk(faults=faults)
    async with client.post("/faults", json={"name": "close", "code": 1008}) as response:
        assert response.status == 201
        assert (await response.json())["parameters"]["code"] == 1008
    assert talk.closed() is None
    talk.pass_time(0)
    assert talk.closed() == 1008, "it takes effect on the running session"
    async with client.get("/faults") as response:
        [told] = await response.json()
        assert (told["name"], told["asked"], told["happened"]) == ("close", 1, 1)
    async with client.delete("/faults") as response:
        assert response.status == 204
    async with client.get("/faults") as response:
        assert await response.json() == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the body is no JSON; "),
        (b"\xff", "the body is no JSON; "),
        (b"[" * 30_000, "the body is no JSON; "),
        (b"[]", 'a fault is written {"name": NAME, PARAMETER: VALUE, ...}; '),
        (b'{"name": "clsoe"}', "there is no fault 'clsoe'; did you mean close? "),
        (b'{"name": "close", "code": 7}', "fault close: code is 7; it must be a whole number from 1000 to 4999"),
    ],
)
async def test_a_bad_body_gets_one_sentence(client: aiohttp.ClientSession, faults: Faults, body: bytes, sentence: str) -> None:
    async with client.post("/faults", data=body) as response:
        assert response.status == 400
        assert (await response.json())["error"].startswith(sentence)
    assert faults.told() == []


async def test_sessions_and_journal_are_told(client: aiohttp.ClientSession) -> None:
    for path, told in (("/sessions", [{"handle": "h"}]), ("/journal", [{"t": 0.5, "message": {}}])):
        async with client.get(path) as response:
            assert response.status == 200
            assert await response.json() == told
