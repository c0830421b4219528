"""The control endpoint over loopback: faults are asked for, told and cleared; bad bodies get one sentence."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from emulator.control import controlling
from emulator.faults.asked import Faults
from emulator.sessions import Sessions
from tests.emulator.faulty_talk import FaultyTalk


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


@pytest.fixture
async def client(faults: Faults, sessions: Sessions) -> AsyncIterator[aiohttp.ClientSession]:
    def journal() -> list[Any]:
        return [{"t": 0.5, "message": {}}]

    headers = {"Content-Type": "application/json"}
    async with controlling(faults, sessions, journal) as url, aiohttp.ClientSession(url, headers=headers) as session:
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
    assert faults.report() == []


async def test_sessions_and_journal_are_told(client: aiohttp.ClientSession, sessions: Sessions) -> None:
    memory = sessions.open(None, 0)
    async with client.get("/journal") as response:
        assert await response.json() == [{"t": 0.5, "message": {}}]
    async with client.get("/sessions") as response:
        [told] = await response.json()
    assert told == {
        "handle": memory.handle,
        "held": True,
        "spoken_turns": 0,
        "audio_s": 0.0,
        "pictures": {"count": 0, "newest_bytes": 0, "newest_sha256": ""},
        "open_calls": [],
    }


async def test_what_a_caller_will_say_is_announced(client: aiohttp.ClientSession, sessions: Sessions) -> None:
    async with client.post("/hears", json={"text": "Hello"}) as response:
        assert response.status == 404, "nobody is there"
    one, two = sessions.open(None, 0), sessions.open(None, 0)
    async with client.post("/hears", json={"text": "Hello"}) as response:
        assert (response.status, await response.json()) == (201, {"sessions": 2})
    async with client.post("/hears", json={"text": "again", "session": two.handle}) as response:
        assert await response.json() == {"sessions": 1}
    assert (list(one.announced), list(two.announced)) == (["Hello"], ["Hello", "again"])


@pytest.mark.parametrize("body", [b"", b"[]", b'{"text": ""}', b'{"text": 3}', b'{"text": "x", "session": 3}'])
async def test_an_announcement_without_words_gets_a_sentence(client: aiohttp.ClientSession, body: bytes) -> None:
    async with client.post("/hears", data=body) as response:
        assert response.status == 400
        assert (await response.json())["error"].startswith('send {"text": WORDS}')


FAULT = b'{"name": "close", "code": 1008}'


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example:7884"}, 403),
        ({"Host": "203.0.113.7:7884"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:9"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
async def test_a_web_page_is_refused(
    client: aiohttp.ClientSession, faults: Faults, headers: dict[str, str], status: int
) -> None:
    async with client.post("/faults", data=FAULT, headers=headers) as response:
        assert response.status == status
        assert (await response.json())["error"]
    assert faults.report() == []
    async with client.get("/journal", headers=headers) as response:
        assert response.status == (status if status == 403 else 200)


@pytest.mark.parametrize("host", ["localhost", "localhost:7884", "127.0.0.1:7884", "127.8.9.1", "[::1]:7884", "[::1]"])
async def test_a_program_on_this_machine_is_served(client: aiohttp.ClientSession, host: str) -> None:
    own = {"Host": host, "Origin": f"http://{host}", "Content-Type": "application/json; charset=utf-8"}
    async with client.post("/faults", data=FAULT, headers=own) as response:
        assert response.status == 201
