"""The proxy for each URL, as curl reads the environment; this machine is never reached through one."""

import asyncio
import os
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import rtc

from configuration import (
    ConfigurationError,
    ValueMistakeError,
    is_loopback,
    is_this_machine,
    livekit_proxy,
    masked,
    proxy_for,
    set_native_proxy,
    values,
)
from tests.ports import free_port

BOTH = {"HTTPS_PROXY": "http://s:1", "HTTP_PROXY": "http://p:2"}


def proxy(url: str, **environment: str) -> str | None:
    return proxy_for(url, values(environment, None))


@pytest.mark.parametrize(
    ("url", "environment", "way"),
    [
        ("wss://x.example", BOTH, "http://s:1"),
        ("ws://x.example", BOTH, "http://p:2"),
        ("https://x.example", {"https_proxy": "http://small:1"}, "http://small:1"),
        ("https://x.example", {"HTTPS_PROXY": "http://big:1", "https_proxy": "http://small:1"}, "http://small:1"),
        ("https://x.example", {"ALL_PROXY": "socks5h://s:1080"}, "socks5://s:1080"),
        ("https://x.example", {"all_proxy": "http://a:1", "HTTPS_PROXY": "http://s:1"}, "http://s:1"),
        ("https://x.example", {"HTTPS_PROXY": "proxy.example:3128"}, "http://proxy.example:3128"),
        ("https://x.example", {"HTTPS_PROXY": " 'http://user:pw@s:1/' \n"}, "http://user:pw@s:1"),
        ("https://x.example", {"HTTP_PROXY": "http://p:2"}, None),
        ("https://x.example", {"HTTPS_PROXY": ""}, None),
    ],
)
def test_the_scheme_decides(url: str, environment: dict[str, str], way: str | None) -> None:
    assert proxy(url, **environment) == way


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST.", "sfu.localhost"])
def test_only_this_machine_reaches_a_loopback_address(host: str) -> None:
    assert is_loopback(host)
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_unspecified_address_leads_here_and_is_reached_by_others(host: str) -> None:
    assert is_this_machine(host)
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["", "example.com", "localhost.example.com", "notlocalhost", "10.0.0.1"])
def test_other_machines_are_no_loopback(host: str) -> None:
    assert not is_loopback(host)
    assert not is_this_machine(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "[::1]", "localhost", "LOCALHOST.", "sfu.localhost", "0.0.0.0"])
def test_this_machine_is_dialled_directly(host: str) -> None:
    for scheme in ("ws", "wss", "http", "https"):
        assert proxy(f"{scheme}://{host}:7880", ALL_PROXY="http://a:1", **BOTH) is None


@pytest.mark.parametrize(
    ("no_proxy", "direct"),
    [
        ("*", True),
        ("example.com", True),
        (".example.com", True),
        ("*.example.com", True),
        ("EXAMPLE.com", True),
        ("other, sfu.example.com", True),
        ("other sfu.example.com", True),
        ("sfu.example.com:443", True),
        ("sfu.example.com:7880", False),
        ("ample.com", False),
        ("sfu", False),
        ("", False),
        (",", False),
    ],
)
def test_no_proxy_names_what_is_dialled_directly(no_proxy: str, direct: bool) -> None:
    assert (proxy("wss://sfu.example.com", NO_PROXY=no_proxy, **BOTH) is None) is direct
    assert (proxy("wss://sfu.example.com", no_proxy=no_proxy, **BOTH) is None) is direct


@pytest.mark.parametrize(
    ("host", "no_proxy", "direct"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:80", True),
        ("10.1.2.3", "192.168.0.0/16", False),
        ("[fd00::1]", "fd00::/8", True),
        ("[fd00::1]", "[fd00::1]", True),
    ],
)
def test_no_proxy_has_addresses_and_networks(host: str, no_proxy: str, direct: bool) -> None:
    assert (proxy(f"ws://{host}", NO_PROXY=no_proxy, **BOTH) is None) is direct


