"""One browser and one door for all that needs nothing special."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests.e2e.page.browser import Visit, chromium, visiting
from tests.e2e.stack import API_KEY, API_SECRET, Sfu
from tests.token_server.program import RunningDoor, door

FLAGS = [
    "--use-fake-device-for-media-stream",
    "--auto-select-tab-capture-source-by-title=Earshot",
    "--host-resolver-rules=MAP insecure.test 127.0.0.1",
]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        # no real device is there; pages get the permission one by one
        launched = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            yield launched
        finally:
            await launched.close()


def to(server: Sfu) -> dict[str, str]:
    """A door's settings: it leads to that SFU."""
    return {"LIVEKIT_URL": server.url, "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}


@pytest.fixture(scope="session")
async def front_door(server: Sfu) -> AsyncIterator[RunningDoor]:
    async with door(**to(server), TOKEN_PER_ADDRESS="600/minute") as running_door:
        yield running_door


@pytest.fixture
async def visit(browser: Browser, front_door: RunningDoor) -> AsyncIterator[Visit]:
    """Somebody who has just opened the page, and whose browser gives the microphone."""
    async with visiting(browser, front_door.url) as visit:
        yield visit
