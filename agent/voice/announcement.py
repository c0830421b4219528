"""Plays a sound in a room without LiveKit's session, which is closed by then, or was never there."""

import asyncio
import contextlib

from livekit import rtc

from agent.voice.local_voice import RATE_HZ
from agent.voice.playout import SOUND_IN_FLIGHT_S

_HEARD_WITHIN_S = 3.0
_FRAME_BYTES = RATE_HZ // 50 * 2
"""20 ms."""


async def announce(room: rtc.Room, samples: bytes) -> None:
    """Play it in a track of its own, and wait until it was heard. Whoever doesn't subscribe to it within 3 s hears nothing.

    Args:
        room: One that this process has joined.
        samples: PCM, 16 bit, one channel, with `RATE_HZ`.
    """
    source = rtc.AudioSource(RATE_HZ, 1)
    try:
        track = rtc.LocalAudioTrack.create_audio_track("announcement", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        published = await room.local_participant.publish_track(track, options)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(published.wait_for_subscription(), _HEARD_WITHIN_S)
        for start in range(0, len(samples), _FRAME_BYTES):
            data = samples[start : start + _FRAME_BYTES]
            await source.capture_frame(rtc.AudioFrame(data, RATE_HZ, 1, len(data) // 2))
        await source.wait_for_playout()
        await asyncio.sleep(SOUND_IN_FLIGHT_S)
    finally:
        await source.aclose()
