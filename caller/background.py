"""Hears the sound that an agent plays while a tool runs: on a track beside its voice, and no part of the recording."""

import time
from collections.abc import Callable

import numpy as np
from livekit import rtc

from caller.ear import Ear, Onset, Silence
from caller.events import BackgroundSilent, BackgroundSound, Event

TRACK = "background_audio"
"""The name that LiveKit's `BackgroundAudioPlayer` gives its track."""


async def hear_background(stream: rtc.AudioStream, tell: Callable[[Event], None], sample_rate_hz: int) -> None:
    """Tell when the sound begins and ends, until the track is gone."""
    ear = Ear(sample_rate_hz=sample_rate_hz, start=time.monotonic())
    try:
        async for heard in stream:
            _tell(ear.hear(np.frombuffer(heard.frame.data, dtype=np.int16).copy(), time.monotonic()), tell)
    finally:
        _tell(ear.track_ended(), tell)
        await stream.aclose()


def _tell(changes: list[Onset | Silence], tell: Callable[[Event], None]) -> None:
    for change in changes:
        tell(BackgroundSound(change.t) if isinstance(change, Onset) else BackgroundSilent(change.t))
