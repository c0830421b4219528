"""The camera in a real call: offered if the persona looks, shown to the caller, and seen by the model as it is shown."""

import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import av
import numpy as np
from numpy.typing import NDArray
from playwright.async_api import expect

from tests.e2e.conftest import SCRIPT
from tests.e2e.page.browser import Visit, chromium, visiting
from tests.e2e.page.conftest import to
from tests.e2e.seen import Seen
from tests.e2e.stack import Sfu, emulator, worker
from tests.ports import free_port
from tests.token_server.program import running_token_server

WIDTH, HEIGHT, FRAMES_PER_S = 640, 360, 10
PERSONA = """
title = "Looker"
instructions = "Say what you see."
greeting = "Greet the caller."

[eyes]
sources = ["camera"]
"""
Pixels = NDArray[np.uint8]


def shown_picture() -> Pixels:
    """Four colours, of which no mirror image and no turn looks like the picture itself, and a ramp across them."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels[: HEIGHT // 2, : WIDTH // 2], pixels[: HEIGHT // 2, WIDTH // 2 :] = (200, 40, 40), (40, 160, 40)
    pixels[HEIGHT // 2 :, : WIDTH // 2], pixels[HEIGHT // 2 :, WIDTH // 2 :] = (40, 60, 200), (190, 190, 190)
    ramp = np.linspace(0, 50, WIDTH).astype(np.uint8)
    return pixels + ramp[np.newaxis, :, np.newaxis]


def write_y4m(path: Path, pixels: Pixels) -> None:
    """A video file that Chromium plays, again and again, in place of a camera."""
    planes = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p").to_ndarray().tobytes()
    header = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAMES_PER_S}:1 Ip A1:1 C420mpeg2\n".encode()
    path.write_bytes(header + FRAMES_PER_S * (b"FRAME\n" + planes))


def difference(jpeg: bytes, pixels: Pixels) -> float:
    """How far a JPEG is from a picture: the mean difference of their colours, from 0 to 255, at a sixteenth of its width."""
    with av.open(io.BytesIO(jpeg), mode="r", format="mjpeg") as file:
        got = small(next(file.decode(video=0)))
    return float(np.abs(got - small(av.VideoFrame.from_ndarray(pixels, format="rgb24"))).mean())


def small(frame: av.VideoFrame) -> NDArray[np.int64]:
    """The colours at a sixteenth of the width."""
    smaller = frame.reformat(width=WIDTH // 16, height=HEIGHT // 16, format="rgb24", interpolation="AREA")
    return smaller.to_ndarray().astype(np.int64)


@asynccontextmanager
async def looking(server: Sfu, folder: Path, camera: Path, **token_server: str) -> AsyncIterator[tuple[Visit, Seen]]:
    """A worker whose persona looks at the camera, and a visitor whose camera shows the file."""
    personas = folder / "personas"
    personas.mkdir()
    (personas / "looker.toml").write_text(PERSONA)
    (folder / "script.toml").write_text(SCRIPT)
    persona = {"PERSONAS_DIR": str(personas), "PERSONA": "looker"}
    port = free_port()
    flags = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera}"]
    async with AsyncExitStack() as stack:
        options = ["--script", str(folder / "script.toml"), "--control-port", str(port)]
        gemini = await stack.enter_async_context(emulator(folder, *options))
        await stack.enter_async_context(worker(server, gemini, TMPDIR=str(folder), **persona))
        running = await stack.enter_async_context(running_token_server(**to(server), **persona, **token_server))
        browser = await stack.enter_async_context(chromium(*flags))
        opened = visiting(browser, running.url, permissions=["microphone", "camera"])
        client = await stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{port}"))
        yield await stack.enter_async_context(opened), Seen(client)


async def test_the_model_sees_what_the_camera_shows(server: Sfu, tmp_path: Path) -> None:
    """The caller is told so after the first picture, and their camera is closed when they close it."""
    camera, picture = tmp_path / "camera.y4m", shown_picture()
    write_y4m(camera, picture)
    async with looking(server, tmp_path, camera) as (visit, model):
        button, view = visit.page.locator("#camera"), visit.page.locator("#camera-view")
        await expect(button).to_be_hidden()
        await visit.call()
        await expect(button).to_be_visible()
        await expect(visit.page.locator("#screen")).to_be_hidden()
        await expect(view).to_be_hidden()
        assert await model.pictures() == 0
        await button.click()
        await visit.says("#camera-view", "The agent sees your camera")
        assert await model.pictures() > 0, "nobody is told so before a picture was sent"
        await expect(button).to_have_attribute("aria-pressed", "true")
        await visit.page.wait_for_function("() => document.querySelector('#camera-view video').videoWidth === 640")
        await visit.picture("camera")
        await visit.is_accessible()
        seen = await model.picture()
        assert difference(seen, picture) < 8
        assert difference(seen, picture[:, ::-1]) > 30, "it isn't mirrored"
        await button.click()
        await expect(view).to_be_hidden()
        await visit.page.wait_for_function(
            "() => tap.tracks.filter((track) => track.kind === 'video').every((t) => t.readyState === 'ended')"
        )
        await visit.page.click("#call")
        await visit.is_in("ended")
        await expect(button).to_be_hidden()
