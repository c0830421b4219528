"""The plugin's session, with what calls need: short chunks, a bounded queue, tool calls that are not lost.

Everything of the plugin's that has no public name and is touched here stands in `PRIVATE_NAMES`; `check_plugin` looks for it
when a worker starts, and tests/agent/gemini/ pins the behaviour.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from google.genai import types
from google.genai.live import AsyncSession
from livekit.agents import llm
from livekit.agents.types import TimedString
from livekit.agents.utils.audio import AudioByteStream
from livekit.plugins.google.realtime import realtime_api
from livekit.plugins.google.realtime.api_proto import ClientEvents

from agent.gemini.capabilities import Capabilities

PRIVATE_NAMES = (
    "_bstream",
    "_chat_ctx",
    "_current_generation",
    "_handle_input_speech_started",
    "_handle_server_content",
    "_handle_tool_calls",
    "_msg_ch",
    "_queue",
    "_recv_task",
    "_send_client_event",
    "_sessions",
    "_start_new_generation",
)

CHUNK_MS = 20
"""Of the caller's audio in one message: 15-30 ms sooner at the model than the plugin's 50 (docs/facts.md L5)."""
MOST_QUEUED_CHUNKS = 100
"""Two seconds of the caller's audio may wait for a slow socket; then the oldest goes."""


class Listener(Protocol):
    """Who is told what the plugin has no event for."""

    def chunk_dropped(self) -> None: ...

    def activity(self, kind: types.VoiceActivityType) -> None: ...


class EarshotSession(realtime_api.RealtimeSession):
    """One conversation with Gemini."""

    def __init__(self, model: realtime_api.RealtimeModel, capabilities: Capabilities, listener: Listener) -> None:
        super().__init__(model)
        self._capabilities = capabilities
        self._listener = listener
        self._tools_called = False
        self._starting_generation = False
        self._audio_s = 0.0
        rate_hz = realtime_api.INPUT_AUDIO_SAMPLE_RATE
        self._bstream = AudioByteStream(rate_hz, 1, samples_per_channel=rate_hz * CHUNK_MS // 1000)

    def _send_client_event(self, event: ClientEvents) -> None:
        if isinstance(event, types.LiveClientRealtimeInput) and event.audio:
            self._make_room()
        elif isinstance(event, types.LiveClientToolResponse):
            self._speak_about(event)
        super()._send_client_event(event)

    def _make_room(self) -> None:
        queue = self._msg_ch._queue  # noqa: SLF001
        if len(queue) < MOST_QUEUED_CHUNKS:
            return
        for position, waiting in enumerate(queue):
            if isinstance(waiting, types.LiveClientRealtimeInput) and waiting.audio:
                del queue[position]
                self._listener.chunk_dropped()
                return

    def _speak_about(self, event: types.LiveClientToolResponse) -> None:
        # The framework marks the results of an interrupted turn "no reply wanted", and the plugin then sends SILENT: the
        # caller who said "hm" while a tool ran would never hear of it. Only a tool that returned nothing is silent.
        for response in event.function_responses or []:
            silent = response.scheduling == types.FunctionResponseScheduling.SILENT
            if silent and any((response.response or {}).values()):
                response.scheduling = None

    async def _recv_task(self, session: AsyncSession) -> None:
        # The plugin passes over the service's voice activity. On 3.8 it is all that is known of a caller in mid-sentence.
        receive = session.receive

        async def watched() -> AsyncIterator[types.LiveServerMessage]:
            async for message in receive():
                if message.voice_activity and (kind := message.voice_activity.voice_activity_type):
                    self._listener.activity(kind)
                yield message

        session.receive = watched  # type: ignore[method-assign]
        await super()._recv_task(session)

    def _start_new_generation(self) -> None:
        self._audio_s = 0.0
        self._starting_generation = True
        try:
            super()._start_new_generation()
        finally:
            self._starting_generation = False

    def _handle_input_speech_started(self) -> None:
        # Output that follows a tool call opens a new generation, and the plugin takes that for the caller's voice: the
        # framework would then interrupt the speech that owns the call, which is never run, or never spoken about
        # (docs/facts.md L2).
        if not (self._starting_generation and self._tools_called):
            super()._handle_input_speech_started()

    def _handle_tool_calls(self, tool_call: types.LiveServerToolCall) -> None:
        self._finish_callers_turn()
        super()._handle_tool_calls(tool_call)
        self._tools_called = True

    def _handle_server_content(self, server_content: types.LiveServerContent) -> None:
        if self._current_generation is None:
            return  # 3.8 sends empty content before the first answer; the plugin would warn
        heard_s = 0.0
        if server_content.model_turn:
            self._finish_callers_turn()
            for part in server_content.model_turn.parts or []:
                if part.inline_data and part.inline_data.data:
                    heard_s += len(part.inline_data.data) / (2 * realtime_api.OUTPUT_AUDIO_SAMPLE_RATE)
        words = server_content.output_transcription
        if words and words.text:
            words.text = TimedString(words.text, start_time=self._audio_s)
        super()._handle_server_content(server_content)
        self._audio_s += heard_s
        if server_content.turn_complete or server_content.interrupted:
            self._tools_called = False

    def _finish_callers_turn(self) -> None:
        # The plugin calls the caller's transcript final only when the model's answer has been played. Where it comes as one
        # sentence, it is final as soon as the model answers.
        generation = self._current_generation
        if not self._capabilities.whole_transcripts or generation is None or not generation.input_transcription:
            return
        self.emit(
            "input_audio_transcription_completed",
            llm.InputTranscriptionCompleted(
                item_id=generation.input_id, transcript=generation.input_transcription, is_final=True
            ),
        )
        self._chat_ctx.add_message(role="user", content=generation.input_transcription, id=generation.input_id)
        generation.input_transcription = ""
