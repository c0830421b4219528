"""The camera in a real call: offered if the persona looks, shown to the caller, and seen by the model as it is shown."""

import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import av
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Browser, expect

from tests.e2e.conftest import SCRIPT
from tests.e2e.page.browser import DESKTOP, SMALLEST, Visit, chromium, visiting
from tests.e2e.page.conftest import to
from tests.e2e.page.stand_in import stand_in
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
    persona = {"PERSONAS_DIR": str(personas), "PERSONA": "looker", "AGENT_NAME": "looks-at-the-page"}
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


@pytest.mark.long
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
        for name, size in (("camera", DESKTOP), ("camera-320", SMALLEST)):
            await visit.page.set_viewport_size(size)
            await visit.picture(name)
            await visit.is_accessible()
            await expect(visit.page.locator("#captions .line").first).to_be_in_viewport(ratio=1)
        seen = await model.picture()
        assert difference(seen, picture) < 8
        assert difference(seen, picture[:, ::-1]) > 30, "and isn't mirrored"
        await button.click()
        await expect(view).to_be_hidden()
        await visit.page.wait_for_function(
            "() => tap.tracks.filter((track) => track.kind === 'video').every((t) => t.readyState === 'ended')"
        )
        await visit.page.click("#call")
        await visit.is_in("ended")
        await expect(button).to_be_hidden()


DRAWN_SCREEN = """() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
  canvas.getContext("2d").fillRect(0, 0, 32, 48);
  navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(5);
}"""
"""In place of a screen: nobody is there to choose one."""
SEEN, UNSEEN = "The agent sees your", "The agent doesn\N{RIGHT SINGLE QUOTATION MARK}t see it now"


async def test_what_is_offered_is_what_the_agent_looks_at_and_the_token_allows(browser: Browser, server: Sfu) -> None:
    """A token without the screen, and an agent that looks at it: no button. A refused camera is said."""
    sources = {"TOKEN_SOURCES": "microphone,camera"}
    async with (
        running_token_server(**to(server), AGENT_NAME="nobody", **sources) as running,
        visiting(browser, running.url, permissions=["microphone", "camera"]) as visit,
    ):
        await visit.page.click("#call")
        async with stand_in(server, await visit.room()) as agent:
            await visit.is_in("listening")
            await expect(visit.page.locator("#camera")).to_be_hidden()
            await agent.is_("listening", **{"earshot.eyes": "camera,screen_share"})
            await expect(visit.page.locator("#camera")).to_be_visible()
            await expect(visit.page.locator("#screen")).to_be_hidden()
            await visit.page.evaluate("tap.refuseWith = 'NotAllowedError'")
            await visit.page.click("#camera")
            await visit.says("#failure", "The camera can\N{RIGHT SINGLE QUOTATION MARK}t be opened")
            await expect(visit.page.locator("#camera-view")).to_be_hidden()


async def test_a_screen_is_seen_once_the_agent_says_so_and_no_longer(browser: Browser, server: Sfu) -> None:
    """Whatever the agent does, what is shared can be ended."""
    sources = {"TOKEN_SOURCES": "microphone,screen_share"}
    async with (
        running_token_server(**to(server), AGENT_NAME="nobody", **sources) as running,
        visiting(browser, running.url) as visit,
    ):
        await visit.page.evaluate(DRAWN_SCREEN)
        screen = visit.page.locator("#screen")
        await visit.page.click("#call")
        async with stand_in(server, await visit.room(), **{"earshot.eyes": "screen_share"}) as agent:
            await screen.click()
            await visit.says("#screen-view", UNSEEN)
            await agent.tells("sees", source="screen_share", active=True)
            await visit.says("#screen-view", SEEN)
            await agent.tells("sees", source="screen_share", active=False)
            await visit.says("#screen-view", UNSEEN)
            await agent.tells("sees", source="screen_share", active=True)
            await visit.says("#screen-view", SEEN)
        await visit.says("#screen-view", UNSEEN)
        await screen.click()
        await expect(visit.page.locator("#screen-view")).to_be_hidden()
        await expect(screen).to_be_hidden()
