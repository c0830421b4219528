"""Authentication: access keys and users' tokens, forged in every way that we know of."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

import token_server.jwks
from tests.e2e.stack import until
from tests.token_server.clock import ManualClock
from tests.token_server.identity_provider import AUDIENCE, ISSUER, Provider, SigningKey, good_claims, provider
from token_server.auth import KeyAuthenticator, authenticator
from token_server.errors import RefusedError, SettingsError
from token_server.jwks import AGAIN_S, FRESH_S, LARGEST_SET_BYTES, STALE_S, UNKNOWN_S, JwksClient
from token_server.settings import read_settings
from token_server.user_tokens import FindKey, UserTokens, published_keys, shared_secret, single_key

FIRST, SECOND = "first-key-of-24-characters", "second-key-for-rotation"
RSA, EC, OTHER = SigningKey("rsa"), SigningKey("ec", "ES256"), SigningKey("rsa")
HS_SECRET = "a-shared-secret-of-at-least-32-bytes"


async def refused(tokens: UserTokens, token: str) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        await tokens.subject(token)
    return caught.value


@pytest.mark.parametrize("key", [FIRST, SECOND])
async def test_each_key_is_accepted_in_both_headers(key: str) -> None:
    authenticator = KeyAuthenticator([FIRST, SECOND])
    for headers in ({"Authorization": f"Bearer {key}"}, {"authorization": f"bearer {key}"}, {"X-Api-Key": key}):
        assert (await authenticator.authenticate(Headers(headers))).name == f"key {1 + (key == SECOND)}"


@pytest.mark.parametrize("given_key", ["", FIRST[:-1], FIRST + "x", FIRST.upper(), "ä" * 24, f"{FIRST},{SECOND}"])
async def test_no_other_key_does(given_key: str) -> None:
    authenticator = KeyAuthenticator([FIRST, SECOND])
    for headers in ({"Authorization": f"Bearer {given_key}"}, {"Authorization": f"Basic {FIRST}"}, {"X-Api-Key": given_key}):
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        with pytest.raises(RefusedError) as caught:
            await authenticator.authenticate(Headers(raw=raw))
        assert (caught.value.status, caught.value.code) == (401, "unauthorized")
        assert caught.value.headers["WWW-Authenticate"] == "Bearer"
        assert not given_key or given_key not in caught.value.sentence


@pytest.fixture
async def identity_provider() -> AsyncIterator[Provider]:
    async with provider(RSA, EC) as running:
        yield running


def checking(find_key: FindKey) -> UserTokens:
    return UserTokens(find_key, ISSUER, AUDIENCE)


async def test_users_of_the_provider_are_known_by_their_subject(identity_provider: Provider) -> None:
    tokens = checking(published_keys(identity_provider.url))
    for key in (RSA, EC):
        assert await tokens.subject(key.token()) == "alice"
    assert await tokens.subject(RSA.token(aud=["another", AUDIENCE], sub="auth0|7")) == "auth0|7"
    assert identity_provider.asked == 1


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"exp": 1}, "has expired"),
        ({"exp": None}, "is not valid here"),
        ({"exp": "soon"}, "is not valid here"),
        ({"iss": "https://evil.example.com/"}, "is not valid here"),
        ({"iss": ISSUER.rstrip("/")}, "is not valid here"),
        ({"iss": None}, "is not valid here"),
        ({"aud": "another service"}, "is not valid here"),
        ({"aud": None}, "is not valid here"),
        ({"sub": None}, "is not valid here"),
        ({"sub": 7}, "is not valid here"),
        ({"nbf": 2**40}, "is not valid here"),
    ],
)
async def test_a_token_for_something_else_opens_nothing(changed: dict[str, Any], sentence: str) -> None:
    error = await refused(checking(single_key(RSA.public_pem)), RSA.token(**changed))
    assert (error.status, error.code) == (401, "unauthorized")
    assert sentence in error.sentence


@pytest.mark.parametrize(
    "subject", ["", "x" * 129, "a\u202eb", "a\nb", "agent-AJ_1", "sip_49", " " * 40, "\u3164", "al\xadice", "alice "]
)
async def test_a_subject_must_be_a_name(subject: str) -> None:
    error = await refused(checking(single_key(RSA.public_pem)), RSA.token(sub=subject))
    assert (error.status, error.code) == (403, "bad_subject")


def unsigned(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None = None) -> str:
    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    text = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    signature = hmac.new(secret, text.encode(), hashlib.sha256).digest() if secret is not None else b""
    return f"{text}.{part(signature)}"


async def test_forged_tokens_open_nothing(identity_provider: Provider) -> None:
    good = RSA.token()
    head, claims, signature = good.split(".")
    forged = [
        unsigned({"alg": "none", "typ": "JWT"}, good_claims()),
        unsigned({"alg": "None", "kid": "rsa"}, good_claims()),
        # a public key that is taken for a shared secret
        unsigned({"alg": "HS256", "kid": "rsa"}, good_claims(), RSA.public_pem.encode()),
        unsigned({"alg": "HS256"}, good_claims(), b""),
        # another's key under the provider's id; a key that the token brings along
        OTHER.token(),
        OTHER.token(header={"jwk": OTHER.jwk}),
        EC.token(header={"kid": "rsa"}),
        f"{head}.{claims}.",
        f"{head}.{claims}.{signature[:-4]}AAAA",
        unsigned({"alg": "RS256", "kid": 7}, good_claims()),
        unsigned({"alg": "RS256", "kid": "rsa", "crit": ["x"]}, good_claims()),
        "[" * 5000,
        base64.urlsafe_b64encode(b"[" * 9000).decode() + ".e30.",
        "a.b.c",
        "x" * 20_000,
        good + "=",
    ]
    for find_key in (published_keys(identity_provider.url), single_key(RSA.public_pem)):
        tokens = checking(find_key)
        assert await tokens.subject(good) == "alice"
        for token in forged:
            error = await refused(tokens, token)
            assert (error.status, error.code) == (401, "unauthorized")
            assert token not in error.sentence


async def test_a_tokens_key_id_must_be_that_of_its_key(identity_provider: Provider) -> None:
    tokens = checking(published_keys(identity_provider.url))
    for key_id in ("ec", "", "RSA"):
        assert (await refused(tokens, RSA.token(header={"kid": key_id}))).code == "unauthorized"


@given(token=st.text(alphabet=st.characters(max_codepoint=255)))
async def test_any_token_is_refused_not_stumbled_over(token: str) -> None:
    assert (await refused(checking(shared_secret(HS_SECRET)), token)).status == 401


async def test_a_shared_secret_knows_hs256_alone() -> None:
    tokens = checking(shared_secret(HS_SECRET))
    assert await tokens.subject(jwt.encode(good_claims(), HS_SECRET, algorithm="HS256")) == "alice"
    assert (await refused(tokens, RSA.token())).code == "unauthorized"
    assert (await refused(tokens, unsigned({"alg": "none"}, good_claims()))).code == "unauthorized"


async def test_a_public_key_comes_as_text_as_one_line_or_as_a_path(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(EC.public_pem)
    for given_key in (EC.public_pem, EC.public_pem.replace("\n", "\\n"), str(tmp_path / "key.pem")):
        assert await checking(single_key(given_key)).subject(EC.token()) == "alice"


def test_keys_that_prove_nothing_are_refused_at_the_start(tmp_path: Path) -> None:
    for bad in (SigningKey("weak", bits=1024).public_pem, str(tmp_path / "missing.pem")):
        with pytest.raises(SettingsError, match="TOKEN_JWT_KEY"):
            single_key(bad)
    with pytest.raises(SettingsError, match=r"TOKEN_JWT_SECRET is '\*\*\*'"):
        shared_secret("too short")


@pytest.mark.parametrize(
    "secret",
    [
        RSA.private_pem,
        RSA.private_pem.replace("\n", "\\n"),
        RSA.private_pem.replace("\n", ""),
        "".join(RSA.private_pem.splitlines()[1:-1]),
        "".join(RSA.private_pem.splitlines()[3]),
        EC.private_pem,
        HS_SECRET,
    ],
    ids=["pem", "escaped", "one line", "base64", "a line of it", "ec", "hs"],  # the keys differ from process to process
)
def test_no_piece_of_a_key_is_ever_shown(secret: str) -> None:
    """Somebody put the wrong one of two keys into TOKEN_JWT_KEY: the sentence about it goes to a log."""
    with pytest.raises(SettingsError, match=r"TOKEN_JWT_KEY is '\*\*\*'") as caught:
        single_key(secret)
    body = "".join(line for line in secret.splitlines() if not line.startswith("-----"))
    assert not [body[at : at + 20] for at in range(len(body) - 19) if body[at : at + 20] in str(caught.value)]


async def find_code(keys: JwksClient, key_id: str | None) -> str:
    try:
        await keys.find(key_id)
    except RefusedError as error:
        return error.code
    return "found"


async def test_unknown_keys_do_not_make_us_hammer_the_provider(identity_provider: Provider) -> None:
    clock = ManualClock()
    keys = JwksClient(identity_provider.url, clock)
    for number in range(100):
        assert await find_code(keys, f"unknown {number}") == "unauthorized"
    assert identity_provider.asked == 1
    clock.now += AGAIN_S
    identity_provider.shown.append(SigningKey("new", "ES256").jwk)
    assert await find_code(keys, "new") == "found"
    assert identity_provider.asked == 2
    clock.now += FRESH_S
    identity_provider.shown.clear()
    identity_provider.shown.append(EC.jwk)
    assert await find_code(keys, "new") == "unauthorized"
    assert await find_code(keys, None) == "found"


async def test_a_provider_that_is_away_is_no_mistake_of_the_user(identity_provider: Provider) -> None:
    clock = ManualClock()
    keys = JwksClient(identity_provider.url, clock)
    identity_provider.works = False
    for _ in range(50):
        assert await find_code(keys, "rsa") == "auth_unavailable"
    assert identity_provider.asked == 1
    clock.now += AGAIN_S
    identity_provider.works = True
    assert await find_code(keys, "rsa") == "found"
    identity_provider.works = False
    clock.now += FRESH_S
    assert await find_code(keys, "rsa") == "found"
    assert await find_code(keys, "unknown") == "auth_unavailable"
    clock.now += STALE_S
    assert await find_code(keys, "rsa") == "auth_unavailable"


async def test_all_who_come_during_a_fetch_wait_for_it(identity_provider: Provider) -> None:
    """Requests share one fetch at the start, and when the keys have become old."""
    identity_provider.takes_s = 0.2
    clock = ManualClock()
    keys = JwksClient(identity_provider.url, clock)
    for times in (1, 2):
        assert set(await asyncio.gather(*(find_code(keys, key) for key in ["rsa", "ec", "rsa", "ec", "rsa"]))) == {"found"}
        assert identity_provider.asked == times
        clock.now += FRESH_S


async def test_made_up_keys_do_not_keep_a_new_one_out(identity_provider: Provider) -> None:
    """However many of them are named: whoever names an unknown key waits for the next fetch, and there is one in a second."""
    keys = JwksClient(identity_provider.url, time.monotonic)
    began = time.monotonic()
    made_up = [asyncio.create_task(find_code(keys, f"made up {number}")) for number in range(50)]
    assert await find_code(keys, "rsa") == "found"
    assert await find_code(keys, "made up") == "unauthorized"
    identity_provider.shown.append(SigningKey("new", "ES256").jwk)
    assert await find_code(keys, "new") == "found"
    assert {await one for one in made_up} == {"unauthorized"}
    assert identity_provider.asked <= 2 + (time.monotonic() - began) / UNKNOWN_S


async def test_a_fetch_that_is_given_up_does_not_fail_those_who_wait(identity_provider: Provider) -> None:
    """The client whose request began it has gone."""
    identity_provider.takes_s = 0.2
    keys = JwksClient(identity_provider.url, time.monotonic)
    first = asyncio.create_task(find_code(keys, "rsa"))
    second = asyncio.create_task(find_code(keys, "rsa"))
    await until(lambda: identity_provider.asked == 1)
    first.cancel()
    assert await second == "found"


async def test_keys_are_fetched_through_the_proxy_that_the_settings_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy is asked to connect to the provider's host, with its user's password; NO_PROXY has networks, too."""
    asked: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        way = f"http://user:password@127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        given_settings = {
            "livekit_api_key": "key",
            "livekit_api_secret": "x" * 32,
            "token_mode": "jwt",
            "token_jwt_jwks_url": "https://192.0.2.1/jwks.json",
            "token_jwt_issuer": ISSUER,
            "token_jwt_audience": AUDIENCE,
            "https_proxy": way,
        }
        headers = Headers({"Authorization": f"Bearer {RSA.token()}"})
        for no_proxy, times in (("198.51.100.0/24", 1), ("192.0.2.0/24", 1)):
            settings = read_settings(None, **given_settings, no_proxy=no_proxy)
            with pytest.raises(RefusedError) as caught:
                await authenticator(settings).authenticate(headers)
            assert caught.value.code == "auth_unavailable"
            assert len(asked) == times
    assert asked[0].startswith(b"CONNECT 192.0.2.1:443 ")
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"user:password") in asked[0]


