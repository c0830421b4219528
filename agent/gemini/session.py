"""The plugin's session on our link: its generations, its chat context and its events, without its socket.

The plugin's own loops, queues and reconnects are not used: what it would send goes to the link, and what the link delivers
goes to the plugin's handlers. Everything of the plugin's that has no public name and is touched here stands in
`PRIVATE_NAMES`; `check_plugin` looks for it when a worker starts, and tests/agent/gemini/ pins the behaviour.
"""

import asyncio
from collections.abc import AsyncIterable, Callable

from google.genai import types
from livekit import rtc
from livekit.agents import llm
from livekit.agents.llm._provider_format.utils import _DEFAULT_INLINE_INSTRUCTIONS_TEMPLATE
from livekit.agents.types import NOT_GIVEN, NotGivenOr, TimedString
from livekit.agents.utils import is_given
from livekit.agents.utils.audio import AudioByteStream
from livekit.plugins.google.realtime import realtime_api
from livekit.plugins.google.realtime.api_proto import ClientEvents

from agent.gemini import audio, wire
from agent.gemini.capabilities import Capabilities
from agent.gemini.configured_session import ConfiguredSession
from agent.gemini.events import Kind, Line, LinkEvent
from agent.gemini.exchange.prompt_texts import quoted
from agent.gemini.link import Link
from agent.gemini.messages import Received
from agent.gemini.no_client import without_client
from agent.gemini.sdk_messages import sdk_message

PRIVATE_NAMES = (
    "_active_session",
    "_bstream",
    "_build_connect_config",
    "_chat_ctx",
    "_client",
    "_current_generation",
    "_handle_input_speech_started",
    "_handle_server_content",
    "_handle_tool_call_cancellation",
    "_handle_tool_calls",
    "_handle_usage_metadata",
    "_is_new_generation",
    "_main_task",
    "_mark_current_generation_done",
    "_mark_restart_needed",
    "_opts",
    "_pending_chat_ctx",
    "_pending_generation_fut",
    "_reject_tool_calls",
    "_resample_audio",
    "_send_client_event",
    "_sessions",
    "_start_new_generation",
    "_sync_chat_ctx",
    "_tools",
    "_unsent_item_ids",
)

_VERBATIM = "Say exactly the following to the caller, word for word, in its language, and nothing else:"
CHUNK_MS = audio.FRAME_MS

Reply = asyncio.Future[llm.GenerationCreatedEvent]


