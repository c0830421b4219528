"""The token endpoint over HTTP: whatever is sent to it, a token or a refusal with a code and a sentence, and it stays up."""

import asyncio
import io
import json
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import jwt
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.token_server.identity_provider import AUDIENCE, ISSUER, SigningKey, provider
from tests.token_server.program import SECRET, UNLIMITED, TokenServerProcess, parse_answer, running_token_server
from tests.token_server.test_grants import JSON, NEARLY

FIRST, SECOND = "first-key-of-24-characters", "second-key-for-rotation"


@pytest.fixture(scope="module")
async def open_server() -> AsyncIterator[TokenServerProcess]:
    async with running_token_server(**UNLIMITED) as running:
        yield running


async def test_a_token_is_one_line_in_the_log(open_server: TokenServerProcess) -> None:
    wanted = {"room_name": "room-1", "participant_identity": "i'\"i", "room_config": {"agents": [{"agent_name": "a b"}]}}
    answer = await open_server.ask(body=json.dumps(wanted).encode())
    assert answer.status == 201
    line = await open_server.part.says("room-1")
    assert line.endswith(""" token for 'i\\'"i' in room 'room-1' to 127.0.0.1 (mode open, agent 'a b') room=room-1""")
    assert not any(answer.content["participant_token"] in line for line in open_server.part.lines)


async def test_neither_numbers_nor_addresses_of_callers_are_in_the_log(open_server: TokenServerProcess) -> None:
    """Only the field `room` stays as it is: an operator looks for it."""
    for identity, told in (("+49 151 2345678", "[number]"), ("jo@example.org", "[e-mail]")):
        wanted = {"room_name": "call-4915123456789", "participant_identity": identity}
        assert (await open_server.ask(body=json.dumps(wanted).encode())).status == 201
        line = await open_server.part.says(f"token for '{told}' in room 'call-[number]'")
        assert line.endswith("room=call-4915123456789")
        assert "127.0.0.1" in line
        assert not any(identity in line for line in open_server.part.lines)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("POST", "/", 405, "method_not_allowed"),
        ("GET", "/token", 405, "method_not_allowed"),
        ("DELETE", "/api/token", 405, "method_not_allowed"),
        ("POST", "/token/", 404, "not_found"),
        ("BREW", "/token", 405, "method_not_allowed"),
    ],
)
async def test_what_is_not_there_is_said_in_json(
    open_server: TokenServerProcess, method: str, path: str, status: int, code: str
) -> None:
    answer = await open_server.ask(method, path)
    assert (answer.status, answer.code) == (status, code)


async def test_what_is_no_http_is_answered_in_json(open_server: TokenServerProcess) -> None:
    for raw in (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"POST /token\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"):
        answer = (await open_server.send(raw)).partition(b"\r\n\r\n")
        assert answer[0].startswith(b"HTTP/1.1 400 ")
        assert json.loads(answer[2])["code"] == "bad_request"


@given(body=st.binary(max_size=500) | (JSON | NEARLY).map(lambda value: json.dumps(value).encode()))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_any_body_is_answered(open_server: TokenServerProcess, body: bytes) -> None:
    answer = await open_server.ask(body=body)
    assert answer.status in {201, 400}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.status == 201 or answer.code in {"bad_json", "bad_field", "reserved_attribute"}