async def test_a_redirect_is_not_followed(identity_provider: Provider) -> None:
    """A redirect could lead from https to http, where anybody may answer."""
    async with provider(OTHER) as elsewhere:
        identity_provider.answer = lambda: web.Response(status=302, headers={"Location": elsewhere.url})
        assert await find_code(JwksClient(identity_provider.url, ManualClock()), "rsa") == "auth_unavailable"
        assert elsewhere.asked == 0


@pytest.mark.parametrize(
    "answer",
    [
        b'{"keys": [%s]}' % json.dumps(RSA.jwk).encode() + b" " * LARGEST_SET_BYTES,
        b"",
        b"no JSON",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": []}',
        b"[" * 100_000,
        b"\xff",
    ],
    ids=["large", "empty", "text", "list", "object", "keys no list", "no keys", "deep", "no UTF-8"],
)
async def test_what_is_no_key_set_is_no_key(identity_provider: Provider, answer: bytes) -> None:
    identity_provider.answer = lambda: web.Response(body=answer)
    assert await find_code(JwksClient(identity_provider.url, ManualClock()), "rsa") == "auth_unavailable"


async def test_one_key_that_cannot_be_read_does_not_spoil_the_others(identity_provider: Provider) -> None:
    identity_provider.shown[:0] = [{}, {"kty": "RSA", "n": 5}, {"kty": 7}, {"kty": "EC", "crv": []}, None, "x"]  # type: ignore[list-item]
    assert await find_code(JwksClient(identity_provider.url, ManualClock()), "rsa") == "found"


