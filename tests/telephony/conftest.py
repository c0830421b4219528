"""One Redis and one livekit-server; every test finds them empty."""

from collections.abc import AsyncIterator

import pytest

from tests.telephony.bridge import Bridge, bridge
from tests.telephony.stack import SipLiveKit, sip_livekit


@pytest.fixture(scope="session")
async def running_livekit() -> AsyncIterator[SipLiveKit]:
    async with sip_livekit() as running:
        yield running


@pytest.fixture
async def server(running_livekit: SipLiveKit) -> SipLiveKit:
    await running_livekit.empty()
    return running_livekit


@pytest.fixture(scope="session")
async def asking(running_livekit: SipLiveKit) -> AsyncIterator[Bridge]:
    async with bridge(running_livekit.redis_port) as running:
        yield running
