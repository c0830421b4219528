"""Frames through the model's link to the emulator, in one process: what arrives is what was shown, over a connection alone."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.metrics import RealtimeModelMetrics

from agent.gemini import ApiKey, EarshotModel, Endpoint, Voicing
from emulator.answers import Rule
from emulator.journal import Journal
from emulator.profile import ConnectionProfile
from emulator.profiles import GEMINI_3_8_LIVE
from emulator.script import Script
from emulator.server import serving
from emulator.shared import Emulator
from emulator.tls import server_context
from tests.agent.gemini.listening import Told
from tests.agent.gemini.test_pictures import BLUE, GREEN, GREY, RED, corners, decoded, look_alike, quarters
from tests.e2e.stack import until
from tests.ports import free_port

QUICK = dataclasses.replace(GEMINI_3_8_LIVE, model="quick", connection=ConnectionProfile(setup_s=0.0, locked_s=0.0))


class Service:
    """An emulator that can be started and stopped."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.ca_file = folder / "ca.pem"
        self._tls = server_context(self.ca_file)
        self.state = Emulator(Script(otherwise=Rule("I see.")), Journal(folder / "journal.jsonl"), fallback=QUICK)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with serving(self.state, host="127.0.0.1", port=self.port, tls=self._tls):
            yield

    @asynccontextmanager
    async def model(self, told: Told, **live: Any) -> AsyncIterator[EarshotModel]:
        """A model with these settings of a `[live]` table."""
        endpoint = Endpoint("quick", ApiKey("key"), base_url=f"https://127.0.0.1:{self.port}", ca_file=self.ca_file)
        async with EarshotModel(endpoint, Voicing("Puck", silence_ms=300, live=live), listener=told) as model:
            session = model.session()
            yield model
            await session.aclose()

    @property
    def got(self) -> bytes:
        """The newest picture that came."""
        picture = self.state.sessions.newest_picture()
        assert picture is not None
        assert picture[1] == "image/jpeg"
        return picture[0]

    @property
    def counts(self) -> list[int]:
        """The number of pictures that came, by session."""
        return [report["pictures"]["count"] for report in self.state.sessions.report()]


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


async def test_a_frame_arrives_as_a_jpeg_with_its_colours(service: Service) -> None:
    """It is told once it went out."""
    told = Told()
    async with service.running(), service.model(told) as model:
        assert await model.connected()
        model.pictures.push(corners(1280, 720).convert(rtc.VideoBufferType.I420), "camera")
        assert told.pictures == []
        await until(lambda: bool(told.pictures))
        await until(lambda: service.counts == [1])
        assert decoded(service.got).shape == (432, 768, 3)
        assert look_alike(quarters(service.got), [RED, GREEN, BLUE, GREY])
    assert told.pictures == ["camera"]


async def test_a_picture_has_the_size_and_the_tokens_of_the_resolution(service: Service) -> None:
    told = Told()
    async with service.running(), service.model(told, media_resolution="MEDIA_RESOLUTION_LOW") as model:
        assert await model.connected()
        model.pictures.push(corners(1280, 720), "camera")
        await until(lambda: service.counts == [1])
        assert decoded(service.got).shape == (216, 384, 3)
        usage: list[RealtimeModelMetrics] = []
        session = model.session()
        session.on("metrics_collected", usage.append)
        session.generate_reply(instructions="Say what you see.")
        await until(lambda: bool(usage))
        assert usage[0].input_token_details.image_tokens == 64


async def test_livekits_video_input_reaches_the_model_too(service: Service) -> None:
    """A developer may give LiveKit's session a video input of their own."""
    told = Told()
    async with service.running(), service.model(told) as model:
        assert await model.connected()
        session = model.session()
        session.push_video(corners(320, 240))
        await until(lambda: told.pictures == ["input"])
        assert np.array(decoded(service.got).shape).tolist() == [240, 320, 3]


async def test_none_is_sent_while_the_link_is_down_and_then_the_newest(service: Service) -> None:
    """Of frames from before the connection, the newest alone."""
    told = Told()
    async with service.model(told) as model:
        model.pictures.push(corners(64, 64), "camera")
        await until(lambda: any(event.kind == "retrying" for event in told.events))
        model.pictures.push(corners(128, 64), "camera")
        assert told.pictures == []
        async with service.running():
            await until(lambda: service.counts == [1], within_s=20)
            assert decoded(service.got).shape[:2] == (64, 128)
            assert told.pictures == ["camera"]


async def test_a_screen_that_does_not_change_is_sent_to_the_next_session_too(service: Service) -> None:
    """LiveKit closes a session after a failure, and opens another, which knows nothing."""
    told = Told()
    async with service.running(), service.model(told) as model:
        assert await model.connected()
        model.pictures.push(corners(128, 64), "screen_share")
        await until(lambda: service.counts == [1])
        await model.session().aclose()
        session = model.session()
        await until(lambda: service.counts == [1, 1], within_s=20)
        assert decoded(service.got).shape[:2] == (64, 128)
        await session.aclose()
    assert told.pictures == ["screen_share", "screen_share"]
