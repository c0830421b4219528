"""One Redis and one livekit-server; every test finds them empty."""

from collections.abc import AsyncIterator

import pytest

from tests.telephony.bridge import Bridge, bridge
from tests.telephony.stack import Exchange, exchange


@pytest.fixture(scope="session")
async def running_exchange() -> AsyncIterator[Exchange]:
    async with exchange() as running:
        yield running


@pytest.fixture
async def server(running_exchange: Exchange) -> Exchange:
    await running_exchange.empty()
    return running_exchange


@pytest.fixture(scope="session")
async def asking(running_exchange: Exchange) -> AsyncIterator[Bridge]:
    async with bridge(running_exchange.redis_port) as running:
        yield running
