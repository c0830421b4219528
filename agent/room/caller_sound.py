"""The sound of the caller's microphone, as an input of LiveKit's session.

LiveKit's RoomIO takes microphones only that are named as such, keeps every participant's sound from before the connection, and
holds the caller's back for three seconds if it is announced and doesn't come (docs/facts.md L30).
"""

import asyncio
from collections.abc import Callable

from livekit import rtc
from livekit.agents.utils.audio import silence_frame
from livekit.agents.voice.io import AudioInput

from agent.room.frame_queue import MOST_FRAMES, FrameQueue
from agent.room.preconnect import PreConnectSound
from agent.room.sound_tracks import announces_sound

_SILENCE_S = 0.5
"""Silence after a track has ended, in seconds: the service must hear the end of a word."""


class CallerSound(AudioInput):
    """One track at a time: the one given to `listen_to`. Mono frames of `frame_ms` at `rate_hz`."""

    def __init__(self, room: rtc.Room, is_expected: Callable[[str], bool], *, rate_hz: int, frame_ms: int) -> None:
        super().__init__(label="caller's microphone")
        self._rate_hz, self._frame_ms = rate_hz, frame_ms
        self._before = PreConnectSound(room, is_expected)
        self._source: rtc.RemoteTrackPublication | None = None
        self._changed = asyncio.Event()
        self.frames = FrameQueue()
        self._heard: rtc.Track | None = None
        """The track that is listened to."""

    async def __anext__(self) -> rtc.AudioFrame:
        return await self.frames.get()

    def listen_to(self, source: rtc.RemoteTrackPublication | None) -> None:
        """Subscribe to a track and listen to it instead of the last one."""
        if source is not None and self._heard is not None and source.track is self._heard and self._source is not None:
            return
        if self._source is not None and (source is None or source.sid != self._source.sid):
            self._source.set_subscribed(False)
        if source is not None and not source.subscribed:
            source.set_subscribed(True)  # the track comes later; its owner calls again then
        self._source = source
        self._changed.set()

    async def listen(self) -> None:
        """Pass sound on until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._before.collect(), name="pre-connect sound")
            while True:
                self._changed.clear()
                passing = tasks.create_task(self._pass_on(self._source), name="microphone")
                await self._changed.wait()
                passing.cancel()
                await asyncio.wait({passing})

    async def _pass_on(self, source: rtc.RemoteTrackPublication | None) -> None:
        if source is None or source.track is None:
            return
        self._heard = source.track
        stream = rtc.AudioStream.from_track(
            track=source.track,
            sample_rate=self._rate_hz,
            num_channels=1,
            frame_size_ms=self._frame_ms,
            capacity=MOST_FRAMES,
        )
        try:
            if announces_sound(source):
                for frame in await self._before.take(source.sid, sample_rate_hz=self._rate_hz):
                    await self.frames.put(frame)
            async for event in stream:
                await self.frames.put(event.frame)
        finally:
            self._heard = None
            await stream.aclose()
            self.frames.put_if_room(silence_frame(_SILENCE_S, self._rate_hz, 1))
