"""The agent's sound, which waits while nobody can hear it (agent/voice/voice_hold.py), or while LiveKit's session pauses it."""

import asyncio
import logging
import math
from typing import Protocol

from livekit import rtc
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities

from agent.voice.voice_hold import ReachChange, VoiceHold

logger = logging.getLogger("earshot.call")


class HoldListener(Protocol):
    """Is told when the agent's voice waits."""

    def voice_held(self, *, is_held: bool) -> None:
        """The voice begins to wait, or goes on."""


class HeldOutput(AudioOutput):
    """Passes the agent's sound on to an output that can pause.

    Args:
        output: the room's output.
        room: its events say whether sound arrives.
        track_name: the name of the track that the output plays on.
        listener: is told when the voice waits.
    """

    def __init__(self, output: AudioOutput, room: rtc.Room, track_name: str, listener: HoldListener) -> None:
        capabilities = AudioOutputCapabilities(pause=True)
        super().__init__(label="held agent", capabilities=capabilities, next_in_chain=output, sample_rate=output.sample_rate)
        self._output = output
        self._track_name = track_name
        self._listener = listener
        self._hold = VoiceHold()
        self._is_paused = False
        """Whether LiveKit's session has paused it."""
        self._waits = False
        self._timer: asyncio.TimerHandle | None = None
        room.on("reconnecting", lambda: self._change(ReachChange.RECONNECTING))
        room.on("reconnected", lambda: self._change(ReachChange.RECONNECTED))
        room.on("local_track_republished", lambda publication, _: self._on_track(publication.track, ReachChange.REPUBLISHED))
        room.on("local_track_subscribed", lambda track: self._on_track(track, ReachChange.SUBSCRIBED))

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        await self._next.capture_frame(frame)

    def flush(self) -> None:
        super().flush()
        self._next.flush()

    def clear_buffer(self) -> None:
        self._next.clear_buffer()

    def pause(self) -> None:
        self._is_paused = True
        self._wait_or_play()

    def resume(self) -> None:
        self._is_paused = False
        self._wait_or_play()

    def on_detached(self) -> None:
        """The session has ended, or has another output now."""
        if self._timer is not None:
            self._timer.cancel()
        super().on_detached()

    def _on_track(self, track: rtc.Track | None, change: ReachChange) -> None:
        if track is not None and track.name == self._track_name:
            self._change(change)

    def _change(self, change: ReachChange) -> None:
        loop = asyncio.get_running_loop()
        has_changed = self._hold.change(change, loop.time())
        if self._timer is not None:
            self._timer.cancel()
        is_due = self._hold.due_at < math.inf
        self._timer = loop.call_at(self._hold.due_at, self._change, ReachChange.ELAPSED) if is_due else None
        if has_changed:
            waits = self._hold.is_held
            logger.info("the agent's voice waits: %s" if waits else "the agent's voice goes on: %s", self._hold.reach.value)
            self._wait_or_play()

    def _wait_or_play(self) -> None:
        waits = self._is_paused or self._hold.is_held
        if waits is not self._waits:
            self._waits = waits
            self._listener.voice_held(is_held=waits)
            (super().pause if waits else super().resume)()

    @property
    def _next(self) -> AudioOutput:
        return self.next_in_chain or self._output  # LiveKit puts an output of its own in between
