"""One browser and one token server for all tests that need nothing special."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from tests.e2e.page.browser import Visit, chromium, visiting
from tests.e2e.stack import API_KEY, API_SECRET, Sfu
from tests.token_server.program import TokenServerProcess, running_token_server


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    # a microphone that no device is behind; pages get the permission one by one
    flags = ["--use-fake-device-for-media-stream", "--host-resolver-rules=MAP insecure.test 127.0.0.1"]
    async with chromium(*flags) as running_browser:
        yield running_browser


def to(server: Sfu) -> dict[str, str]:
    """The settings of a token server whose tokens open rooms on that SFU."""
    return {"LIVEKIT_URL": server.url, "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}


@pytest.fixture(scope="session")
async def token_server(server: Sfu) -> AsyncIterator[TokenServerProcess]:
    async with running_token_server(**to(server), TOKEN_PER_ADDRESS="600/minute") as running:
        yield running


@pytest.fixture(scope="session")
async def server_without_agent(server: Sfu) -> AsyncIterator[TokenServerProcess]:
    """A token server whose rooms no agent comes to."""
    async with running_token_server(**to(server), AGENT_NAME="nobody", TOKEN_PER_ADDRESS="600/minute") as running:
        yield running


@pytest.fixture
async def visit_alone(browser: Browser, server_without_agent: TokenServerProcess) -> AsyncIterator[Visit]:
    """Somebody whose calls no agent takes, unless the test brings one."""
    async with visiting(browser, server_without_agent.url) as visit:
        yield visit


@pytest.fixture
async def visit(browser: Browser, token_server: TokenServerProcess) -> AsyncIterator[Visit]:
    """Somebody who has just opened the page, and whose browser gives the microphone."""
    async with visiting(browser, token_server.url) as visit:
        yield visit


@pytest.fixture(scope="module")
async def page(browser: Browser, token_server: TokenServerProcess) -> AsyncIterator[Page]:
    """A browser that has the modules at hand."""
    async with visiting(browser, token_server.url) as visit:
        yield visit.page
