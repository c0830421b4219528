"""Web pages of elsewhere can't use a visitor's reach, however they name themselves; those that are listed can."""

from collections.abc import AsyncIterator

import pytest
from starlette.datastructures import Headers

from tests.token_server.program import UNLIMITED, TokenServerProcess, running_token_server
from token_server.errors import RefusedError
from token_server.origins import Origins

LISTED = "https://app.example.com"
JSON = "Content-Type: application/json"


@pytest.fixture(scope="module")
async def listing() -> AsyncIterator[TokenServerProcess]:
    async with running_token_server(TOKEN_ORIGINS=f"{LISTED},http://127.0.0.1:3000", **UNLIMITED) as running:
        yield running


async def test_the_token_servers_own_page_may_ask(listing: TokenServerProcess) -> None:
    for name in (f"127.0.0.1:{listing.port}", f"localhost:{listing.port}", f"LOCALHOST:{listing.port}"):
        headers = [f"Host: {name}", f"Origin: http://{name.lower()}", "Sec-Fetch-Site: same-origin", JSON]
        assert (await listing.ask(headers=headers)).status == 201


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.com",
        "null",
        "",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://127.0.0.1:{port}.evil.example.com",
        "http://127.0.0.1:{port}@evil.example.com",
        "http://evil.example.com/127.0.0.1:{port}",
        "http://localhost:{port}",
        "file://",
        "127.0.0.1:{port}",
        "https://app.example.com.evil.example.com",
        "https://app.example.com:8443",
        "http://app.example.com",
        "https://app.example.com, https://app.example.com",
        "*",
    ],
)
async def test_a_foreign_page_may_not(listing: TokenServerProcess, origin: str) -> None:
    header = f"Origin: {origin.format(port=listing.port)}"
    for method, path in (("POST", "/token"), ("POST", "/api/token"), ("OPTIONS", "/token"), ("GET", "/config")):
        answer = await listing.ask(method, path, [header, JSON, "Access-Control-Request-Method: POST"])
        assert (answer.status, answer.code) == (403, "forbidden_origin")
        assert "access-control-allow-origin" not in answer.headers


async def test_tricks_with_several_headers_do_not_help(listing: TokenServerProcess) -> None:
    own = f"http://127.0.0.1:{listing.port}"
    for headers in (
        [f"Origin: {own}", "Origin: https://evil.example.com"],
        [f"Origin: {LISTED}", "Origin: https://evil.example.com"],
        ["Origin: https://evil.example.com", "Sec-Fetch-Site: same-origin"],
        ["Origin: https://evil.example.com", f"Referer: {own}/"],
        [f"Origin: {own}", "Sec-Fetch-Site: cross-site"],
        ["Sec-Fetch-Site: cross-site"],
        ["Sec-Fetch-Site: same-site"],
    ):
        answer = await listing.ask(headers=[*headers, JSON])
        assert (answer.status, answer.code) == (403, "forbidden_origin")


@pytest.mark.parametrize("name", ["evil.example.com", "127.0.0.1.evil.example.com", "a@127.0.0.1", "", "[", "localhost.evil"])
async def test_a_name_that_was_pointed_at_the_token_server_is_not_its_own(listing: TokenServerProcess, name: str) -> None:
    for path in ("/token", "/config", "/"):
        answer = await listing.ask(
            "POST" if path == "/token" else "GET", path, [f"Host: {name}", f"Origin: http://{name}", JSON]
        )
        assert (answer.status, answer.code) == (403, "forbidden_host")
    assert (await listing.ask("GET", "/healthz", [f"Host: {name}"])).status == 200


async def test_a_listed_page_may_ask_and_read_the_answer(listing: TokenServerProcess) -> None:
    asked = [f"Origin: {LISTED}", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization"]
    preflight = await listing.ask("OPTIONS", "/token", asked)
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == LISTED
    assert preflight.headers["access-control-allow-headers"] == "authorization"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    for body, status in ((b"{}", 201), (b"{", 400)):
        answer = await listing.ask(headers=[f"Origin: {LISTED}", "Sec-Fetch-Site: cross-site", JSON], body=body)
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, LISTED)
        assert answer.headers["access-control-expose-headers"] == "Retry-After"
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers


async def test_a_page_sends_json(listing: TokenServerProcess) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"):
        answer = await listing.ask(headers=[f"Origin: {LISTED}", f"Content-Type: {kind}"])
        assert (answer.status, answer.code) == (415, "bad_content_type")
        assert (await listing.ask(headers=[f"Content-Type: {kind}"])).status == 201


async def test_links_from_elsewhere_lead_to_the_page(listing: TokenServerProcess) -> None:
    headers = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"]
    assert (await listing.ask("GET", "/", headers)).status == 200


@pytest.mark.parametrize(
    ("origins", "host", "own"),
    [
        (Origins("127.0.0.1"), "token.example.com", False),
        (Origins("127.0.0.1", ("token.example.com",)), "token.example.com", True),
        (Origins("127.0.0.1", ("token.example.com",)), "TOKEN.example.com.:8443", True),
        (Origins("127.0.0.1", ("token.example.com",)), "127.0.0.1:80", True),
        (Origins("::1"), "[::1]:7882", True),
        (Origins("0.0.0.0"), "token.example.com", True),
        (Origins("0.0.0.0", ("token.example.com",)), "other.example.com", False),
        (Origins("0.0.0.0", ("token.example.com",)), "127.0.0.1", False),
    ],
)
def test_the_token_servers_names(origins: Origins, host: str, own: bool) -> None:
    try:
        origins.check(Headers({"Host": host}), "POST", "/token")
    except RefusedError as refused:
        assert (own, refused.code) == (False, "forbidden_host")
    else:
        assert own


def test_behind_a_proxy_that_speaks_tls_the_page_is_still_the_servers_own() -> None:
    origins = Origins("127.0.0.1", ("token.example.com",))
    origins.check(Headers({"Host": "token.example.com", "Origin": "https://token.example.com"}), "POST", "/token")
