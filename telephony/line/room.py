"""The caller's participant in the LiveKit room, of kind SIP, as livekit-sip makes one."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Coroutine
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from livekit import rtc
from livekit.rtc._proto.room_pb2 import AudioEncoding  # not exported by livekit.rtc 1.1

from telephony.line.codecs import Samples
from telephony.line.dtmf import DIGITS
from telephony.line.errors import RoomError
from telephony.line.participant_token import CALL_STATUS, JoinInfo

_CONNECT_S = 3.0
_PUBLISH_S = 10.0
_TRAVEL_S = 0.3
_LAST_WORD_S = 0.8
_LEAVE_S = 2.0
_MOST_DIGITS = 64
_FRAME_MS = 10
_STREAM_FRAMES = 20
_FIRST_S = 0.04
_LONGEST_S = 0.16
_AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
_AUDIO_BITS_PER_S = 32_000

logger = logging.getLogger("telephony.line")


class RoomListener(Protocol):
    """The receiver of a room's events, which are called from the event loop."""

    def agent_heard(self) -> None: ...

    def agent_gone(self) -> None: ...

    def room_gone(self) -> None: ...

    def digits_pressed(self, digit: str) -> None: ...


class Voice:
    """A buffer for one track's sound on its way to the phone.

    It waits for 40 ms of it, so that an event loop that is a little late isn't heard. Above 160 ms the oldest goes.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._waiting: deque[Samples] = deque(maxlen=round(_LONGEST_S * 1000 / _FRAME_MS))
        self._flowing = False

    def take(self, samples: Samples) -> None:
        self._waiting.append(samples)
        self._flowing = self._flowing or len(self._waiting) * _FRAME_MS >= _FIRST_S * 1000

    def give(self, count: int) -> Samples | None:
        """The next `count` samples, whole frames; None if they aren't there."""
        frames = count * 1000 // self._rate_hz // _FRAME_MS
        if not self._flowing or len(self._waiting) < frames:
            self._flowing = False
            return None
        return np.concatenate([self._waiting.popleft() for _ in range(frames)])