@pytest.mark.parametrize("chunked", [False, True])
async def test_ten_megabytes_are_not_kept_and_not_taken(open_server: TokenServerProcess, chunked: bool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b" " * 65536

    process = psutil.Process(open_server.part.pid)
    before = process.memory_info().rss
    async with aiohttp.ClientSession() as http:
        asked = (
            http.post(f"{open_server.url}token", data=parts() if chunked else io.BytesIO(bytes(10 * 2**20))) for _ in range(10)
        )
        for answer in await asyncio.gather(*asked):
            assert answer.status == 413
            assert (await answer.json())["code"] == "too_large"
    assert process.memory_info().rss - before < 30 * 2**20
    assert (await open_server.ask()).status == 201


async def test_a_burst_of_300_gets_tokens_or_a_time_to_come_back() -> None:
    async with running_token_server(TOKEN_PER_ADDRESS="20/minute") as running:
        answers = await asyncio.gather(*(running.ask() for _ in range(300)))
        assert Counter(answer.status for answer in answers) == {201: 20, 429: 280}
        late = next(answer for answer in answers if answer.status == 429)
        assert late.code == "too_many_requests"
        assert 1 <= int(late.headers["retry-after"]) <= 60
        assert (await running.ask("GET", "/healthz")).status == 200
        refusals = [line for line in running.part.lines if "429 too_many_requests" in line]
        assert 1 <= len(refusals) < 200


async def test_nobody_chooses_the_address_that_is_counted() -> None:
    forged = ["X-Forwarded-For: 203.0.113.{}", "Forwarded: for=203.0.113.{}", "X-Real-IP: 203.0.113.{}"]
    key = f"X-Api-Key: {FIRST}"
    async with running_token_server(TOKEN_PER_ADDRESS="5/minute", TOKEN_MODE="key", TOKEN_KEYS=FIRST) as running:
        asked = [running.ask(headers=[key, header.format(number)]) for number in range(5) for header in forged]
        assert Counter([(await one).status for one in asked]) == {201: 5, 429: 10}


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For: 198.51.100.1",
        "x-forwarded-proto: https",
        "X-Forwarded-Host: token.example.com",
        "Forwarded: for=198.51.100.1",
        "Via: 1.1 nginx",
        "X-Real-IP: 198.51.100.1",
        "CF-Connecting-IP: 198.51.100.1",
        "CF-Ray: 8f2",
        "True-Client-IP: 198.51.100.1",
        "X-Client-IP: ",
        "Fly-Client-IP: 198.51.100.1",
        "X-Original-Forwarded-For: 198.51.100.1",
        "CDN-Loop: cloudflare",
        "X-Amzn-Trace-Id: Root=1",
    ],
)
async def test_an_open_token_server_serves_nobody_behind_a_proxy(open_server: TokenServerProcess, header: str) -> None:
    """Such a proxy writes the token server's own loopback address into Host."""
    for method, path in (("POST", "/token"), ("POST", "/api/token"), ("GET", "/config"), ("GET", "/")):
        answer = await open_server.ask(method, path, [header])
        assert (answer.status, answer.code) == (403, "behind_proxy")
        assert "TOKEN_MODE" in answer.content["message"]
    assert (await open_server.ask("GET", "/healthz", [header])).status == 200


async def test_nginx_as_it_comes_is_a_proxy(open_server: TokenServerProcess) -> None:
    """Its `proxy_pass` writes the upstream's own address into Host, adds no header, and speaks HTTP/1.0."""
    raw = f"POST /token HTTP/1.0\r\nHost: 127.0.0.1:{open_server.port}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}"
    refused = parse_answer(await open_server.send(raw.encode()))
    assert (refused.status, refused.code) == (403, "behind_proxy")


async def test_what_clients_of_this_machine_send_is_no_proxys(open_server: TokenServerProcess) -> None:
    headers = ["User-Agent: x", "Accept-Encoding: gzip", "X-Requested-With: XMLHttpRequest", "X-Sandbox-Id: x", "DNT: 1"]
    assert (await open_server.ask(headers=[*headers, "Sec-Fetch-Site: same-origin", "traceparent: 00-1-1-00"])).status == 201


async def test_a_trusted_proxy_says_whose_request_it_is() -> None:
    """What the proxy itself has seen is the rightmost; what is left of it was sent by the client."""
    settings = {"TOKEN_MODE": "key", "TOKEN_KEYS": FIRST, "TOKEN_TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8"}
    async with running_token_server(TOKEN_PER_ADDRESS="2/minute", **settings) as running:

        async def status(*forwarded: str) -> int:
            headers = [f"X-Forwarded-For: {value}" for value in forwarded]
            return (await running.ask(headers=[f"X-Api-Key: {FIRST}", *headers])).status

        assert [await status("203.0.113.1"), await status("198.51.100.7, 203.0.113.1, 10.1.2.3")] == [201, 201]
        assert [await status("198.51.100.8, 203.0.113.1"), await status("198.51.100.9", "203.0.113.1")] == [429, 429]
        assert await status("203.0.113.2") == 201
        assert [await status(f"2001:db8::{number}") for number in range(3)] == [201, 201, 429]


async def test_what_a_proxy_passes_on_as_an_address_does_no_harm_in_the_log() -> None:
    settings = {"TOKEN_MODE": "key", "TOKEN_KEYS": FIRST, "TOKEN_TRUSTED_PROXIES": "127.0.0.1"}
    async with running_token_server(**settings, **UNLIMITED) as running:
        for key, status in ((FIRST, 201), (SECOND, 401)):
            answer = await running.ask(headers=[f"X-Api-Key: {key}", "X-Forwarded-For: \x1b[2Kroot \x85 x"])
            assert answer.status == status
        lines = [await running.part.says("token for"), await running.part.says("refused")]
        assert all("x1b[2Kroot" in line and line.isprintable() for line in lines)


