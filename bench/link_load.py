"""`python -m bench.link_load KIND ...`: the process that bench/link.py measures. It holds calls of one kind and prints its CPU.

Each call pushes 16 kHz frames in real time, question and pause in turn, and takes the answers as they come.
"""

import argparse
import asyncio
import json
import resource
import ssl
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop
from google import genai
from google.genai import types
from livekit import rtc
from livekit.agents import llm
from livekit.agents.utils.audio import AudioByteStream
from livekit.plugins.google.realtime import realtime_api

from agent.gemini import ApiKey, EarshotModel, Endpoint, Voicing
from bench.sounds import ANSWER_RATE_HZ, question

RATE_HZ = 16000
MODEL = "gemini-3.8-live"
SILENCE_MS = 300
TURN_S = 2.0
"""The duration of a question, and of an answer, in seconds."""
CYCLE_S = 4.8
"""Question, the quiet that ends it, the answer, and some air, so that no question interrupts."""
KINDS = ("idle", "genai", "stock", "ours")
_MOST_WAITING = 500
"""Frames of 20 ms: a link that is ten seconds behind is no link, and the bench ends with an error."""
VAD = types.AutomaticActivityDetection(silence_duration_ms=SILENCE_MS)

Push = Callable[[rtc.AudioFrame], None]


class SoundCounter:
    """Counts the sound of all calls, so that nobody measures a link that is dead."""

    seconds = 0.0

    async def listen(self, sound: AsyncIterable[rtc.AudioFrame]) -> None:
        async for frame in sound:
            self.seconds += frame.duration


class Calls:
    """Calls of one kind, all to the same endpoint."""

    def __init__(self, base_url: str, ca_file: Path, chunk_ms: int) -> None:
        self.heard = SoundCounter()
        self._endpoint = Endpoint(MODEL, ApiKey("bench"), base_url=base_url, ca_file=ca_file)
        self._chunk_ms = chunk_ms
        tls = ssl.create_default_context(cafile=str(ca_file))
        self._options = types.HttpOptions(
            base_url=base_url,
            api_version="v1beta",
            async_client_args={"ssl": tls, "verify": tls},
            client_args={"verify": tls},
        )

    @asynccontextmanager
    async def call(self, kind: str) -> AsyncIterator[Push]:
        """Run one call; yields the function that takes its frames."""
        match kind:
            case "idle":
                yield lambda _: None
            case "genai":
                async with self._genai() as push:
                    yield push
            case "stock":
                async with self._plugin(self._stock()) as push:
                    yield push
            case _:
                model = EarshotModel(self._endpoint, Voicing("Puck", silence_ms=SILENCE_MS), chunk_ms=self._chunk_ms)
                async with model, self._plugin(model.session()) as push:
                    yield push

    def _stock(self) -> realtime_api.RealtimeSession:
        """The plugin's own session, with our size of chunks: its 50 ms ones are fewer, and later."""
        model = realtime_api.RealtimeModel(
            model=MODEL,
            api_key="bench",
            realtime_input_config=types.RealtimeInputConfig(automatic_activity_detection=VAD),
            http_options=self._options,
        )
        session = model.session()
        session._bstream = AudioByteStream(RATE_HZ, 1, RATE_HZ * self._chunk_ms // 1000)  # noqa: SLF001
        return session

    @asynccontextmanager
    async def _plugin(self, session: llm.RealtimeSession[Any]) -> AsyncIterator[Push]:
        taking: set[asyncio.Task[None]] = set()

        def take(generation: llm.GenerationCreatedEvent) -> None:
            task = asyncio.create_task(self._take(generation))
            taking.add(task)
            task.add_done_callback(taking.discard)

        session.on("generation_created", take)
        try:
            yield session.push_audio
        finally:
            await session.aclose()
            for task in taking:
                task.cancel()

    async def _take(self, generation: llm.GenerationCreatedEvent) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_read(generation.function_stream))
            async for message in generation.message_stream:
                tasks.create_task(_read(message.text_stream))
                tasks.create_task(self.heard.listen(message.audio_stream))

    @asynccontextmanager
    async def _genai(self) -> AsyncIterator[Push]:
        config = types.LiveConnectConfig(
            response_modalities=[types.Modality.AUDIO],
            input_audio_transcription=types.AudioTranscriptionConfig(),
            output_audio_transcription=types.AudioTranscriptionConfig(),
            realtime_input_config=types.RealtimeInputConfig(automatic_activity_detection=VAD),
        )
        client = genai.Client(api_key="bench", http_options=self._options)
        waiting: asyncio.Queue[bytes] = asyncio.Queue(maxsize=_MOST_WAITING)
        async with client.aio.live.connect(model=MODEL, config=config) as session:
            tasks = [asyncio.create_task(self._receive(session)), asyncio.create_task(_send(session, waiting))]
            yield lambda frame: waiting.put_nowait(frame.data.tobytes())
            for task in tasks:
                task.cancel()

    async def _receive(self, session: genai.live.AsyncSession) -> None:
        while True:
            async for message in session.receive():
                if message.data:
                    self.heard.seconds += len(message.data) / (2 * ANSWER_RATE_HZ)