@pytest.mark.parametrize("wrong", ["http://", "ftp://p:1", "http://p:port", "http://p:0", "http://a b", "http://[::1"])
def test_a_proxy_that_is_no_url_is_named(wrong: str) -> None:
    with pytest.raises(ValueMistakeError, match=r"HTTPS_PROXY is .*: it must be a URL such as http://proxy.example.com:3128"):
        proxy("wss://x.example", HTTPS_PROXY=wrong)
    assert proxy("ws://127.0.0.1:7880", HTTP_PROXY=wrong) is None, "it leads nowhere that is needed"


def test_a_proxys_password_does_not_show() -> None:
    assert masked("http://user:secret@p:3128") == "http://p:3128"
    with pytest.raises(ValueMistakeError) as caught:
        proxy("wss://x.example", HTTPS_PROXY="http://user:secret@p:port")
    assert "secret" not in str(caught.value)


def test_livekits_libraries_take_http_proxies_alone() -> None:
    assert livekit_proxy("wss://x.example", values({"ALL_PROXY": "socks5://s:1"}, None)) is None
    assert livekit_proxy("wss://x.example", values(BOTH, None)) == "http://s:1"


def test_the_native_library_is_told_and_others_keep_their_proxy() -> None:
    environment = dict(BOTH)
    set_native_proxy(environment, "ws://127.0.0.1:7880", None)
    assert environment == BOTH | {
        "HTTP_PROXY": "",
        "http_proxy": "http://p:2",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    assert values(environment, None).known["HTTP_PROXY"] == "http://p:2"
    set_native_proxy(environment, "wss://x.example", "http://other:1")
    assert environment["HTTPS_PROXY"] == "http://other:1"
    assert environment["NO_PROXY"] == "127.0.0.1"


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("no_proxy", ["*", "*,example.com", "example.com, *"])
def test_no_proxy_for_anything_stays_that_for_other_libraries(
    monkeypatch: pytest.MonkeyPatch, name: str, no_proxy: str
) -> None:
    """Those of tools: urllib, which aiohttp asks as well, and requests as it is without a proxy."""
    for each in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.setenv(each, "")
        monkeypatch.setenv(each.lower(), "")
    monkeypatch.setenv("https_proxy", "http://p:1")
    monkeypatch.setenv("HTTP_PROXY", "http://p:2")
    monkeypatch.setenv(name, no_proxy)
    url = "wss://10.0.0.5"
    set_native_proxy(os.environ, url, livekit_proxy(url, values(os.environ, None)))
    assert (os.environ["NO_PROXY"], os.environ["no_proxy"]) == ("*", "*")
    assert urllib.request.proxy_bypass("example.net")
    assert set(urllib.request.getproxies()) <= {"no"}


@pytest.mark.parametrize("no_proxy", ["", "*", "*,example.com", "example.com, 127.0.0.1"])
async def test_the_native_library_asks_no_proxy_for_this_machine(monkeypatch: pytest.MonkeyPatch, no_proxy: str) -> None:
    """Neither for its socket nor for the question why that failed; the real library, and nobody at the address."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, no_proxy)
        url = f"ws://127.0.0.1:{free_port()}"
        set_native_proxy(os.environ, url, livekit_proxy(url, values(os.environ, None)))
        with pytest.raises(rtc.ConnectError):
            await rtc.Room().connect(url, "a.b.c", rtc.RoomOptions(connect_timeout=2))
    assert asked == []


@given(st.text(), st.text(), st.text())
def test_any_text_gives_a_proxy_or_one_sentence(url: str, way: str, no_proxy: str) -> None:
    try:
        proxy(url, ALL_PROXY=way, NO_PROXY=no_proxy)
        proxy("https://x.example", ALL_PROXY=way, NO_PROXY=no_proxy)
    except ConfigurationError as error:
        assert "\n" not in str(error)
