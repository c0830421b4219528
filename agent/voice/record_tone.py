"""Plays the tone that says that a call is recorded, in a track of its own beside the agent's voice."""

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from livekit import rtc

from agent.voice.thinking_player import TRACK

RATE_HZ = 48_000
_HZ = 1400.0
_BEEP_S, _PAUSE_S = 0.2, 0.2
_FADE_S = 0.01
_PEAK = 1000
"""About 30 dB below full scale: softer than a voice."""
_FRAME = RATE_HZ // 50
_HEARD_WITHIN_S = 3.0

logger = logging.getLogger("earshot.call")


@functools.cache
def samples() -> npt.NDArray[np.int16]:
    """Two beeps, mono at `RATE_HZ`."""
    at_s = np.arange(round(RATE_HZ * _BEEP_S)) / RATE_HZ
    fade = np.minimum(np.minimum(at_s, at_s[::-1]) / _FADE_S, 1)
    beep = _PEAK * fade * np.sin(2 * np.pi * _HZ * at_s)
    return np.round(np.concatenate([beep, np.zeros(round(RATE_HZ * _PAUSE_S)), beep])).astype(np.int16)


async def play_record_tone(room: rtc.Room, on_played: Callable[[rtc.AudioFrame, float], None]) -> None:
    """Play it once. Whoever doesn't subscribe to its track within 3 s doesn't hear it.

    Args:
        room: One that this process has joined.
        on_played: Is given each frame, and the time at which it is heard (`time.monotonic()`).
    """
    source = rtc.AudioSource(RATE_HZ, 1)
    try:
        track = rtc.LocalAudioTrack.create_audio_track(TRACK, source)
        published = await room.local_participant.publish_track(track, rtc.TrackPublishOptions())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(published.wait_for_subscription(), _HEARD_WITHIN_S)
        heard_at, sound = time.monotonic(), samples()
        for start in range(0, len(sound), _FRAME):
            part = sound[start : start + _FRAME]
            frame = rtc.AudioFrame(part.tobytes(), RATE_HZ, 1, len(part))
            await source.capture_frame(frame)
            on_played(frame, heard_at)
            heard_at += frame.duration
        await source.wait_for_playout()
        await room.local_participant.unpublish_track(published.sid)
    except (rtc.participant.PublishTrackError, rtc.participant.UnpublishTrackError, ConnectionError) as error:
        logger.warning("the tone that says that the call is recorded isn't played", extra={"error": str(error)})
    finally:
        await source.aclose()