async def test_the_whole_answer_must_come_in_time(identity_provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_server.jwks, "ANSWERS_WITHIN_S", 0.2)
    identity_provider.takes_s = 30
    async with asyncio.timeout(5):
        assert await find_code(JwksClient(identity_provider.url, ManualClock()), "rsa") == "auth_unavailable"


async def test_keys_of_other_kinds_in_the_set_are_never_used(identity_provider: Provider) -> None:
    secret = base64.urlsafe_b64encode(HS_SECRET.encode()).rstrip(b"=").decode()
    identity_provider.shown.append({"kty": "oct", "kid": "oct", "k": secret, "alg": "HS256"})
    tokens = checking(published_keys(identity_provider.url))
    token = jwt.encode(good_claims(), HS_SECRET, algorithm="HS256", headers={"kid": "oct"})
    assert (await refused(tokens, token)).code == "unauthorized"


async def test_a_lone_key_without_an_id_is_the_one(identity_provider: Provider) -> None:
    """RFC 7517 lets a provider leave the id out. Of several keys such a one is never meant."""
    bare = {name: value for name, value in RSA.jwk.items() if name != "kid"}
    identity_provider.shown[:] = [bare]
    tokens = checking(published_keys(identity_provider.url))
    assert await tokens.subject(RSA.token()) == "alice"
    assert await find_code(JwksClient(identity_provider.url, ManualClock()), None) == "found"
    assert (await refused(tokens, OTHER.token())).code == "unauthorized"
    identity_provider.shown[:] = [bare, EC.jwk]
    tokens = checking(published_keys(identity_provider.url))
    assert (await refused(tokens, RSA.token())).code == "unauthorized"
    assert await tokens.subject(EC.token()) == "alice"
