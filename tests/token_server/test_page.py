"""The files of the page's folder and no others, with headers that keep a browser to this token server and this LiveKit."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message
from yarl import URL

from agent.persona import load as load_persona
from agent.persona import names as persona_names
from tests.test_architecture import ROOT
from tests.token_server.program import running_token_server
from token_server.error_responses import HSTS, SECURITY_HEADERS, install_error_handlers
from token_server.page import headers, reachable
from token_server.page_config import languages, personas

PERSONAS = ROOT / "agent" / "personas"
INDEX = "<!doctype html><title>Earshot</title>"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    (folder / "vendor").mkdir()
    (folder / "index.html").write_text(INDEX)
    (folder / "call.js").write_text("'use strict';\n" * 1000)
    (folder / "vendor" / "livekit-client-2.23.0.umd.js").write_text("// client")
    (folder / "notes.md").write_text("not for the web")
    (folder / ".hidden.js").write_text("not for the web")
    return folder


@pytest.fixture(scope="module")
async def url(web: Path) -> AsyncIterator[str]:
    async with running_token_server(
        WEB_DIR=str(web), LIVEKIT_URL="wss://livekit.example.com", TOKEN_SOURCES="microphone,camera"
    ) as running:
        yield running.url


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_the_page_is_served_with_its_rules(http: aiohttp.ClientSession, url: str) -> None:
    async with http.get(url) as answer:
        assert (answer.status, await answer.text(), answer.content_type) == (200, INDEX, "text/html")
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
        "connect-src 'self' wss://livekit.example.com https://livekit.example.com; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert answer.headers["Permissions-Policy"] == "microphone=(self), camera=(self), display-capture=()"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "kind"), [("call.js", "text/javascript"), ("vendor/livekit-client-2.23.0.umd.js", "text/javascript")]
)
async def test_its_files_are_served(http: aiohttp.ClientSession, url: str, path: str, kind: str) -> None:
    async with http.get(f"{url}{path}") as answer:
        assert (answer.status, answer.content_type) == (200, kind)


@pytest.mark.parametrize(
    "path",
    [
        "notes.md",
        ".hidden.js",
        "vendor",
        "vendor/",
        "nothing.js",
        "..%2fpyproject.toml",
        "vendor%2f..%2f..%2fetc%2fpasswd",
        "%00",
    ],
)
async def test_nothing_else_is(http: aiohttp.ClientSession, url: str, path: str) -> None:
    async with http.get(URL(f"{url}{path}", encoded=True)) as answer:
        assert answer.status == 404
        assert (await answer.json())["code"] == "not_found"


async def test_a_browser_asks_again_and_gets_only_what_changed(http: aiohttp.ClientSession, url: str, web: Path) -> None:
    async with http.get(f"{url}call.js", headers={"Accept-Encoding": "gzip"}) as first:
        assert (first.headers["Content-Encoding"], first.headers["Cache-Control"]) == ("gzip", "no-cache")
        assert int(first.headers["Content-Length"]) < 1000
    known = {"Accept-Encoding": "gzip", "If-None-Match": first.headers["ETag"]}
    async with http.get(f"{url}call.js", headers=known) as second:
        assert (second.status, await second.read()) == (304, b"")
    (web / "call.js").write_text("changed();")
    async with http.get(f"{url}call.js", headers=known | {"Accept-Encoding": "identity"}) as third:
        assert (third.status, await third.text()) == (200, "changed();")


async def test_a_file_is_asked_about_by_head_and_by_range(http: aiohttp.ClientSession, url: str) -> None:
    async with http.head(f"{url}vendor/livekit-client-2.23.0.umd.js") as head:
        assert (head.status, await head.read(), head.headers["Content-Length"]) == (200, b"", "9")
    known = {"If-None-Match": head.headers["ETag"]}
    async with http.get(f"{url}vendor/livekit-client-2.23.0.umd.js", headers=known) as unchanged:
        assert (unchanged.status, unchanged.headers["Vary"]) == (304, "Accept-Encoding")
    async with http.get(f"{url}vendor/livekit-client-2.23.0.umd.js", headers={"Range": "bytes=3-5"}) as part:
        assert (part.status, await part.read()) == (206, b"cli")
    for answer in (head, unchanged, part):
        assert answer.headers["Cache-Control"] == "no-cache"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_a_file_that_is_gone_is_said_to_be(http: aiohttp.ClientSession, url: str, web: Path) -> None:
    moved = web / "call.js"
    kept = moved.read_text()
    moved.unlink()
    try:
        async with http.get(f"{url}call.js") as answer:
            assert (answer.status, (await answer.json())["message"]) == (404, "This file has been removed.")
    finally:
        moved.write_text(kept)


async def test_without_its_folder_the_server_gives_tokens_and_says_so(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    async with running_token_server(WEB_DIR=str(tmp_path / "nowhere")) as running:
        async with http.get(running.url) as answer:
            assert answer.status == 404
            assert await answer.json() == {
                "code": "not_found",
                "message": "The page is not here (nowhere/index.html is missing); tokens are given at POST /token.",
            }
        async with http.post(f"{running.url}token", json={}) as answer:
            assert answer.status == 201


async def test_the_page_is_told_what_a_caller_may_choose(http: aiohttp.ClientSession, url: str) -> None:
    async with http.get(f"{url}config") as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        told = await answer.json()
    assert told["auth"] == "open"
    assert {"name": "assistant", "title": "Assistant"} in told["personas"]
    assert told["default_persona"] == "assistant"
    assert {"code": "de-DE", "name": "Deutsch"} in told["languages"]
    assert told["sources"] == ["microphone", "camera"]
    assert told["recording"] is None


def test_a_persona_that_is_broken_is_left_out_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "boxing_coach.toml").write_text('instructions = "box"')
    (tmp_path / "chef.toml").write_text('title = "The chef"\ninstructions = "cook"')
    (tmp_path / "empty.toml").write_text("")
    (tmp_path / "no.toml").write_text("{")
    (tmp_path / "latin.toml").write_bytes(b'instructions = "\xff"')
    (tmp_path / "Loud.toml").write_text('instructions = "shout"')
    (tmp_path / "titled.toml").write_text('title = 3\ninstructions = "x"')
    with caplog.at_level(logging.WARNING):
        found = personas(tmp_path)
    assert found == [{"name": "boxing_coach", "title": "Boxing coach"}, {"name": "chef", "title": "The chef"}]
    assert len(caplog.messages) == 5
    assert personas(tmp_path / "nowhere") == []


def test_every_persona_of_this_repository_is_offered_and_can_be_used() -> None:
    """The token server's reader and the worker's agree on them, title for title."""
    offered = {persona["name"]: persona["title"] for persona in personas(PERSONAS)}
    assert sorted(offered) == persona_names(PERSONAS)
    for name, title in offered.items():
        assert load_persona(name, PERSONAS).title in {title, ""}


def test_a_language_is_named_in_its_own_words_or_by_its_code() -> None:
    assert languages(("de-DE", "xx-YY")) == [{"code": "de-DE", "name": "Deutsch"}, {"code": "xx-YY", "name": "xx-YY"}]


@pytest.mark.parametrize(
    ("livekit_url", "sources"),
    [
        ("ws://127.0.0.1:7880", ("ws://127.0.0.1:7880", "http://127.0.0.1:7880")),
        ("wss://livekit.example.com/", ("wss://livekit.example.com", "https://livekit.example.com")),
        (
            "wss://user:pw@livekit.example.com:7443/a;b c",
            ("wss://livekit.example.com:7443", "https://livekit.example.com:7443"),
        ),
        ("ws://[::1]:7880", ("ws:", "http:")),
        ("wss://livekit_1.example.com", ("wss:", "https:")),
        ("wss://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example", ("wss:", "https:")),
        ("wss://x.livekit.cloud", ("wss://*.livekit.cloud:*", "https://*.livekit.cloud:*")),
        ("wss://X.LiveKit.Cloud:443/", ("wss://*.livekit.cloud:*", "https://*.livekit.cloud:*")),
        ("wss://x.eu.production.livekit.cloud", ("wss://*.livekit.cloud:*", "https://*.livekit.cloud:*")),
        ("wss://x.staging.livekit.run", ("wss://*.livekit.run:*", "https://*.livekit.run:*")),
        ("ws://x.livekit.cloud", ("ws://*.livekit.cloud:*", "http://*.livekit.cloud:*")),
        ("wss://livekit.cloud.example.com", ("wss://livekit.cloud.example.com", "https://livekit.cloud.example.com")),
        ("wss://notlivekit.cloud", ("wss://notlivekit.cloud", "https://notlivekit.cloud")),
    ],
)
def test_the_page_may_reach_livekit_and_its_http_twin(livekit_url: str, sources: tuple[str, str]) -> None:
    assert reachable(livekit_url) == sources
    assert " ".join(sources) in headers(livekit_url, ("microphone",))["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/call.js", "/config", "/healthz", "/token", "/nothing"])
async def test_no_answer_is_guessed_at_or_used_by_other_sites(http: aiohttp.ClientSession, url: str, path: str) -> None:
    """Files, tokens, refusals of the application and of its gate."""
    for method, told in (("GET", {}), ("POST", {}), ("GET", {"Origin": "https://evil.example.com"})):
        async with http.request(method, url.rstrip("/") + path, headers=told) as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "Strict-Transport-Security" not in answer.headers, "this connection is plain http"


async def test_behind_https_a_browser_is_told_to_stay_there(http: aiohttp.ClientSession) -> None:
    """A trusted proxy says how the browser reached it; anybody else's word for it doesn't count."""
    settings = {"TOKEN_MODE": "key", "TOKEN_KEYS": "a-key-that-is-long-enough", "TOKEN_HOSTS": "voice.example.com"}
    for proxy, expected in (("127.0.0.1", "max-age=31536000"), ("192.0.2.1", None)):
        async with running_token_server(**settings, TOKEN_TRUSTED_PROXIES=proxy) as running:
            told = {"Host": "voice.example.com", "X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
            for path in ("", "config", "nothing"):
                async with http.get(f"{running.url}{path}", headers=told) as answer:
                    assert answer.headers.get("Strict-Transport-Security") == expected


async def test_a_mistake_of_ours_is_answered_with_the_same_headers() -> None:
    def broken(_: Request) -> Response:
        raise ZeroDivisionError

    app = Starlette(routes=[Route("/", broken)])
    install_error_handlers(app)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "scheme": "https"}
    with pytest.raises(ZeroDivisionError):
        await app(scope, receive, send)
    start = sent[0]
    assert start["status"] == 500
    given = {name.decode().title(): value.decode() for name, value in start["headers"]}
    assert (SECURITY_HEADERS | HSTS).items() <= given.items()
