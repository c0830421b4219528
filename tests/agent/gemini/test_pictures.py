"""Frames of the caller's camera and screen on their way to the model: what arrives, how large, and what never goes out."""

import asyncio
import base64
import io
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import av
import numpy as np
import pytest
from livekit import rtc
from numpy.typing import NDArray

from agent.gemini import jpeg
from agent.gemini.picture_pace import Viewing
from agent.gemini.pictures import Pictures
from tests.e2e.stack import until

RED, GREEN, BLUE, GREY = (250, 0, 0), (0, 250, 0), (0, 0, 250), (120, 120, 120)
Colour = tuple[int, int, int]


def corners(width: int, height: int) -> rtc.VideoFrame:
    """A frame whose quarters are red and green above, blue and grey below."""
    pixels = np.full((height, width, 4), 255, dtype=np.uint8)
    pixels[: height // 2, : width // 2, :3], pixels[: height // 2, width // 2 :, :3] = RED, GREEN
    pixels[height // 2 :, : width // 2, :3], pixels[height // 2 :, width // 2 :, :3] = BLUE, GREY
    return rtc.VideoFrame(width, height, rtc.VideoBufferType.RGBA, pixels.tobytes())


def decoded(picture: bytes) -> NDArray[np.uint8]:
    with av.open(io.BytesIO(picture), mode="r", format="mjpeg") as file:
        return next(file.decode(video=0)).to_ndarray(format="rgb24").astype(np.uint8)


def quarters(picture: bytes) -> list[list[int]]:
    """The colours in the middles of the four quarters: above from left to right, then below."""
    pixels = decoded(picture)
    height, width = pixels.shape[:2]
    return [pixels[y, x].tolist() for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]


def look_alike(found: list[list[int]], wanted: list[Colour]) -> bool:
    return bool(np.abs(np.array(found) - np.array(wanted)).max() <= 6)


@pytest.mark.parametrize(
    ("width", "height", "box_px", "size"),
    [
        (1280, 720, 768, (768, 432)),
        (720, 1280, 768, (432, 768)),
        (1280, 720, 384, (384, 216)),
        (640, 480, 768, (640, 480)),
        (101, 77, 768, (101, 77)),
        (4000, 10, 768, (768, 2)),
        (1, 1, 768, (1, 1)),
    ],
)
def test_a_picture_fits_the_box_and_is_never_enlarged(width: int, height: int, box_px: int, size: tuple[int, int]) -> None:
    pixels = decoded(jpeg.encoded(corners(width, height), box_px=box_px))
    assert (pixels.shape[1], pixels.shape[0]) == size


@pytest.mark.parametrize("kind", [rtc.VideoBufferType.RGBA, rtc.VideoBufferType.I420])
def test_a_picture_has_the_colours_of_the_frame(kind: rtc.VideoBufferType.ValueType) -> None:
    frame = corners(640, 360)
    picture = jpeg.encoded(frame if kind == frame.type else frame.convert(kind))
    assert look_alike(quarters(picture), [RED, GREEN, BLUE, GREY]), quarters(picture)


@pytest.mark.parametrize(
    ("rotation_deg", "upright"),
    [
        (90, [BLUE, RED, GREY, GREEN]),
        (180, [GREY, BLUE, GREEN, RED]),
        (270, [GREEN, GREY, RED, BLUE]),
    ],
)
def test_a_telephone_that_films_on_its_side_is_turned_upright(rotation_deg: int, upright: list[Colour]) -> None:
    picture = jpeg.encoded(corners(320, 240), rotation_deg=rotation_deg)
    assert look_alike(quarters(picture), upright), quarters(picture)
    assert decoded(picture).shape[:2] == ((320, 240) if rotation_deg != 180 else (240, 320))


class Gate:
    """A link that the test opens and closes."""

    def __init__(self) -> None:
        self.viewing = Viewing(takes=True, speaks=True)
        self.sent: list[bytes] = []

    def send_now(self, payload: bytes) -> bool:
        if self.viewing.takes:
            blob = json.loads(payload)["realtime_input"]["video"]
            assert blob["mimeType"] == jpeg.MIME_TYPE
            self.sent.append(base64.urlsafe_b64decode(blob["data"]))
        return self.viewing.takes


@asynccontextmanager
async def sending(gate: Gate, told: list[str]) -> AsyncIterator[Pictures]:
    pictures = Pictures(lambda: gate, told.append)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(pictures.run())
        yield pictures
        running.cancel()


async def test_none_is_sent_while_the_link_is_down_and_then_the_newest() -> None:
    """Nobody is told of a picture before it went out."""
    gate, told = Gate(), list[str]()
    gate.viewing = Viewing(takes=False, speaks=True)
    async with sending(gate, told) as pictures:
        pictures.push(corners(64, 64), "camera")
        await asyncio.sleep(0)
        pictures.push(corners(128, 64), "camera")
        assert (gate.sent, told) == ([], [])
        gate.viewing = Viewing(takes=True, speaks=True)
        await until(lambda: told == ["camera"])
    [picture] = gate.sent
    assert decoded(picture).shape[:2] == (64, 128)


async def test_a_source_that_has_ended_is_not_sent_any_more() -> None:
    gate, told = Gate(), list[str]()
    async with sending(gate, told) as pictures:
        pictures.push(corners(64, 64), "camera")
        pictures.forget("camera")
        pictures.push(corners(64, 64), "screen_share")
        await until(lambda: told == ["screen_share"])
    assert len(gate.sent) == 1


async def test_a_screen_that_does_not_change_is_sent_again_to_a_session_that_does_not_know_it() -> None:
    """A source that has ended is not, and one that the session knows is not."""
    gate, told = Gate(), list[str]()
    async with sending(gate, told) as pictures:
        pictures.push(corners(64, 64), "camera")
        await until(lambda: told == ["camera"])
        known_until = asyncio.get_running_loop().time()
        pictures.push(corners(128, 64), "screen_share")
        await until(lambda: told == ["camera", "screen_share"])
        pictures.opened(known_until)
        await until(lambda: told == ["camera", "screen_share", "screen_share"])
        pictures.forget("screen_share")
        pictures.opened(-math.inf)
        await until(lambda: told == ["camera", "screen_share", "screen_share", "camera"])
    assert [decoded(picture).shape[:2] for picture in gate.sent] == [(64, 64), (64, 128), (64, 128), (64, 64)]


async def test_a_picture_is_sized_for_the_resolution_that_the_setup_asks_for() -> None:
    gate, told = Gate(), list[str]()
    gate.viewing = Viewing(takes=True, speaks=True, media_resolution="MEDIA_RESOLUTION_LOW")
    async with sending(gate, told) as pictures:
        pictures.push(corners(1280, 720))
        await until(lambda: bool(told))
    assert decoded(gate.sent[0]).shape[:2] == (216, 384)


async def test_frames_that_cannot_be_encoded_are_told_once_and_others_are_sent(caplog: pytest.LogCaptureFixture) -> None:
    gate, told, failures = Gate(), list[str](), 0

    def fail_twice(frame: rtc.VideoFrame, *, box_px: int, rotation_deg: int) -> bytes:
        nonlocal failures
        if failures < 2:
            failures += 1
            raise ValueError("broken")
        return jpeg.encoded(frame, box_px=box_px, rotation_deg=rotation_deg)

    pictures = Pictures(lambda: gate, told.append, fail_twice)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(pictures.run())
        for tries in range(1, 3):
            pictures.push(corners(64, 64), "camera")
            await until(lambda tries=tries: failures == tries)  # type: ignore[misc]
        pictures.push(corners(64, 64), "camera")
        await until(lambda: told == ["camera"])
        running.cancel()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