async def test_with_keys_the_server_chooses_room_and_identity() -> None:
    async with running_token_server(TOKEN_MODE="key", TOKEN_KEYS=f"{FIRST}, {SECOND}", TOKEN_PER_KEY="3/minute") as running:
        assert (await running.ask()).code == "unauthorized"
        assert (await running.ask(headers=["X-Api-Key: wrong-key-of-24-characters"])).status == 401
        body = b'{"room_name": "r", "participant_identity": "i"}'
        for header in (f"X-Api-Key: {FIRST}", f"Authorization: Bearer {FIRST}", f"x-api-key: {FIRST}"):
            answer = await running.ask(headers=[header], body=body)
            claims = jwt.decode(answer.content["participant_token"], SECRET, algorithms=["HS256"])
            assert claims["video"]["room"].startswith("call-")
            assert claims["sub"].startswith("caller-")
        assert (await running.ask(headers=[f"X-Api-Key: {FIRST}"])).code == "too_many_requests"
        assert (await running.ask(headers=[f"X-Api-Key: {SECOND}"])).status == 201
        other = b'{"room_config": {"agents": [{"agent_name": "other"}]}}'
        assert (await running.ask(headers=[f"X-Api-Key: {SECOND}"], body=other)).code == "bad_field"
        assert (await running.ask("GET", "/config")).content["auth"] == "key"
        await running.part.says("for key 2 (mode key, agent 'earshot')")
        assert not any(key in line for line in running.part.lines for key in (FIRST, SECOND))


async def test_users_join_under_their_subject() -> None:
    key = SigningKey("k", "ES256")
    async with provider(key) as identity_provider:
        jwks = {"TOKEN_JWT_JWKS_URL": identity_provider.url, "TOKEN_JWT_ISSUER": ISSUER, "TOKEN_JWT_AUDIENCE": AUDIENCE}
        async with running_token_server(
            TOKEN_MODE="jwt", TOKEN_ROOMS="named", TOKEN_ROOM_PATTERN="team-[a-z]+", **jwks, **UNLIMITED
        ) as running:
            headers = [f"Authorization: Bearer {key.token(sub='alice')}"]
            body = b'{"room_name": "team-blue", "participant_identity": "bob"}'
            answer = await running.ask(headers=headers, body=body)
            claims = jwt.decode(answer.content["participant_token"], SECRET, algorithms=["HS256"])
            assert (claims["sub"], claims["video"]["room"]) == ("alice", "team-blue")
            assert (await running.ask(headers=headers, body=b'{"room_name": "x"}')).code == "bad_field"
            assert (await running.ask(headers=[f"Authorization: Bearer {key.token(exp=1)}"])).code == "unauthorized"
            assert (await running.ask(body=body)).status == 401
            await running.part.says("for user 'alice' (mode jwt, agent 'earshot')")


async def test_a_user_has_a_few_calls_at_once_and_others_have_theirs() -> None:
    """Each token is for a room of its own, and may still be used."""
    key = SigningKey("k", "ES256")
    async with provider(key) as identity_provider:
        jwks = {"TOKEN_JWT_JWKS_URL": identity_provider.url, "TOKEN_JWT_ISSUER": ISSUER, "TOKEN_JWT_AUDIENCE": AUDIENCE}
        async with running_token_server(TOKEN_MODE="jwt", TOKEN_CALLS_PER_USER="2", **jwks, **UNLIMITED) as running:
            alice, bob = ([f"Authorization: Bearer {key.token(sub=name)}"] for name in ("alice", "bob"))
            answers = await asyncio.gather(*(running.ask(headers=alice) for _ in range(10)))
            assert Counter(answer.status for answer in answers) == {201: 2, 429: 8}
            late = next(answer for answer in answers if answer.status == 429)
            assert late.code == "too_many_calls_of_user"
            assert 1 <= int(late.headers["retry-after"]) <= 120
            assert (await running.ask(headers=bob)).status == 201


async def test_without_its_provider_the_token_server_says_so() -> None:
    jwks = {"TOKEN_JWT_JWKS_URL": "http://127.0.0.1:1/", "TOKEN_JWT_ISSUER": ISSUER, "TOKEN_JWT_AUDIENCE": AUDIENCE}
    async with running_token_server(TOKEN_MODE="jwt", **jwks) as running:
        answer = await running.ask(headers=[f"Authorization: Bearer {SigningKey('k', 'ES256').token()}"])
        assert (answer.status, answer.code) == (503, "auth_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
