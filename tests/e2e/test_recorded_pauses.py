"""A call's recording of a voice that waits. LiveKit's own output of a room plays it, and a listener of its track hears it."""

import asyncio
import time
import wave
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.voice.room_io._output import _ParticipantAudioOutput

from agent.gemini import OUTPUT_RATE_HZ
from agent.voice.held_output import HeldOutput
from records.call_folder import SOUND, TRANSCRIPT
from records.transcript import from_json
from records.writer import RATE_HZ
from tests.agent.test_recording import frame, only_folder, plan, recording, summary_of

pytestmark = pytest.mark.sound

FRAMES = 125
"""Of 20 ms each; the samples of each have a value of their own."""
STEP = 100
MOST_DIFFERENT = 6
"""Frames. A recording that doesn't know of the pause has 10 more: those that are dropped when it begins."""


class Track:
    """A track that somebody has subscribed to."""

    sid = "TR_voice"

    def __init__(self, track: rtc.LocalAudioTrack) -> None:
        self.track = track
        self.name = track.name

    async def wait_for_subscription(self) -> None:
        """Somebody has."""


class AgentsRoom(rtc.Room):
    """A room without a server. `voice` is the agent's track."""

    voice: Track

    @property
    def local_participant(self) -> "AgentsRoom":  # type: ignore[override]
        return self

    async def publish_track(self, track: rtc.LocalAudioTrack, _: rtc.TrackPublishOptions) -> Track:
        self.voice = Track(track)
        return self.voice


class Ear:
    """Keeps the values that are heard, and when each is heard first."""

    def __init__(self) -> None:
        self.heard_at: dict[int, float] = {}

    async def listen(self, track: rtc.LocalAudioTrack) -> None:
        stream = rtc.AudioStream.from_track(track=track, sample_rate=OUTPUT_RATE_HZ, num_channels=1)
        async with aclosing(stream):
            async for event in stream:
                for value in np.unique(np.frombuffer(event.frame.data, dtype=np.int16)).tolist():
                    self.heard_at.setdefault(value, time.monotonic())

    async def until(self, value: int) -> None:
        async with asyncio.timeout(20):
            while not any(heard >= value for heard in self.heard_at):
                await asyncio.sleep(0.005)


class Captions:
    """Is told when the voice waits."""

    def __init__(self) -> None:
        self.told: list[bool] = []

    def voice_held(self, *, is_held: bool) -> None:
        self.told.append(is_held)

    async def until(self, told: int) -> None:
        async with asyncio.timeout(20):
            while len(self.told) < told:
                await asyncio.sleep(0.005)


async def session_pauses(held: HeldOutput, _: AgentsRoom, captions: Captions) -> None:
    """LiveKit's session takes something for an interruption, and finds that it was none."""
    held.pause()
    held.pause()
    await asyncio.sleep(1.0)
    held.resume()
    await captions.until(2)


async def server_goes(_: HeldOutput, room: AgentsRoom, captions: Captions) -> None:
    """livekit-server is away, and somebody subscribes to the new track."""
    room.emit("reconnecting")
    await captions.until(1)
    room.emit("local_track_republished", room.voice, None)
    room.emit("reconnected")
    room.emit("local_track_subscribed", room.voice, None)
    await captions.until(2)


@pytest.mark.parametrize("waits", [session_pauses, server_goes])
async def test_the_recording_waits_while_the_voice_does(
    tmp_path: Path, waits: Callable[[HeldOutput, AgentsRoom, Captions], Awaitable[None]]
) -> None:
    start = time.monotonic()
    room, ear, captions = AgentsRoom(), Ear(), Captions()
    output = _ParticipantAudioOutput(
        room, sample_rate=OUTPUT_RATE_HZ, num_channels=1, track_publish_options=rtc.TrackPublishOptions(), track_name="voice"
    )
    await output.start()
    async with asyncio.TaskGroup() as tasks, recording(plan(tmp_path), [], began_at=start) as call:
        await call.begin()
        writing, listening = tasks.create_task(call.run()), tasks.create_task(ear.listen(room.voice.track))
        held = HeldOutput(call.agent_sound(output), room, "voice", captions)
        for index in range(1, FRAMES + 1):
            await held.capture_frame(frame(np.full(OUTPUT_RATE_HZ // 50, STEP * index), OUTPUT_RATE_HZ))
        held.flush()
        await ear.until(STEP * FRAMES // 4)
        call.agent_says("An answer.", time.monotonic())
        await waits(held, room, captions)
        call.agent_said()
        await held.wait_for_playout()
        ended_at = time.monotonic()
        writing.cancel()
        await call.end(summary_of)
        await ear.until(STEP * FRAMES)
        listening.cancel()
    await output.aclose()
    assert captions.told == [True, False]
    with wave.open(str(only_folder(tmp_path) / SOUND)) as file:
        right = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)[1::2]
    values, first = np.unique(right, return_index=True)
    recorded_s = dict(zip(values.tolist(), (first / RATE_HZ).tolist(), strict=True))
    recorded_s.pop(0, None)
    heard_s = {value: at - start for value, at in ear.heard_at.items() if value}
    assert len(heard_s) < FRAMES, "some of it was lost on its way"
    assert len(recorded_s.keys() ^ heard_s.keys()) <= MOST_DIFFERENT, "the recording has what was heard, and nothing else"
    late_s = [recorded_s[value] - heard_s[value] for value in recorded_s.keys() & heard_s.keys()]
    assert max(np.abs(late_s)) < 0.25
    assert abs(np.median(late_s)) < 0.1
    [line] = from_json((only_folder(tmp_path) / TRANSCRIPT).read_text())
    assert line.start_s == pytest.approx(min(recorded_s.values()), abs=0.1)
    assert line.end_s == pytest.approx(ended_at - start, abs=0.1)
