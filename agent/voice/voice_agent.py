"""An agent whose captions keep the pace of its voice, and whose tools may return anything."""

from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence

from livekit import rtc
from livekit.agents import ModelSettings, llm
from livekit.agents.types import TimedString

from agent.gemini import EarshotSession
from agent.tools import ToolAgent
from agent.voice.captions import CaptionClock, paced, voiced


class VoiceAgent(ToolAgent):
    """Has LiveKit's nodes for the model's sound and captions. A subclass with its own `on_enter` calls this one's first.

    `voice` is the voice of Gemini that this agent speaks with while it has the call; None is the voice of the persona.
    """

    def __init__(
        self,
        *,
        instructions: str,
        tools: Sequence[llm.Tool | llm.Toolset] = (),
        voice: str | None = None,
        chat_ctx: llm.ChatContext | None = None,
    ) -> None:
        super().__init__(instructions=instructions, tools=[*tools], chat_ctx=chat_ctx)
        self.voice = voice
        self._caption_clock = CaptionClock()

    async def on_enter(self) -> None:
        """The agent takes the call: from here on the playout drives the captions."""
        if self.session.output.audio is not None:
            self.session.output.audio.on("playback_started", lambda _: self._caption_clock.playing())

    def voice_held(self, *, is_held: bool) -> None:
        """The agent's voice waits from now on, or goes on."""
        self._caption_clock.held(is_held=is_held)

    def checkpoint_state(self) -> dict[str, object]:
        """The agent's own state, as JSON has it, for another process that goes on with the call (docs/failover.md).

        It is asked for several times a minute and mustn't block.
        """
        return {}

    def restore_state(self, state: Mapping[str, object]) -> None:
        """Take over what `checkpoint_state` has returned in another process of this call; before `on_enter`."""

    def add_context(self, text: str) -> None:
        """Tell the model something that it doesn't answer. It knows it from its next turn on.

        Raises:
            RuntimeError: the agent doesn't have the call, or its model isn't Gemini.
        """
        session = self.realtime_llm_session
        if not isinstance(session, EarshotSession):
            raise RuntimeError("add_context: the agent's model isn't Gemini; use update_chat_ctx instead")  # noqa: TRY004
        session.add_context(text)

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
