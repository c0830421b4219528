"""`python -m token_server` as a program: ready, serving, ending; and settings that it refuses."""

import datetime
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import jwt
import pytest
import yaml

from caller import TokenError, ask_for_token
from configuration import DEVELOPMENT_SECRET
from demo.parts import Part, Program, running
from token_server.__main__ import main
from token_server.errors import SettingsError
from token_server.settings import read_settings

ROOT = Path(__file__).parents[2]
PAIR = {"LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "a-secret-for-tests-that-is-long-enough-for-hs256"}

JWT = {"TOKEN_MODE": "jwt", "TOKEN_JWT_ISSUER": "i", "TOKEN_JWT_AUDIENCE": "a"}


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Part, str]]:
    """The program, ready, and the URL of its token endpoint."""
    argv = [sys.executable, "-m", "token_server", "--port", "0"]
    environment = {**os.environ, **PAIR, "LIVEKIT_URL": "wss://livekit.example.com"}
    async with running(Program("token", argv, environment, re.compile("^ready "))) as part:
        yield part, (await part.ready()).split()[1]


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[tuple[Part, str]]:
    async with serving() as running_server:
        yield running_server


async def test_a_client_gets_its_token_and_the_log_doesn_t(server: tuple[Part, str]) -> None:
    part, url = server
    grant = await ask_for_token(url, room="r", identity="i")
    assert grant.server_url == "wss://livekit.example.com"
    line = await part.says("token for 'i' in room 'r'")
    assert grant.participant_token not in line
    assert grant.participant_token not in repr(grant)


