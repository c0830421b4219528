"""Whose camera the model sees, and when: the caller's, unless it is muted, and nothing that the persona doesn't look at."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import av
import numpy as np
import pytest
from livekit import api, rtc

from tests.e2e.conftest import SCRIPT
from tests.e2e.seen import Seen
from tests.e2e.stack import API_KEY, API_SECRET, Sfu, emulator, worker
from tests.ports import free_port

AGENT_NAME = "looks"
WIDTH, HEIGHT, FRAME_S = 320, 240, 0.1
RED, GREEN, BLUE = (200, 30, 30), (30, 160, 30), (30, 30, 200)
PERSONA = 'instructions = "Say what you see."\n[eyes]\nsources = ["camera"]\n'
TOLD_S = 15
Colour = tuple[int, int, int]


class Guest:
    """A participant who shows a colour, and keeps what the agent tells the room."""

    def __init__(self, room: rtc.Room, tasks: asyncio.TaskGroup) -> None:
        self.room = room
        self.colour = RED
        self._tasks = tasks
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=200)
        self._showing: list[asyncio.Task[None]] = []
        room.register_text_stream_handler("earshot.events", lambda reader, _: self._keep(tasks, reader))

    def _keep(self, tasks: asyncio.TaskGroup, reader: rtc.TextStreamReader) -> None:
        async def keep() -> None:
            self._told.put_nowait(json.loads(await reader.read_all()))

        tasks.create_task(keep())

    async def is_told(self, kind: str) -> dict[str, Any]:
        """The next event of that kind, without its time."""
        async with asyncio.timeout(TOLD_S):
            while (event := await self._told.get())["type"] != kind:
                pass
        return {name: value for name, value in event.items() if name not in {"t", "type"}}

    async def show(self, source: rtc.TrackSource.ValueType, colour: Colour | None = None) -> rtc.LocalVideoTrack:
        """Publish a video of one colour; without it of the guest's, whatever that is at the time."""
        pictures = rtc.VideoSource(WIDTH, HEIGHT)
        track = rtc.LocalVideoTrack.create_video_track("video", pictures)

        async def play() -> None:
            while True:
                pixels = np.full((HEIGHT, WIDTH, 4), (*(colour or self.colour), 255), dtype=np.uint8)
                pictures.capture_frame(rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, pixels.tobytes()))
                await asyncio.sleep(FRAME_S)

        self._showing.append(self._tasks.create_task(play()))
        await self.room.local_participant.publish_track(track, rtc.TrackPublishOptions(source=source, simulcast=False))
        return track

    def stop(self) -> None:
        for task in self._showing:
            task.cancel()


@asynccontextmanager
async def guest(server: Sfu, identity: str, *, calls: bool) -> AsyncIterator[Guest]:
    """Somebody in the room, who may call the agent into it."""
    token = api.AccessToken(API_KEY, API_SECRET).with_identity(identity)
    token = token.with_grants(api.VideoGrants(room_join=True, room="seen"))
    if calls:
        token = token.with_room_config(api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name=AGENT_NAME)]))
    async with asyncio.TaskGroup() as tasks:
        room = rtc.Room()
        participant = Guest(room, tasks)
        await room.connect(server.url, token.to_jwt())
        try:
            yield participant
        finally:
            participant.stop()
            await room.disconnect()


@asynccontextmanager
async def looking(server: Sfu, folder: Path) -> AsyncIterator[Seen]:
    """A worker whose persona looks at the camera."""
    (folder / "looker.toml").write_text(PERSONA)
    (folder / "script.toml").write_text(SCRIPT)
    port = free_port()
    async with AsyncExitStack() as stack:
        options = ["--script", str(folder / "script.toml"), "--control-port", str(port)]
        gemini = await stack.enter_async_context(emulator(folder, *options))
        persona = {"PERSONAS_DIR": str(folder), "PERSONA": "looker", "AGENT_NAME": AGENT_NAME, "TMPDIR": str(folder)}
        await stack.enter_async_context(worker(server, gemini, **persona))
        yield Seen(await stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{port}")))


def colour(jpeg: bytes) -> list[int]:
    """The colour in the middle of a JPEG."""
    with av.open(io.BytesIO(jpeg), mode="r", format="mjpeg") as file:
        found: list[int] = next(file.decode(video=0)).to_ndarray(format="rgb24")[HEIGHT // 2, WIDTH // 2].tolist()
    return found


def is_nearly(found: list[int], wanted: Colour) -> bool:
    return max(abs(one - other) for one, other in zip(found, wanted, strict=True)) < 25


@pytest.mark.long
async def test_the_model_sees_the_callers_camera_and_nothing_else(server: Sfu, tmp_path: Path) -> None:
    """Not the audience's, not a source that the persona doesn't look at, and not a muted track.

    When the caller leaves, whoever remains is the caller, and their camera is seen.
    """
    async with (
        looking(server, tmp_path) as seen,
        guest(server, "caller", calls=True) as caller,
        guest(server, "audience", calls=False) as audience,
    ):
        assert await caller.is_told("caller") == {"identity": "caller"}
        await audience.show(rtc.TrackSource.SOURCE_CAMERA, BLUE)
        await caller.show(rtc.TrackSource.SOURCE_SCREENSHARE, BLUE)
        camera = await caller.show(rtc.TrackSource.SOURCE_CAMERA)
        assert await caller.is_told("sees") == {"source": "camera", "active": True}
        assert is_nearly(colour(await seen.picture()), RED)
        camera.mute()
        assert await caller.is_told("sees") == {"source": "camera", "active": False}
        before = await seen.pictures()
        caller.colour = GREEN
        camera.unmute()
        assert await caller.is_told("sees") == {"source": "camera", "active": True}
        assert is_nearly(colour(await seen.picture()), GREEN), "nothing of before the mute is sent after it"
        assert await seen.pictures() > before
        for active in (True, False, True):  # the caller's camera, up to here
            assert await audience.is_told("sees") == {"source": "camera", "active": active}
        await caller.room.disconnect()
        assert await audience.is_told("sees") == {"source": "camera", "active": False}
        assert await audience.is_told("sees") == {"source": "camera", "active": True}
        assert is_nearly(colour(await seen.picture()), BLUE), "the audience is the caller now"
