"""Access tokens of Google's application default credentials: outages, the proxy, and the one renewal that connections share."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from google.auth.compute_engine import _metadata

from agent.gemini import GoogleAccessTokens
from tests.emulator.google_oauth import OAuthServer, metadata_server, oauth_server

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
async def oauth(tmp_path: Path) -> AsyncIterator[OAuthServer]:
    async with oauth_server(tmp_path) as server:
        yield server


async def test_a_metadata_server_without_an_account_is_an_outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine's metadata server may have no account yet; and a proxy isn't asked for it."""
    async with metadata_server() as metadata:
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))  # no login of gcloud's
        monkeypatch.setenv("GCE_METADATA_IP", metadata.place)
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", metadata.place)  # google-auth reads the variable at its import
        tokens = GoogleAccessTokens(proxy=NOBODY)
        metadata.has_account = False
        with pytest.raises(ConnectionError, match=r"no access token: Failed to retrieve .* Status: 404"):
            await tokens.token()
        metadata.has_account = True
        assert await tokens.token() == "token-1"


async def test_an_outage_leaves_a_token_that_has_not_expired(oauth: OAuthServer) -> None:
    tokens = GoogleAccessTokens(oauth.file)
    oauth.life_s = 60  # less than google-auth's margin
    assert await tokens.token() == "token-1"
    oauth.is_down = True
    assert await tokens.token() == "token-1"


async def test_an_expired_token_lets_nobody_in(oauth: OAuthServer) -> None:
    tokens = GoogleAccessTokens(oauth.file)
    oauth.life_s = 0
    assert await tokens.token() == "token-1"
    oauth.is_down = True
    with pytest.raises(ConnectionError, match="no access token"):
        await tokens.token()


async def test_connections_wait_for_one_renewal(oauth: OAuthServer) -> None:
    """Even for a token that is to be renewed at once, and while tools have every thread of the event loop's executor."""
    tokens = GoogleAccessTokens(oauth.file)
    oauth.life_s = 60  # less than google-auth's margin
    going_on = threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    tool = loop.run_in_executor(None, going_on.wait)
    try:
        async with asyncio.timeout(10):
            assert await asyncio.gather(*(tokens.token() for _ in range(3))) == ["token-1"] * 3
    finally:
        going_on.set()
        await tool


async def test_who_gives_up_ends_the_renewal_for_nobody_else(oauth: OAuthServer) -> None:
    tokens = GoogleAccessTokens(oauth.file)
    impatient, patient = asyncio.create_task(tokens.token()), asyncio.create_task(tokens.token())
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == "token-1"
    assert impatient.cancelled()


async def test_a_silent_server_holds_nobody_up(oauth: OAuthServer) -> None:
    """The start runs an event loop of its own, whose end waits for its executor's threads."""
    oauth.answers.clear()
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionError, match="no access token"):
            await asyncio.to_thread(asyncio.run, GoogleAccessTokens(oauth.file).token())
    oauth.answers.set()


async def test_https_goes_through_the_proxy(oauth: OAuthServer) -> None:
    asked: asyncio.Queue[bytes] = asyncio.Queue()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.put_nowait(await reader.readline())
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        account = json.loads(oauth.file.read_text())
        oauth.file.write_text(json.dumps(account | {"token_uri": "https://oauth.invalid/token"}))
        with pytest.raises(ConnectionError, match="no access token"):
            await GoogleAccessTokens(oauth.file, f"http://127.0.0.1:{port}").token()
        assert asked.get_nowait().startswith(b"CONNECT oauth.invalid:443 ")