class EarshotSession(ConfiguredSession):
    """One conversation with Gemini. `on_tools_cancelled` is told the ids of calls that nobody wants answered any more."""

    def __init__(
        self,
        model: realtime_api.RealtimeModel,
        capabilities: Capabilities,
        link: Link,
        on_tools_cancelled: Callable[[list[str]], None],
        chunk_ms: int = CHUNK_MS,
    ) -> None:
        with without_client():
            super().__init__(model, link)
        self._chunk_samples = audio.INPUT_RATE_HZ * chunk_ms // 1000
        self._capabilities = capabilities
        self._on_tools_cancelled = on_tools_cancelled
        self._tools_called = False
        self._starting_generation = False
        self._audio_s = 0.0
        self._failure: llm.RealtimeError | None = None
        """Why nothing will be said any more."""
        self._bstream = AudioByteStream(audio.INPUT_RATE_HZ, 1, samples_per_channel=self._chunk_samples)
        link.on_message = self._on_message

    async def _main_task(self) -> None:
        # LiveKit sets instructions, history and tools before this task runs for the first time
        self._active_session = self._link  # type: ignore[assignment]
        self._configure()
        context, self._pending_chat_ctx = self._pending_chat_ctx, None
        if context is not None:
            self._sync_chat_ctx(context)

    async def aclose(self) -> None:
        await self._link.aclose()
        self._active_session = None
        await super().aclose()

    def history(self) -> list[Line]:
        """What was said, as the plugin keeps it."""
        messages = [item for item in self._chat_ctx.items if item.type == "message" and item.role in {"user", "assistant"}]
        return [Line(item.role == "user", item.text_content or "") for item in messages]

    # To the model

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        fits = frame.sample_rate == audio.INPUT_RATE_HZ and frame.num_channels == 1
        if fits and frame.samples_per_channel == self._chunk_samples:
            self._link.send_sound(bytes(frame.data))
            return
        for resampled in self._resample_audio(frame):
            for chunk in self._bstream.write(resampled.data.tobytes()):
                self._link.send_sound(chunk.data.tobytes())

    def _send_client_event(self, event: ClientEvents) -> None:
        if isinstance(event, types.LiveClientToolResponse):
            self._speak_about(event)
            self._link.send_results([wire.plain(response) for response in event.function_responses or []])
        elif isinstance(event, types.LiveClientContent):
            for part in _texts(event):
                part.text = quoted(part.text or "")  # what a caller has typed is no instruction
            self._send_content(event)
        elif isinstance(event, types.LiveClientRealtimeInput):
            self._link.send(wire.live_input(event), text=event.text or "", wants_answer=bool(event.text))
        self._unsent_item_ids.clear()  # the link sends what it is given, whatever happens to the socket

    def _send_content(self, event: types.LiveClientContent) -> None:
        text = " ".join(part.text or "" for part in _texts(event))
        self._link.send(wire.content(event), text=text, wants_answer=event.turn_complete is not False)

    def _speak_about(self, event: types.LiveClientToolResponse) -> None:
        # The framework marks the results of an interrupted turn "no reply wanted", and the plugin then sends SILENT: the
        # caller who said "hm" while a tool ran would never hear of it. Only a tool that returned nothing is silent.
        for response in event.function_responses or []:
            silent = response.scheduling == types.FunctionResponseScheduling.SILENT
            if silent and any((response.response or {}).values()):
                response.scheduling = None

    def generate_reply(
        self,
        *,
        instructions: NotGivenOr[str] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        tools: NotGivenOr[list[llm.Tool]] = NOT_GIVEN,
    ) -> Reply:
        """As the plugin's, without its five seconds: the link knows whether an answer is late, and does something about it."""
        del tool_choice, tools
        previous, reply = self._pending_generation_fut, Reply()
        if self._failure is not None:
            reply.set_exception(self._failure)
            return reply
        self._pending_generation_fut = reply
        if previous is not None and not previous.done():
            previous.cancel("superseded by another reply")
        reply.add_done_callback(self._on_reply)
        needs_placeholder = realtime_api._needs_reply_placeholder(self._opts.model)  # noqa: SLF001
        turns: list[types.Content] = []
        if is_given(instructions):
            text = instructions if needs_placeholder else _DEFAULT_INLINE_INSTRUCTIONS_TEMPLATE.format(content=instructions)
            turns.append(types.Content(parts=[types.Part(text=text)], role="model" if needs_placeholder else "user"))
        if needs_placeholder:
            turns.append(types.Content(parts=[types.Part(text=".")], role="user"))
        self._send_content(types.LiveClientContent(turns=turns, turn_complete=True))
        return reply

    def say(self, text: str | AsyncIterable[str]) -> asyncio.Future[llm.GenerationCreatedEvent]:
        """Have the model say this text. It speaks for itself: it is asked for these words, and may choose others."""
        return asyncio.create_task(self._say(text), name="say")

    async def _say(self, text: str | AsyncIterable[str]) -> llm.GenerationCreatedEvent:
        words = text if isinstance(text, str) else "".join([piece async for piece in text])
        return await self.generate_reply(instructions=f"{_VERBATIM}\n{quoted(words)}")

    def _on_reply(self, reply: Reply) -> None:
        if self._pending_generation_fut is reply:
            self._pending_generation_fut = None

    # From the model

    def on_event(self, event: LinkEvent) -> None:
        """Something happened to the link: when it is over, nothing that was begun will ever be finished."""
        if event.kind is not Kind.FAILED:
            return
        self._failure = llm.RealtimeError(f"there is no connection to the model: {event.cause}")
        self._mark_current_generation_done()
        if self._pending_generation_fut is not None and not self._pending_generation_fut.done():
            self._pending_generation_fut.set_exception(self._failure)

    def _on_message(self, received: Received) -> None:
        generation = self._current_generation
        if received.only_sound and not received.pcm:
            return  # less than a sample
        if received.only_sound and generation is not None and not (generation._done or generation.audio_ch.closed):  # noqa: SLF001
            self._finish_callers_turn()
            generation.audio_ch.send_nowait(_frame(received.pcm))
            self._audio_s += received.duration_s
            return
        message = sdk_message(received)
        if message is not None:
            self._on_whole_message(message)

    def _on_whole_message(self, message: types.LiveServerMessage) -> None:
        if message.tool_call and self._opts.tool_choice == "none":
            self._reject_tool_calls(message.tool_call.function_calls or [])
            return
        self._begin_generation(message)
        if message.server_content:
            self._handle_server_content(message.server_content)
        if message.tool_call:
            self._handle_tool_calls(message.tool_call)
        if message.tool_call_cancellation:
            self._handle_tool_call_cancellation(message.tool_call_cancellation)
        if message.usage_metadata and self._current_generation is not None:
            self._handle_usage_metadata(message.usage_metadata)

    def _begin_generation(self, message: types.LiveServerMessage) -> None:
        generation = self._current_generation
        if generation is not None and not generation._done:  # noqa: SLF001
            return
        content = message.server_content
        if content is not None and content.interrupted:
            # nothing is being generated, but something may still be played
            if self._pending_generation_fut is None:
                self._handle_input_speech_started()
            content.interrupted = None
        if self._is_new_generation(message):
            self._start_new_generation()

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

    def _handle_tool_call_cancellation(self, tool_call_cancellation: types.LiveServerToolCallCancellation) -> None:
        self._on_tools_cancelled(list(tool_call_cancellation.ids or []))

    def _handle_server_content(self, server_content: types.LiveServerContent) -> None:
        if self._current_generation is None:
            return  # 3.8 sends empty content before the first answer; the plugin would warn
        heard_s = 0.0
        if server_content.model_turn:
            self._finish_callers_turn()
            for part in server_content.model_turn.parts or []:
                if part.inline_data and part.inline_data.data:
                    heard_s += len(part.inline_data.data) / (2 * audio.OUTPUT_RATE_HZ)
        words = server_content.output_transcription
        if words and words.text:
            words.text = TimedString(words.text, start_time=self._audio_s)
        super()._handle_server_content(server_content)
        self._audio_s += heard_s
        if server_content.interrupted:
            self._mark_current_generation_done()  # the words that follow are another turn's
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


def _texts(event: types.LiveClientContent) -> list[types.Part]:
    return [part for turn in event.turns or [] for part in turn.parts or [] if part.text]


def _frame(pcm: bytes) -> rtc.AudioFrame:
    return rtc.AudioFrame(data=pcm, sample_rate=audio.OUTPUT_RATE_HZ, num_channels=1, samples_per_channel=len(pcm) // 2)
