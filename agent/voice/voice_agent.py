"""An agent whose captions keep the pace of its voice, and whose tools may return anything."""

from collections.abc import AsyncIterable, AsyncIterator, Sequence

from livekit import rtc
from livekit.agents import ModelSettings, llm
from livekit.agents.types import TimedString

from agent.tools import ToolAgent
from agent.voice.captions import CaptionClock, paced, voiced


class VoiceAgent(ToolAgent):
    """Has LiveKit's nodes for the model's sound and captions. A subclass with its own `on_enter` calls this one's first."""

    def __init__(self, *, instructions: str, tools: Sequence[llm.Tool | llm.Toolset] = ()) -> None:
        super().__init__(instructions=instructions, tools=[*tools])
        self._caption_clock = CaptionClock()

    async def on_enter(self) -> None:
        """The agent takes the call: from here on the playout drives the captions."""
        if self.session.output.audio is not None:
            self.session.output.audio.on("playback_started", lambda _: self._caption_clock.playing())

    def realtime_audio_output_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[rtc.AudioFrame]:
        """Pass the agent's voice on unchanged: each answer only gets a clock for its captions."""
        del model_settings
        self._caption_clock = CaptionClock()
        return voiced(audio, self._caption_clock)

    def transcription_node(
        self, text: AsyncIterable[str | TimedString], model_settings: ModelSettings
    ) -> AsyncIterator[str | TimedString]:
        """Hold the agent's captions to the pace of its voice. Without sound they pass as they come."""
        del model_settings
        spoken = self.session.output.audio is not None and self.session.output.audio_enabled
        return paced(text, self._caption_clock) if spoken else aiter(text)
