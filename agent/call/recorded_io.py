"""The ends of LiveKit's session with a recorder in between: the caller's sound, the agent's sound, the agent's words."""

import time
from typing import Protocol

from livekit import rtc
from livekit.agents.voice.io import AudioInput, AudioOutput, AudioOutputCapabilities, TextOutput


class SoundListener(Protocol):
    """Is told what is heard in a call, at the time at which it is. Times are `time.monotonic()`. Nothing may block."""

    def caller_sounds(self, frame: rtc.AudioFrame, now: float) -> None:
        """A frame of the caller's sound has arrived."""

    def agent_captured(self, frame: rtc.AudioFrame, now: float) -> None:
        """A frame of the agent's sound waits to be played."""

    def agent_flushed(self) -> None:
        """All of the agent's answer has been captured."""

    def agent_starts(self, at: float) -> None:
        """The agent's answer begins to play."""

    def agent_pauses(self, now: float, *, is_paused: bool) -> None:
        """The agent's sound is to pause, or to go on."""

    def agent_played(self, until_s: float) -> None:
        """A stretch of the agent's answer without a pause is over, after so many seconds of what was captured."""

    def agent_cut(self, now: float) -> None:
        """The rest of what waits isn't played."""

    def agent_ends(self, position_s: float, now: float, *, interrupted: bool) -> None:
        """The agent's answer is over, after so many seconds of its sound."""

    def agent_says(self, text: str, now: float) -> None:
        """These words of the agent's are heard."""

    def agent_said(self) -> None:
        """No more words of this answer are heard."""


class RecordedInput(AudioInput):
    """The caller's sound."""

    def __init__(self, source: AudioInput, listener: SoundListener) -> None:
        super().__init__(label="recorded caller", source=source)
        self._source_of_frames = source
        self._listener = listener

    async def __anext__(self) -> rtc.AudioFrame:
        frame = await self._source_of_frames.__anext__()
        self._listener.caller_sounds(frame, time.monotonic())
        return frame


class RecordedOutput(AudioOutput):
    """The agent's sound. Nothing that pauses it may lie between it and the room's output."""

    def __init__(self, output: AudioOutput, listener: SoundListener) -> None:
        capabilities = AudioOutputCapabilities(pause=True)
        super().__init__(
            label="recorded agent", capabilities=capabilities, next_in_chain=output, sample_rate=output.sample_rate
        )
        self._output = output
        self._listener = listener

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await self._next.capture_frame(frame)  # until somebody subscribes it waits, and may be cancelled
        await super().capture_frame(frame)
        self._listener.agent_captured(frame, time.monotonic())

    def flush(self) -> None:
        super().flush()
        self._listener.agent_flushed()
        self._next.flush()

    def clear_buffer(self) -> None:
        self._listener.agent_cut(time.monotonic())
        self._next.clear_buffer()

    def pause(self) -> None:
        self._listener.agent_pauses(time.monotonic(), is_paused=True)
        super().pause()

    def resume(self) -> None:
        self._listener.agent_pauses(time.monotonic(), is_paused=False)
        super().resume()

    def on_playback_started(self, *, created_at: float) -> None:
        """The first sound of an answer is played; `created_at` is `time.time()`."""
        self._listener.agent_starts(time.monotonic() - max(time.time() - created_at, 0.0))
        super().on_playback_started(created_at=created_at)

    def on_playback_progressed(self, *, started_at: float, offset: float, duration: float) -> None:
        """A stretch of an answer has been played; `started_at` is `time.time()`."""
        self._listener.agent_played(offset + duration)
        super().on_playback_progressed(started_at=started_at, offset=offset, duration=duration)

    def on_playback_finished(
        self, *, playback_position: float, interrupted: bool, synchronized_transcript: str | None = None
    ) -> None:
        """The sound of an answer is over."""
        self._listener.agent_ends(playback_position, time.monotonic(), interrupted=interrupted)
        super().on_playback_finished(
            playback_position=playback_position, interrupted=interrupted, synchronized_transcript=synchronized_transcript
        )

    @property
    def _next(self) -> AudioOutput:
        return self.next_in_chain or self._output  # LiveKit puts an output of its own in between


class RecordedText(TextOutput):
    """The agent's words."""

    def __init__(self, output: TextOutput | None, listener: SoundListener) -> None:
        super().__init__(label="recorded words", next_in_chain=output)
        self._listener = listener

    async def capture_text(self, text: str) -> None:
        self._listener.agent_says(text, time.monotonic())
        if self.next_in_chain is not None:
            await self.next_in_chain.capture_text(text)

    def flush(self) -> None:
        self._listener.agent_said()
        if self.next_in_chain is not None:
            self.next_in_chain.flush()
