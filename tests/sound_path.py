"""Traces a frame of sound through `agent/`: which functions of which files run for it, in which order."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from livekit import rtc

from agent.gemini import ApiKey, EarshotModel, Endpoint, Voicing
from tests.agent.gemini.wire import Frames, sound, wire
from tests.test_architecture import ROOT

RATE_HZ, FRAME_SAMPLES = 16000, 320
FRAMES = 20
Walk = tuple[tuple[str, str], ...]
"""Files and functions in the order in which they are entered first."""


class Tracer:
    """Keeps a walk for each time that code of `agent/` is entered from outside of it."""

    def __init__(self) -> None:
        self.walks: list[dict[tuple[str, str], None]] = []
        self._depth = 0

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if not code.co_filename.startswith(f"{ROOT}/agent/") or event not in {"call", "return"}:
            return
        if event == "return":
            self._depth = max(self._depth - 1, 0)
            return
        if self._depth == 0:
            self.walks.append({})
        self._depth += 1
        if "<" not in code.co_name:  # a generator expression or a lambda is a part of its function
            self.walks[-1].setdefault((Path(code.co_filename).relative_to(ROOT).as_posix(), code.co_qualname))

    def usual(self, first: str) -> Walk:
        """The most frequent walk that begins with a function of this name."""
        begun = [tuple(walk) for walk in self.walks if walk and next(iter(walk))[1] == first]
        return Counter(begun).most_common(1)[0][0]


@contextmanager
def tracing() -> Iterator[Tracer]:
    tracer = Tracer()
    sys.setprofile(tracer)
    try:
        yield tracer
    finally:
        sys.setprofile(None)


async def ways(folder: Path) -> dict[str, Walk]:
    """The way of the caller's frame in, and that of the model's sound out, on a connection where nothing else happens."""
    answer: list[Frames] = [[sound("Once upon a time"), *(sound() for _ in range(FRAMES))]]

    def script(message: dict[str, Any]) -> Frames:
        return answer.pop() if answer and "client_content" in message else []

    async with wire(folder, script) as endpoint:
        address = Endpoint("gemini-3.8-live", ApiKey("key"), base_url=endpoint.url, ca_file=endpoint.ca_file)
        async with EarshotModel(address, Voicing("Puck")) as model:
            session = model.session()
            assert await model.connected()
            frame = rtc.AudioFrame(bytes(2 * FRAME_SAMPLES), RATE_HZ, 1, FRAME_SAMPLES)
            with tracing() as inward:
                for _ in range(FRAMES):
                    session.push_audio(frame)
            assert await endpoint.until(lambda: len(endpoint.of("realtime_input")) >= FRAMES)
            with tracing() as outward:
                generation = await session.generate_reply(instructions="Tell a story.")
                message = await anext(aiter(generation.message_stream))
                sounds = aiter(message.audio_stream)
                for _ in range(FRAMES + 1):
                    await anext(sounds)
            await session.aclose()
    return {"in": inward.usual("EarshotSession.push_audio"), "out": outward.usual("Socket.on_ws_frame")}


def drawn(walk: Walk) -> str:
    """A walk as ARCHITECTURE.md has it: a line for each file, with its functions."""
    files: dict[str, list[str]] = {}
    for path, function in walk:
        files.setdefault(path, []).append(function)
    width = max(map(len, files)) + 2
    return "".join(f"{path:{width}}{', '.join(functions)}\n" for path, functions in files.items())
