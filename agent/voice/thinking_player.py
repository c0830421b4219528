"""Plays the sound of agent/voice/thinking_sound.py in a room.

The sound has a track of its own, `TRACK`, beside the agent's voice: clients hear both, and whoever measures the agent's voice
can tell them apart. The track is published when the sound plays for the first time, and stays to the end of the call. LiveKit's
`BackgroundAudioPlayer` isn't used: it takes 1.4% of a core for as long as its track is there (docs/facts.md L345).
"""

import asyncio
import contextlib
import functools
import logging
import math
import time
from collections.abc import AsyncIterator, Callable

import numpy as np
import numpy.typing as npt
from livekit import rtc
from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    ConversationItemAddedEvent,
    ToolExecutionUpdatedEvent,
)

from agent.voice.thinking_sound import ThinkingSound

TRACK = "background_audio"
"""The name that the track of LiveKit's `BackgroundAudioPlayer` has: clients may know it."""
RATE_HZ = 48_000

_FRAME = RATE_HZ // 50
_LEAD_S = 0.1
"""The sound that is ahead of the loudspeaker, in seconds: it is heard after the sound was stopped."""
_FADE_S = 0.05
_NOTES_HZ = (392.0, 329.63)
_NOTE_S = 1.0
_PAUSE_S = 0.05
_PEAK = 900
"""About 31 dB below full scale."""

logger = logging.getLogger("earshot.call")


class ThinkingPlayer:
    """Follows one call's session from its beginning; `run` plays."""

    def __init__(self, session: AgentSession[None]) -> None:
        self._rule = ThinkingSound()
        self._changed = asyncio.Event()
        session.on("agent_state_changed", self._on_agent_state)
        session.on("tool_execution_updated", self._on_tool)
        session.on("conversation_item_added", self._on_item)

    def caller_speaks(self, *, begins: bool) -> None:
        """The caller's sound becomes loud enough for speech, or quiet again."""
        self._rule.caller_speaks(time.monotonic(), begins=begins)
        self._changed.set()

    async def run(
        self, room: rtc.Room, may_play: Callable[[], bool], on_played: Callable[[rtc.AudioFrame, float], None] = lambda *_: None
    ) -> None:
        """Play until cancelled.

        Args:
            room: The room of the call, joined.
            may_play: Whether this caller may hear the sound.
            on_played: Is given each frame, and the time at which it is heard (`time.monotonic()`).
        """
        source: rtc.AudioSource | None = None
        try:
            while True:
                await self._until_due()
                if not may_play() or (source := source or await _published(room)) is None:
                    await self._until_over()
                else:
                    await self._play(source, on_played)
        finally:
            if source is not None:
                await source.aclose()

    async def _until_due(self) -> None:
        while (span := self._rule.plays_between()) is None or span[0] > time.monotonic():
            await self._wait_until(math.inf if span is None else span[0])

    async def _until_over(self) -> None:
        while (span := self._rule.plays_between()) is not None and span[0] <= time.monotonic() < span[1]:
            await self._wait_until(span[1])

    async def _wait_until(self, at: float) -> None:
        """Wait until something happens, or until that time."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if at == math.inf else max(at - time.monotonic(), 0)):
                await self._changed.wait()

    async def _play(self, source: rtc.AudioSource, on_played: Callable[[rtc.AudioFrame, float], None]) -> None:
        heard_at = time.monotonic()
        async for frame in frames(self._is_over):
            await source.capture_frame(frame)
            on_played(frame, heard_at)
            heard_at += frame.duration
        await asyncio.sleep(_LEAD_S)  # what the source has is still to be heard

    def _is_over(self) -> bool:
        span = self._rule.plays_between()
        return span is None or not span[0] <= time.monotonic() < span[1]

    def _on_agent_state(self, change: AgentStateChangedEvent) -> None:
        self._rule.agent_state(time.monotonic(), before=change.old_state, after=change.new_state)
        self._changed.set()

    def _on_tool(self, event: ToolExecutionUpdatedEvent) -> None:
        update, now = event.update, time.monotonic()
        if update.type == "tool_call_started":
            self._rule.tool_started(update.function_call.call_id, now)
        elif update.type == "tool_call_ended":
            is_answered = update.message is not None and update.status != "cancelled"
            self._rule.tool_ended(update.call_id, now, is_answered=is_answered)
        self._changed.set()

    def _on_item(self, added: ConversationItemAddedEvent) -> None:
        if added.item.type == "agent_handoff":
            self._rule.agent_handed_off()
            self._changed.set()


async def _published(room: rtc.Room) -> rtc.AudioSource | None:
    """The source of a new track in the room; None if the track can't be published."""
    source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=round(2000 * _LEAD_S))
    track = rtc.LocalAudioTrack.create_audio_track(TRACK, source)
    try:
        await room.local_participant.publish_track(track, rtc.TrackPublishOptions())
    except (rtc.participant.PublishTrackError, ConnectionError) as error:
        logger.warning("the sound for a caller who waits isn't played", extra={"error": str(error)})
        await source.aclose()
        return None
    return source


@functools.cache
def samples() -> npt.NDArray[np.int16]:
    """One round of the sound, mono at `RATE_HZ`: two soft notes that swell and fade, again and again."""
    at_s = np.arange(round(RATE_HZ * _NOTE_S)) / RATE_HZ
    swell = np.sin(np.pi * at_s / _NOTE_S) ** 2  # it begins and ends in silence, without a click
    pause = np.zeros(round(RATE_HZ * _PAUSE_S))
    notes = [np.concatenate([_PEAK * swell * np.sin(2 * np.pi * hz * at_s), pause]) for hz in _NOTES_HZ]
    return np.round(np.concatenate(notes)).astype(np.int16)


async def frames(is_over: Callable[[], bool]) -> AsyncIterator[rtc.AudioFrame]:
    """The sound in frames of 20 ms, each `_LEAD_S` before it is heard. Once it is over it fades out within `_FADE_S`."""
    loop, sound = asyncio.get_running_loop(), samples()
    began_at = loop.time()
    sent = faded = 0
    while faded < _FADE_S * RATE_HZ:
        await asyncio.sleep(max(began_at + sent / RATE_HZ - _LEAD_S - loop.time(), 0))
        frame = np.take(sound, range(sent, sent + _FRAME), mode="wrap")
        if faded or is_over():
            gain = 1 - np.arange(faded, faded + _FRAME) / (_FADE_S * RATE_HZ)
            frame = np.round(frame * gain.clip(0)).astype(np.int16)
            faded += _FRAME
        sent += _FRAME
        yield rtc.AudioFrame(frame.tobytes(), RATE_HZ, 1, _FRAME)
