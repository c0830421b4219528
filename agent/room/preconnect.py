"""Sound that clients recorded before they were connected, on LiveKit's topic `lk.agent.pre-connect-audio-buffer`.

A client that has such sound says so on its track (`TF_PRECONNECT_BUFFER`) and sends one byte stream once the agent is there:
signed 16 bit PCM, or Opus in WebM, Ogg or MP4 (client-sdk-js `LocalTrackRecorder`; attributes `trackId`, `sampleRate` in Hz,
`channels`). A stream counts if its sender has published that track and may be the caller. Everything else is closed unread.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from livekit import rtc
from livekit.agents.utils.codecs import AudioStreamDecoder

from agent.room.sound_tracks import announces_sound

TOPIC = "lk.agent.pre-connect-audio-buffer"
OPENS_S = 0.6
"""The caller's sound waits for so long, in seconds, for an announced stream to open."""
LONGEST_S = 10.0
"""Sound from before the connection that is kept, in seconds; the rest is dropped."""
MOST_KEPT = 3
"""Streams kept at a time, each of another track. The oldest goes."""
MOST_BYTES = 2_000_000
"""Bytes that are read of one stream: ten seconds of stereo at 48 kHz are 1,920,000."""

_LONGEST_READ_S = 3.0
_LONGEST_PAUSE_S = 0.5
_MOST_REMEMBERED = 50
_CONTAINERS = ((0, b"\x1a\x45\xdf\xa3", "audio/webm"), (0, b"OggS", "audio/ogg"), (4, b"ftyp", "audio/mp4"))
"""Containers by place and value of their first bytes. FFmpeg isn't left to guess: it knows formats that open other files."""

logger = logging.getLogger("earshot.call")


@dataclass
class _Buffer:
    reader: rtc.ByteStreamReader
    sound: bytearray = field(default_factory=bytearray)
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        """Read as far as it comes: a sender may be slow, or gone in the middle."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + _LONGEST_READ_S
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(_LONGEST_PAUSE_S) as pause:
                async for chunk in self.reader:
                    self.sound += chunk[: MOST_BYTES - len(self.sound)]
                    if len(self.sound) == MOST_BYTES:
                        break
                    pause.reschedule(min(loop.time() + _LONGEST_PAUSE_S, ends_at))
        self.reader.close()
        self.complete.set()


class PreConnectSound:
    """The streams of one room; `is_expected` says of a sender's identity whether it may be the caller's."""

    def __init__(self, room: rtc.Room, is_expected: Callable[[str], bool]) -> None:
        self._room = room
        self._is_expected = is_expected
        self._buffers: dict[str, _Buffer] = {}
        """Sound that was sent, by the sid of its track; at most MOST_KEPT."""
        self._over: deque[str] = deque(maxlen=_MOST_REMEMBERED)
        """Tracks that nobody waits for any more."""
        self._unread: asyncio.Queue[_Buffer] = asyncio.Queue(maxsize=MOST_KEPT)
        self._opened = asyncio.Event()
        room.register_byte_stream_handler(TOPIC, self._on_stream)

    async def collect(self) -> None:
        """Read what is sent, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                buffer = await self._unread.get()
                tasks.create_task(buffer.read(), name="pre-connect sound")

    async def take(self, track_sid: str, *, sample_rate_hz: int) -> list[rtc.AudioFrame]:
        """The sound from before that track, mono; empty if it doesn't come. Waits for OPENS_S, and for what has begun."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OPENS_S):
                while track_sid not in self._buffers and track_sid not in self._over:
                    self._opened.clear()
                    await self._opened.wait()
        buffer = self._buffers.pop(track_sid, None)
        if track_sid in self._over:
            return []
        self._over.append(track_sid)
        if buffer is None:
            logger.info("announced sound from before the connection has not come", extra={"track": track_sid})
            return []
        await buffer.complete.wait()
        return await decoded(bytes(buffer.sound), buffer.reader.info.attributes or {}, sample_rate_hz=sample_rate_hz)

    def _on_stream(self, reader: rtc.ByteStreamReader, identity: str) -> None:
        track_sid = (reader.info.attributes or {}).get("trackId", "")
        sender = self._room.remote_participants.get(identity)
        publication = sender.track_publications.get(track_sid) if sender else None
        wanted = self._is_expected(identity) and publication is not None and announces_sound(publication)
        if not wanted or track_sid in self._buffers or track_sid in self._over or self._unread.full():
            reader.close()
            return
        if len(self._buffers) == MOST_KEPT:
            self._buffers.pop(next(iter(self._buffers))).reader.close()
        self._buffers[track_sid] = buffer = _Buffer(reader)
        self._unread.put_nowait(buffer)
        self._opened.set()


async def decoded(sound: bytes, attributes: dict[str, str], *, sample_rate_hz: int) -> list[rtc.AudioFrame]:
    """Frames of the sound of a stream, mono; empty for what can't be read, with a line in the log."""
    container = next((kind for at, start, kind in _CONTAINERS if sound[at : at + len(start)] == start), None)
    if container is not None:
        return await _from_container(sound, container, sample_rate_hz)
    rate, channels = attributes.get("sampleRate", ""), attributes.get("channels", "")
    if rate not in {"8000", "16000", "24000", "32000", "44100", "48000"} or channels not in {"1", "2"}:
        logger.warning("sound from before the connection can't be read", extra={"rate": rate[:10], "channels": channels[:10]})
        return []
    samples = np.frombuffer(sound[: len(sound) // (2 * int(channels)) * 2 * int(channels)], np.int16).reshape(-1, int(channels))
    samples = samples[: int(LONGEST_S * int(rate))].mean(axis=1).astype(np.int16)
    frame = rtc.AudioFrame(samples.tobytes(), int(rate), 1, len(samples))
    if int(rate) == sample_rate_hz or not len(samples):
        return [frame] if len(samples) else []
    resampler = rtc.AudioResampler(input_rate=int(rate), output_rate=sample_rate_hz, num_channels=1)
    return [*resampler.push(frame), *resampler.flush()]


async def _from_container(sound: bytes, container: str, sample_rate_hz: int) -> list[rtc.AudioFrame]:
    decoder = AudioStreamDecoder(sample_rate=sample_rate_hz, num_channels=1, format=container)
    decoder.push(sound)
    decoder.end_input()
    frames: list[rtc.AudioFrame] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LONGEST_READ_S):
            async for frame in decoder:
                frames.append(frame)
                if sum(one.duration for one in frames) >= LONGEST_S:
                    break
    await decoder.aclose()
    return frames
