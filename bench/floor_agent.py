"""`python -m bench.floor_agent`: the least that a call can be, to compare workers with. No model, no framework.

A livekit.rtc participant whose voice activity detection is in the process and that answers with a tone from memory. It hears as
the model of bench/tone_model.py does: the same detection, the same 300 ms of quiet before an answer, stopped by the first
10 ms of speech, no delay of its own. It is told of a call by a line of JSON on its port, `{"url": ..., "token": ...}`, and the
call lasts as long as that connection. One warm process holds all calls; with `--processes N`, N warm ones stand by, each with
its own port. That is the floor for a worker with a process for each call: threads of a process share their wake-ups.
"""

import argparse
import asyncio
import json
import re
import signal
import sys
from contextlib import AsyncExitStack

import numpy as np
import uvloop
from livekit import rtc

from bench.sounds import ANSWER_RATE_HZ, answer
from bench.tone_model import INSTANT
from caller.ear import Samples
from demo.parts import Program, running
from emulator.hearing import RATE_HZ, Ended, Hearing, Started
from emulator.messages import ActivityDetection

SILENCE_MS = 300
HEARING_MS = 10
"""Frames of what it hears: the shortest, since it is the floor of delays. 20 would take some 15 ms of CPU per second less."""
OUTPUT_MS, QUEUE_MS = 50, 200
"""Frames and queue of the voice are those of LiveKit's own output."""


class FloorCall:
    """One call of the floor agent."""

    def __init__(self, tone: Samples) -> None:
        self._room = rtc.Room()
        self._room.on("track_subscribed", self._on_track)
        self._source = rtc.AudioSource(ANSWER_RATE_HZ, 1, QUEUE_MS)
        self._hearing = Hearing(ActivityDetection(silence_duration_ms=SILENCE_MS), INSTANT)
        size = ANSWER_RATE_HZ * OUTPUT_MS // 1000
        pieces = (tone[at : at + size] for at in range(0, len(tone), size))
        self._tone = [rtc.AudioFrame(piece.tobytes(), ANSWER_RATE_HZ, 1, len(piece)) for piece in pieces]
        self._listening: set[asyncio.Task[None]] = set()
        self._speaking: asyncio.Task[None] | None = None

    async def join(self, url: str, token: str) -> None:
        """Be in the room, and greet whoever listens."""
        await self._room.connect(url, token)
        track = rtc.LocalAudioTrack.create_audio_track("voice", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        published = await self._room.local_participant.publish_track(track, options)
        await published.wait_for_subscription()
        self._speak()

    async def leave(self) -> None:
        for task in self._listening:
            task.cancel()
        self._be_quiet()
        await self._room.disconnect()

    def _on_track(self, track: rtc.Track, _publication: rtc.TrackPublication, _participant: rtc.RemoteParticipant) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            stream = rtc.AudioStream.from_track(track=track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=HEARING_MS)
            self._listening.add(asyncio.create_task(self._listen(stream)))

    async def _listen(self, stream: rtc.AudioStream) -> None:
        async for heard in stream:
            for change in self._hearing.feed(np.frombuffer(heard.frame.data, dtype=np.int16)):
                match change:
                    case Started():
                        self._be_quiet()
                    case Ended():
                        self._speak()

    def _speak(self) -> None:
        self._be_quiet()
        self._speaking = asyncio.create_task(self._play())

    async def _play(self) -> None:
        for frame in self._tone:
            await self._source.capture_frame(frame)

    def _be_quiet(self) -> None:
        if self._speaking is not None and (not self._speaking.done() or self._source.queued_duration):
            self._speaking.cancel()
            self._source.clear_queue()


async def serve(answer_s: float) -> None:
    """Take calls on a port of their own, until killed."""
    tone = answer(answer_s)

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = json.loads(await reader.readline())
        call = FloorCall(tone)
        joining = asyncio.create_task(call.join(asked["url"], asked["token"]))
        try:
            await reader.read()
        finally:
            joining.cancel()
            await call.leave()
            writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


async def stand_by(answer_s: float, processes: int) -> None:
    """Start as many of ourselves and say all their ports, until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    argv = [sys.executable, "-m", "bench.floor_agent", "--answer-s", str(answer_s)]
    program = Program("floor", argv, None, re.compile("^ready "), show=lambda _: None)
    async with AsyncExitStack() as stack:
        parts = [await stack.enter_async_context(running(program)) for _ in range(processes)]
        print("ready", *[(await part.ready()).split()[1] for part in parts], flush=True)
        await stopped.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.floor_agent", description=__doc__)
    parser.add_argument("--answer-s", type=float, default=4.0)
    parser.add_argument("--processes", type=int, default=0)
    asked = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(stand_by(asked.answer_s, asked.processes) if asked.processes else serve(asked.answer_s))