class CallRoom:
    """`async with CallRoom(join_info, listener) as room`: the room is joined, and left at the end.

    Raises:
        RoomError: on entering.
    """

    def __init__(self, join_info: JoinInfo, listener: RoomListener) -> None:
        self._join_info, self._listener = join_info, listener
        self._room = rtc.Room()
        self._source = rtc.AudioSource(join_info.sample_rate_hz, 1, queue_size_ms=0)
        self._voices: dict[str, Voice] = {}
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []
        self._digits: asyncio.Queue[str] = asyncio.Queue(maxsize=_MOST_DIGITS)
        self._in_order = asyncio.Lock()
        self._left = False

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        try:
            await self._join()
        except BaseException:
            await self._end()  # as without an error: the group would wrap a RoomError
            raise
        self._spawn(self._send_digits())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        await self._end(kind, error, at)

    async def hear(self, samples: Samples) -> None:
        """Give the room the phone's next sound, whole 10 ms frames."""
        if not self._room.isconnected():
            return
        rate_hz = self._join_info.sample_rate_hz
        frame = rate_hz * _FRAME_MS // 1000
        for offset in range(0, len(samples), frame):
            piece = samples[offset : offset + frame]
            await self._source.capture_frame(rtc.AudioFrame(piece.tobytes(), rate_hz, 1, frame))

    def spoken(self, count: int) -> Samples:
        """The next `count` samples of the room, all voices together; silence where there is none."""
        given = [sound for voice in self._voices.values() if (sound := voice.give(count)) is not None]
        if not given:
            return np.zeros(count, dtype=np.int16)
        if len(given) == 1:
            return given[0]
        return np.clip(np.sum(given, axis=0, dtype=np.int32), -32768, 32767).astype(np.int16)

    def show(self, attributes: dict[str, str]) -> None:
        """Set attributes of the participant, in the order of the calls, without waiting. While the room is left: nothing."""
        if not self._left:
            self._spawn(self._show(attributes))

    def press(self, digit: str) -> None:
        """Send a digit as livekit-sip does, after those before it. When 64 wait it is dropped."""
        try:
            self._digits.put_nowait(digit)
        except asyncio.QueueFull:
            logger.warning("a digit did not reach the room: %d wait already", _MOST_DIGITS)

    async def _show(self, attributes: dict[str, str]) -> None:
        # one at a time: the native side runs requests side by side, and an agent never greets who is shown "ringing" last
        async with self._in_order:
            if self._room.isconnected():
                await self._room.local_participant.set_attributes(attributes)

    async def _send_digits(self) -> None:
        while True:
            digit = await self._digits.get()
            if not self._room.isconnected():
                continue
            try:
                await self._room.local_participant.publish_dtmf(code=DIGITS.index(digit), digit=digit)
            except rtc.participant.PublishDTMFError as error:
                logger.warning("a digit did not reach the room: %s", error)

    async def _join(self) -> None:
        self._listen()
        try:
            # not to be cancelled: the native side would join all the same, and nobody would leave
            await self._room.connect(self._join_info.url, self._join_info.token, rtc.RoomOptions(connect_timeout=_CONNECT_S))
            async with asyncio.timeout(_PUBLISH_S):
                await self._publish()
        except (rtc.ConnectError, rtc.participant.PublishTrackError, TimeoutError) as error:
            raise RoomError(f"the room can't be joined: {str(error) or 'no answer'}") from error

    async def _publish(self) -> None:
        track = rtc.LocalAudioTrack.create_audio_track("phone", self._source)
        # the phone's sound is narrow, and goes to this machine's or this site's SFU: no redundant copies
        encoding = AudioEncoding(max_bitrate=_AUDIO_BITS_PER_S)
        source = rtc.TrackSource.SOURCE_MICROPHONE
        options = rtc.TrackPublishOptions(source=source, audio_encoding=encoding, dtx=False, red=False)
        await self._room.local_participant.publish_track(track, options)

    def _listen(self) -> None:
        room = self._room
        room.on("track_subscribed", self._on_track)
        room.on("track_unsubscribed", lambda track, _publication, _participant: self._voices.pop(track.sid, None))
        room.on("participant_disconnected", self._on_participant_gone)
        room.on("sip_dtmf_received", lambda digit: self._listener.digits_pressed(digit.digit))
        room.on("disconnected", self._on_disconnected)

    def _on_track(self, track: rtc.Track, _publication: rtc.RemoteTrackPublication, _from: rtc.RemoteParticipant) -> None:
        if track.kind != rtc.TrackKind.KIND_AUDIO or self._left:
            return
        rate_hz = self._join_info.sample_rate_hz
        # at once: once the room is left the native track is gone
        stream = rtc.AudioStream.from_track(
            track=track, sample_rate=rate_hz, num_channels=1, frame_size_ms=_FRAME_MS, capacity=_STREAM_FRAMES
        )
        voice = self._voices[track.sid] = Voice(rate_hz)
        self._spawn(self._follow(stream, voice))
        self._listener.agent_heard()

    def _on_participant_gone(self, participant: rtc.RemoteParticipant) -> None:
        others = self._room.remote_participants.values()
        if participant.kind == _AGENT and not any(other.kind == _AGENT for other in others):
            self._listener.agent_gone()

    def _on_disconnected(self, _reason: object) -> None:
        if not self._left:  # our own leaving is no news
            self._listener.room_gone()

    async def _follow(self, stream: rtc.AudioStream, voice: Voice) -> None:
        try:
            async for heard in stream:
                voice.take(np.frombuffer(heard.frame.data, dtype=np.int16).copy())
        finally:
            await stream.aclose()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        self._tasks = [*(task for task in self._tasks if not task.done()), self._group.create_task(work)]

    async def _end(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        at: TracebackType | None = None,
    ) -> None:
        """Leave the room, and end the tasks of its group."""
        try:
            await self._leave()
        finally:
            for task in self._tasks:
                task.cancel()
            try:
                await self._group.__aexit__(kind, error, at)
            finally:
                await self._source.aclose()

    async def _leave(self) -> None:
        """Show that the call is over, and go; in bounded time. A server that is slow to show it is left all the same."""
        self._left = True
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORD_S):
                    await self._show({CALL_STATUS: "hangup"})
                    await asyncio.sleep(_TRAVEL_S)  # the leaving would overtake it on its way to the others
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LEAVE_S):
                    await self._room.disconnect()
