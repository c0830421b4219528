"""The README's moving picture of the page: `make picture` calls the demo's agent and writes docs/call.gif.

The call is a real one: livekit-server, the worker and the emulator of `make demo`, in a Chromium without a window. The caller
speaks and types, a tool runs, and the agent answers.
"""

import asyncio
import sys
from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import av.filter
import numpy as np
from playwright.async_api import Page, ViewportSize

from caller.caller import SAMPLE_RATE_HZ
from speech import synthesize
from tests.e2e.page.browser import Visit, chromium, visiting
from tests.e2e.stack import ROOT
from tests.e2e.test_demo import demo
from tests.ports import free_ports

PICTURE = ROOT / "docs" / "call.gif"
WINDOW: ViewportSize = {"width": 1000, "height": 640}
FRAME_MS = 400
SHRUNK_TO_PX = 800
"""The width of the moving picture. The page is drawn larger, so that its text stays sharp."""
COLOURS = 64
"""Few colours keep the file small. The page has few."""


async def film(page: Page, frames: list[bytes]) -> None:
    """Take a picture every `FRAME_MS`, until the task is cancelled."""
    clock = asyncio.get_running_loop()
    at = clock.time()
    while True:
        frames.append(await page.screenshot())
        at = max(at + FRAME_MS / 1000, clock.time())
        await asyncio.sleep(at - clock.time())


def images(frames: Sequence[bytes]) -> list[av.VideoFrame]:
    """The PNG files as frames of `FRAME_MS` each."""
    shown = []
    for index, png in enumerate(frames):
        with av.open(BytesIO(png), "r") as file:
            picture = next(file.decode(video=0)).to_ndarray(format="rgb24")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture, dtype=np.uint8), format="rgb24")
        frame.pts, frame.time_base = index, Fraction(FRAME_MS, 1000)
        shown.append(frame)
    return shown


def write_gif(frames: Sequence[bytes], path: Path) -> None:
    """Write the frames as a GIF with one palette for all."""
    shown = images(frames)
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=shown[0].width, height=shown[0].height, format=av.VideoFormat("rgb24"), time_base=Fraction(FRAME_MS, 1000)
    )
    small = graph.add("scale", f"{SHRUNK_TO_PX}:-2:flags=lanczos")
    split, palette = graph.add("split"), graph.add("palettegen", f"max_colors={COLOURS}:stats_mode=full")
    use, sink = graph.add("paletteuse", "dither=none:diff_mode=rectangle"), graph.add("buffersink")
    source.link_to(small)
    small.link_to(split)
    split.link_to(palette, 0, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    for frame in shown:
        graph.push(frame)
    graph.push(None)
    pictures = [graph.vpull() for _ in shown]
    with av.open(str(path), "w", format="gif") as file:
        stream = file.add_stream("gif", rate=Fraction(1000, FRAME_MS))
        stream.width, stream.height, stream.pix_fmt = pictures[0].width, pictures[0].height, "pal8"
        for index, picture in enumerate(pictures):
            picture.pts, picture.time_base = index, Fraction(FRAME_MS, 1000)
            file.mux(stream.encode(picture))
        file.mux(stream.encode(None))


async def hold_a_call(visit: Visit) -> None:
    """Be greeted, ask for the time aloud, and switch the lights on by a typed line."""
    await visit.call()
    await visit.say(synthesize("What time is it in Tokyo?", sample_rate_hz=SAMPLE_RATE_HZ))
    await visit.is_in("speaking")
    await visit.is_in("listening")
    await visit.type("Please turn on the lights.")
    await visit.is_in("speaking")
    await visit.is_in("listening")


async def main() -> None:
    """Write the picture."""
    frames: list[bytes] = []
    base = free_ports(8)
    async with demo(base) as part, chromium("--use-fake-device-for-media-stream") as browser:
        await part.ready()
        async with (
            visiting(browser, f"http://127.0.0.1:{base + 2}/", viewport=WINDOW, reduced_motion="no-preference") as visit,
            asyncio.TaskGroup() as tasks,
        ):
            filming = tasks.create_task(film(visit.page, frames))
            await hold_a_call(visit)
            filming.cancel()
    write_gif(frames, PICTURE)
    sys.stdout.write(f"{PICTURE.name}: {PICTURE.stat().st_size} bytes\n")


if __name__ == "__main__":
    asyncio.run(main())