async def _send(session: genai.live.AsyncSession, waiting: asyncio.Queue[bytes]) -> None:
    while True:
        await session.send_realtime_input(audio=types.Blob(data=await waiting.get(), mime_type=f"audio/pcm;rate={RATE_HZ}"))


async def _read(stream: AsyncIterable[object]) -> None:
    async for _ in stream:
        pass


def frames(chunk_ms: int) -> list[rtc.AudioFrame]:
    """The frames of one cycle of the microphone."""
    size = RATE_HZ * chunk_ms // 1000
    pcm = question(TURN_S, RATE_HZ).tobytes().ljust(round(CYCLE_S * RATE_HZ) * 2, b"\0")
    return [rtc.AudioFrame(pcm[at : at + 2 * size], RATE_HZ, 1, size) for at in range(0, len(pcm), 2 * size)]


async def speak(push: Push, cycle: list[rtc.AudioFrame], begin_at: float) -> None:
    """Send the microphone's frames in real time, until cancelled."""
    due, step_s = begin_at, CYCLE_S / len(cycle)
    while True:
        for frame in cycle:
            await asyncio.sleep(max(due - time.monotonic(), 0))
            push(frame)
            due += step_s


async def measured(kind: str, number: int, cycles: int, calls: Calls, chunk_ms: int) -> dict[str, float]:
    """Hold that many calls for some cycles, after one that isn't counted."""
    cycle = frames(chunk_ms)
    begin_at = time.monotonic() + 1.0

    async def hold(index: int) -> None:
        async with calls.call(kind) as push:
            await speak(push, cycle, begin_at + index * CYCLE_S / number)

    holding = [asyncio.create_task(hold(index)) for index in range(number)]
    await asyncio.sleep(1.0 + 2 * CYCLE_S)
    before, heard_s, began_at = _cpu_s(), calls.heard.seconds, time.monotonic()
    await asyncio.sleep(cycles * CYCLE_S)
    after, took_s = _cpu_s(), time.monotonic() - began_at
    for task in holding:
        if task.done():
            task.result()
        task.cancel()
    await asyncio.wait(holding)
    expected_s = cycles * number * TURN_S
    return {
        "ms_per_call_s": 1000 * (after - before) / took_s / number,
        "heard_of_expected": (calls.heard.seconds - heard_s) / expected_s,
    }


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.link_load", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--url", required=True)
    parser.add_argument("--ca-file", type=Path, required=True)
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--cycles", type=int, default=4)
    parser.add_argument("--chunk-ms", type=int, default=20)
    parser.add_argument("--loop", choices=["uvloop", "asyncio"], default="uvloop")
    asked = parser.parse_args()
    factory = uvloop.new_event_loop if asked.loop == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        several = Calls(asked.url, asked.ca_file, asked.chunk_ms)
        print(json.dumps(runner.run(measured(asked.kind, asked.calls, asked.cycles, several, asked.chunk_ms))))
