"""One browser and one door for all that needs nothing special."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from tests.e2e.page.browser import Visit, chromium, visiting
from tests.e2e.stack import API_KEY, API_SECRET, Sfu
from tests.token_server.program import RunningDoor, door


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    # a microphone that no device is behind; pages get the permission one by one
    flags = ["--use-fake-device-for-media-stream", "--host-resolver-rules=MAP insecure.test 127.0.0.1"]
    async with chromium(*flags) as running_browser:
        yield running_browser


def to(server: Sfu) -> dict[str, str]:
    """A door's settings: it leads to that SFU."""
    return {"LIVEKIT_URL": server.url, "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}


@pytest.fixture(scope="session")
async def front_door(server: Sfu) -> AsyncIterator[RunningDoor]:
    async with door(**to(server), TOKEN_PER_ADDRESS="600/minute") as running_door:
        yield running_door


@pytest.fixture(scope="session")
async def empty_house(server: Sfu) -> AsyncIterator[RunningDoor]:
    """A door to rooms that no agent comes to."""
    async with door(**to(server), AGENT_NAME="nobody", TOKEN_PER_ADDRESS="600/minute") as running_door:
        yield running_door


@pytest.fixture
async def visit_alone(browser: Browser, empty_house: RunningDoor) -> AsyncIterator[Visit]:
    """Somebody whose calls no agent takes, unless the test brings one."""
    async with visiting(browser, empty_house.url) as visit:
        yield visit


@pytest.fixture
async def visit(browser: Browser, front_door: RunningDoor) -> AsyncIterator[Visit]:
    """Somebody who has just opened the page, and whose browser gives the microphone."""
    async with visiting(browser, front_door.url) as visit:
        yield visit


@pytest.fixture(scope="module")
async def page(browser: Browser, front_door: RunningDoor) -> AsyncIterator[Page]:
    """A browser that has the modules at hand."""
    async with visiting(browser, front_door.url) as visit:
        yield visit.page