async def test_the_endpoint_is_livekits(server: tuple[Part, str]) -> None:
    _, url = server
    async with aiohttp.ClientSession() as http:
        async with http.post(url, json={"roomName": "r"}) as answer:
            assert answer.status == 201
            assert answer.headers["Cache-Control"] == "no-store"
            assert set(await answer.json()) == {"serverUrl", "participantToken"}
        async with http.post(url.replace("/token", "/api/token"), data=b"") as answer:
            assert answer.status == 201
            assert set(await answer.json()) == {"server_url", "participant_token"}
        async with http.get(url.replace("/token", "/healthz")) as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
        async with http.post(url, data=b"{") as answer:
            assert answer.status == 400
            assert (await answer.json())["code"] == "bad_json"
        async with http.post(url, data=b" " * 20_000) as answer:
            assert answer.status == 413
        async with http.get(url) as answer:
            assert answer.status == 405


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_on_a_signal_with_exit_code_0(number: signal.Signals) -> None:
    async with serving() as (part, _):
        part.signal(number)
        assert await part.ended() == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_on_this_machine_it_needs_no_settings(tmp_path: Path, host: str) -> None:
    """Without settings it listens on loopback, and signs tokens with livekit.yaml's pair."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIVEKIT_")}
    argv = [sys.executable, "-m", "token_server", "--port", "0", "--host", host]
    program = Program("token", argv, environment | {"PYTHONPATH": str(ROOT)}, re.compile("^ready "), folder=tmp_path)
    async with running(program) as part:
        grant = await ask_for_token((await part.ready()).split()[1], room="r")
    [(key, secret)] = yaml.safe_load((ROOT / "livekit.yaml").read_text())["keys"].items()
    assert jwt.decode(grant.participant_token, secret, algorithms=["HS256"])["iss"] == key


async def test_no_token_server_is_said_in_words() -> None:
    with pytest.raises(TokenError, match="is `make demo` running, with the same PORT_BASE"):
        await ask_for_token("http://127.0.0.1:1/token")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"LIVEKIT_API_KEY": ""}, "LIVEKIT_API_KEY is not set: set the pair that the server at wss://x knows"),
        ({"LIVEKIT_URL": "http://x"}, "LIVEKIT_URL is 'http://x': it must be a URL such as wss://livekit.example.com"),
        ({"TOKEN_PORT": "no"}, "TOKEN_PORT is 'no'"),
        (
            {"LIVEKIT_API_SECRET": DEVELOPMENT_SECRET},
            "LIVEKIT_API_SECRET is 'the development secret': everybody knows it, and wss://x is not on this machine",
        ),
        (
            {"TOKEN_HOST": "0.0.0.0", "LIVEKIT_URL": "ws://127.0.0.1", "LIVEKIT_API_SECRET": DEVELOPMENT_SECRET},
            "LIVEKIT_API_SECRET is 'the development secret': everybody knows it, and TOKEN_HOST=0.0.0.0 is reached by",
        ),
        (
            {"LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "secret"},
            "LIVEKIT_API_SECRET is 'the development secret': everybody knows it, and wss://x is not on this machine",
        ),
        (
            {"LIVEKIT_API_SECRET": "tooshort" * 3},
            "LIVEKIT_API_SECRET is '***': it has fewer than 32 bytes, and wss://x is not on this machine",
        ),
        (
            {"TOKEN_HOST": "0.0.0.0"},
            "TOKEN_MODE is 'open': with TOKEN_HOST=0.0.0.0 anybody could ask; set TOKEN_MODE to key or jwt",
        ),
        ({"TOKEN_HOST": "::"}, "TOKEN_MODE is 'open': with TOKEN_HOST=:: anybody could ask"),
        ({"TOKEN_HOST": "token.example.com"}, "TOKEN_MODE is 'open'"),
        ({"TOKEN_HOSTS": "token.example.com"}, "TOKEN_MODE is 'open': with TOKEN_HOSTS=token.example.com anybody could ask"),
        ({"TOKEN_TRUSTED_PROXIES": "127.0.0.1"}, "TOKEN_MODE is 'open': with TOKEN_TRUSTED_PROXIES=127.0.0.1 anybody could"),
        *(
            ({"TOKEN_HOSTS": name}, f"TOKEN_HOSTS is '{name}': '{name}' is no name such as token.example.com (small letters")
            for name in (
                "Token.example.com",
                "token.example.com:7882",
                "https://token.example.com",
                "[::1]",
                "::01",
                "a..b",
                "*",
            )
        ),
        ({"TOKEN_MODE": "key"}, "TOKEN_KEYS is not set: TOKEN_MODE=key needs at least one"),
        ({"TOKEN_MODE": "key", "TOKEN_KEYS": "tooshort"}, "TOKEN_KEYS is '***': a key has at least 16 characters"),
        ({"TOKEN_MODE": "jwt"}, "TOKEN_JWT_JWKS_URL is not set: TOKEN_MODE=jwt needs exactly one"),
        (
            JWT | {"TOKEN_JWT_KEY": "k", "TOKEN_JWT_SECRET": "s"},
            "TOKEN_JWT_JWKS_URL is not set: TOKEN_MODE=jwt needs exactly one",
        ),
        (JWT | {"TOKEN_JWT_KEY": "k", "TOKEN_JWT_ISSUER": ""}, "TOKEN_JWT_ISSUER is not set"),
        (JWT | {"TOKEN_JWT_KEY": "k", "TOKEN_JWT_AUDIENCE": ""}, "TOKEN_JWT_AUDIENCE is not set"),
        (
            JWT | {"TOKEN_JWT_JWKS_URL": "http://id.example.com"},
            "TOKEN_JWT_JWKS_URL is 'http://id.example.com': keys that came",
        ),
        (
            JWT | {"TOKEN_JWT_JWKS_URL": "https://id.example.com", "ALL_PROXY": "socks5://u:tooshort@s:1"},
            "TOKEN_JWT_JWKS_URL is 'https://id.example.com': socks5://s:1 leads to it, and the proxy must be an http:// one",
        ),
        (
            JWT | {"TOKEN_JWT_JWKS_URL": "https://id.example.com", "HTTPS_PROXY": "http://x:port"},
            "HTTPS_PROXY is 'http://x:port'",
        ),
        (JWT | {"TOKEN_JWT_JWKS_URL": "file:///etc/passwd"}, "TOKEN_JWT_JWKS_URL is 'file:///etc/passwd': it must be a URL"),
        ({"TOKEN_PER_ADDRESS": "many"}, "TOKEN_PER_ADDRESS is 'many': it must be a rate"),
        (
            {"TOKEN_ORIGINS": "https://a.example.com/"},
            "TOKEN_ORIGINS is 'https://a.example.com/': 'https://a.example.com/' is no",
        ),
        ({"TOKEN_ORIGINS": "*"}, "TOKEN_ORIGINS is '*'"),
        ({"TOKEN_TRUSTED_PROXIES": "*"}, "TOKEN_TRUSTED_PROXIES is '*': '*' is no address or network"),
        *(
            (
                {"TOKEN_TRUSTED_PROXIES": wide},
                f"TOKEN_TRUSTED_PROXIES is '{wide}': with '{last}' anybody could write an address",
            )
            for wide, last in (
                ("0.0.0.0/0", "0.0.0.0/0"),
                ("::/0", "::/0"),
                ("10.0.0.1,128.0.0.0/1", "128.0.0.0/1"),
                ("2000::/3",) * 2,
            )
        ),
        ({"TOKEN_ROOM_PATTERN": "("}, "TOKEN_ROOM_PATTERN is '(': it is no regular expression"),
        ({"TOKEN_WORKERS_URL": "worker"}, "TOKEN_WORKERS_URL is 'worker': 'worker' is no URL with a port"),
        ({"TOKEN_SOURCES": "camera,tv"}, "TOKEN_SOURCES is 'tv'"),
        ({"TOKEN_SOURCES": ","}, "TOKEN_SOURCES is ',': it names nothing, which LiveKit would take for everything"),
        ({"TOKEN_LANGUAGES": "de_DE"}, "TOKEN_LANGUAGES is 'de_DE'"),
    ],
)
def test_bad_settings_are_one_sentence(monkeypatch: pytest.MonkeyPatch, values: dict[str, str], sentence: str) -> None:
    for name, value in (PAIR | {"LIVEKIT_URL": "wss://x"} | values).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings(None)
    assert str(caught.value).startswith(sentence)
    assert "tooshort" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"TOKEN_HOST": "0.0.0.0"}, "TOKEN_MODE is 'open'"),
        (JWT | {"TOKEN_JWT_KEY": "no key"}, "TOKEN_JWT_KEY is '***': it must be a public key as PEM"),
        (JWT | {"TOKEN_JWT_KEY": "no/such.pem"}, "TOKEN_JWT_KEY is 'no/such.pem': it must be a public key as PEM"),
        (JWT | {"TOKEN_JWT_SECRET": "short"}, "TOKEN_JWT_SECRET is '***': a secret for HS256 has at least 32 bytes"),
    ],
)
def test_a_setting_that_it_refuses_ends_it_with_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], values: dict[str, str], sentence: str
) -> None:
    for name, value in (PAIR | {"TOKEN_PORT": "0"} | values).items():
        monkeypatch.setenv(name, value)
    assert main([]) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith(sentence)
    assert len(errors.splitlines()) == 1


async def test_a_public_address_is_served_to_who_has_a_key() -> None:
    environment = {**os.environ, **PAIR, "TOKEN_MODE": "key", "TOKEN_KEYS": "a-key-for-a-public-address"}
    argv = [sys.executable, "-m", "token_server", "--port", "0", "--host", "0.0.0.0"]
    async with running(Program("token", argv, environment, re.compile("^ready "))) as part, aiohttp.ClientSession() as http:
        url = (await part.ready()).split()[1]
        assert url.startswith("http://0.0.0.0:")
        async with http.post(
            url.replace("0.0.0.0", "127.0.0.1"), headers={"X-Api-Key": "a-key-for-a-public-address"}
        ) as answer:
            assert answer.status == 201


async def test_a_taken_port_is_named(server: tuple[Part, str]) -> None:
    port = server[1].rsplit(":", 1)[1].partition("/")[0]
    argv = [sys.executable, "-m", "token_server", "--port", port]
    done = subprocess.run(argv, env={**os.environ, **PAIR}, capture_output=True, text=True, check=False)  # noqa: ASYNC221
    assert done.returncode == 2
    assert done.stderr.startswith(f"TOKEN_PORT is {port}: the port can't be opened on 127.0.0.1")


async def test_its_log_has_the_form_that_is_set() -> None:
    """A line of JSON has the fields of the workers' lines."""
    environment = {**os.environ, **PAIR, "LOG_FORMAT": "JSON"}
    argv = [sys.executable, "-m", "token_server", "--port", "0"]
    async with running(Program("token", argv, environment, re.compile("^ready "))) as part, aiohttp.ClientSession() as http:
        url = (await part.ready()).split()[1]
        async with http.post(url, json={"room_name": "room-1"}) as answer:
            assert answer.status == 201
        line = json.loads(await part.says("token for"))
    assert (line["name"], line["level"], line["room"]) == ("token_server", "INFO", "room-1")
    assert datetime.datetime.fromisoformat(line["timestamp"]).tzinfo is not None
