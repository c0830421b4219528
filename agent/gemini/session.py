"""LiveKit's realtime session on our link: what the framework asks of a model, and what it is told of one.

The link (link.py) keeps the conversation with the service going. What of the service's messages the conversation is to hear
comes to `on_message`, and is told to LiveKit as generations, transcripts, function calls and metrics. What LiveKit calls when,
and what it expects: livekit-agents 1.8.9, llm/realtime.py and voice/agent_activity.py.
"""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterable, Callable
from typing import Any, Literal, Never

from google.genai import types
from livekit import rtc
from livekit.agents import llm
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.agents.utils import is_given

from agent.gemini import wire
from agent.gemini.audio_chunks import AudioChunks
from agent.gemini.caller_input import CallerInput
from agent.gemini.capabilities import Capabilities
from agent.gemini.chat_journal import ChatJournal
from agent.gemini.chat_turns import context_turns, reply_turns, result_turns, text_of, verbatim
from agent.gemini.context_notes import ContextNotes
from agent.gemini.declarations import declarable
from agent.gemini.events import Kind, Line, LinkEvent
from agent.gemini.function_calls import FunctionCalls
from agent.gemini.generations import Generations
from agent.gemini.hand_overs import HandOvers
from agent.gemini.held_results import HeldResults
from agent.gemini.link import Link
from agent.gemini.listener import ModelListener
from agent.gemini.live_config import Voicing
from agent.gemini.marked_turns import MarkedTurns, TurnsBy
from agent.gemini.messages import Json, Received
from agent.gemini.replies import Replies, Reply
from agent.gemini.said_streams import SaidStreams
from agent.gemini.session_settings import SessionSettings, voice_of
from agent.gemini.tool_answer import ToolAnswer
from agent.gemini.tool_permissions import REFUSAL, ToolPermissions
from agent.gemini.turn_report import TurnReport
from agent.gemini.usage import usage_metrics

logger = logging.getLogger("earshot.link")


def _content(turns: list[types.Content], *, wants_answer: bool) -> bytes:
    return wire.content(types.LiveClientContent(turns=turns, turn_complete=wants_answer))


class EarshotSession(llm.RealtimeSession[Never]):
    """One conversation with Gemini. The model that made it passes on what its link tells."""

    def __init__(
        self,
        model: llm.RealtimeModel,
        link: Link,
        voicing: Voicing,
        capabilities: Capabilities,
        listener: ModelListener,
        caller_input: CallerInput | None = None,
    ) -> None:
        super().__init__(model)
        caller_input = caller_input or CallerInput()
        self._rules = caller_input.rules
        self._link, self._capabilities = link, capabilities
        self._listener = listener
        self._settings = SessionSettings(link, voicing, capabilities)
        self._permissions = ToolPermissions()
        self.functions = FunctionCalls(capabilities)
        """The calls that the model has made, and the options of their tools."""
        self._journal = ChatJournal()
        self._report = TurnReport()
        self._replies = Replies()
        self.notes = ContextNotes(
            lambda turns: self._send(turns, wants_answer=False), lambda turns: link.keeps(_content(turns, wants_answer=False))
        )
        self._generations = Generations(
            self.emit,
            self._replies,
            self._journal,
            self._rules,
            whole_transcripts=capabilities.whole_transcripts,
            translates=capabilities.translates,
        )
        if capabilities.translates:
            self._replies.fail("a model that translates takes no text, and answers nothing")
        self._turns = MarkedTurns(link, self._generations, caller_input.turns_by, interrupts=self._rules.interruptible)
        self._chunks = AudioChunks(caller_input.chunk_ms)
        self._pictures = caller_input.pictures
        self._said_streams = SaidStreams(self._say_whole)
        self.held_results = HeldResults(self._send_results)
        self._hand_overs = HandOvers(self.functions, link.agent_changes)

    @property
    def chat_ctx(self) -> llm.ChatContext:
        """A copy of what was said: LiveKit adds to it and hands it to `update_chat_ctx`."""
        return self._journal.context()

    @property
    def tools(self) -> llm.ToolContext:
        return self._settings.tools.copy()

    def tool_answer(self, call: llm.FunctionCall) -> ToolAnswer:
        """The way for a tool to answer its call, as soon as it can (docs/facts.md L32)."""
        return ToolAnswer(call, self.functions, self._send_results, self._link.agent_changes)

    def history(self) -> list[Line]:
        """The words said so far, for a connection that has forgotten them."""
        return self._journal.lines()

    async def aclose(self) -> None:
        """End the conversation, in little more than a second. What is called afterwards has no effect."""
        for each in (self._said_streams, self.held_results, self.notes, self._replies):
            each.close()
        self._generations.end()
        await self._link.aclose()  # last: whoever cancels this leaves no stream open and nobody waiting

    def on(self, event: Any, callback: Callable[..., Any] | None = None) -> Callable[..., Any]:
        """Tell somebody of an event. LiveKit does so for each agent that comes, before all else (docs/facts.md L171)."""
        found = super().on(event, callback)
        if event == "generation_created":
            self._settings.set_voice(voice_of(callback))
            self._hand_overs.agent_comes(callback)
            # LiveKit takes nothing for the agent before this turn of the event loop is over
            asyncio.get_running_loop().call_soon(self._generations.agent_comes)
        return found

    def off(self, event: Any, callback: Callable[..., Any]) -> None:
        """Tell somebody no more of an event. LiveKit does so for all of an agent's when that one leaves the conversation."""
        super().off(event, callback)
        if event == "generation_created":
            self._hand_overs.agent_leaves(callback)
            self._turns.agent_leaves()
            self._link.agent_changes()

    # What connections ask for

    async def update_instructions(self, instructions: str) -> None:
        """Ask for them from the next turn on. Told as words of a turn, they would leave the old ones in force."""
        self._settings.set_instructions(instructions)

    async def update_tools(self, tools: list[llm.Tool]) -> None:
        """Ask for them from the next turn on. The model isn't told of those that can't be declared, and the log says why."""
        self.held_results.agent_has_come()
        context, undeclarable = declarable(llm.ToolContext(tools))
        for error in undeclarable:
            logger.warning("the model isn't told of a tool: %s", error)
        if self._settings.set_tools(context):
            self.functions.declare(context)

    def update_options(
        self,
        *,
        tool_choice: NotGivenOr[llm.ToolChoice | None] = NOT_GIVEN,
        voice: NotGivenOr[str | None] = NOT_GIVEN,
    ) -> None:
        """Calls can be refused, not required. `voice`: one of Gemini's, from the next turn on; None: the first one."""
        if is_given(tool_choice):
            self._permissions.set_for_session(tool_choice)
        if is_given(voice):
            self._settings.set_voice(voice)

    def client_offers(self, methods: frozenset[str]) -> None:
        """The caller's client offers these RPC methods: tools that ask it for others (`client_tool`) aren't declared."""
        self._settings.set_client_methods(methods)

    def change_turns(self, *, push_to_talk: bool) -> None:
        """Have the caller's turns marked by a button from now on, or detected. A connection that is there is replaced."""
        if self._settings.set_turns(push_to_talk=push_to_talk):
            self._turns.change(TurnsBy.BUTTON if push_to_talk else TurnsBy.DETECTION)

    # To the model

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        """The caller's sound. It must not raise: that would end the call's microphone (docs/facts.md L35)."""
        if self._chunks.is_one(frame):
            self._link.send_sound(bytes(frame.data))
            return
        for chunk in self._chunks.cut(frame):
            self._link.send_sound(chunk)

    def start_activity(self) -> None:
        """With push-to-talk: the caller begins to speak. Their sound is sent from now on; what the model is saying stops."""
        self._turns.start()

    def end_activity(self) -> None:
        """With push-to-talk: the caller has finished, and the model answers. Without sound since the start, nothing is sent."""
        self._turns.end()

    def push_video(self, frame: rtc.VideoFrame) -> None:
        """A frame of a video input that the developer has given to LiveKit's session; a picture a second is sent."""
        if self._pictures is not None:
            self._pictures.push(frame)

    async def update_chat_ctx(self, chat_ctx: llm.ChatContext) -> None:
        """Tell the model what it doesn't know: messages as context, which it doesn't answer, and the results of functions.

        Raises:
            ValueError: a picture among the messages is of a kind that Gemini doesn't take.
        """
        new = self._journal.take_new(chat_ctx)
        self._hand_overs.look(new)
        foreign = self.functions.foreign(new)
        handing_over = self.functions.take_handing_over(new)
        responses = self.functions.responses([item for item in new if item not in foreign and item not in handing_over])
        if not self._settings.is_configured:
            turns = [*context_turns(new), *result_turns(foreign)]
            self._link.initial_history.add(turns, self._journal.lines())
            return
        if new:
            self._turns.something_else_is_asked()
        try:
            if turns := context_turns(new):
                callers = [item for item in new if item.type == "message" and item.role == "user"]
                self._send(turns, typed=text_of(context_turns(callers)), wants_answer=False)
        finally:  # an item that can't be converted is raised to LiveKit, and costs no result
            if turns := result_turns(foreign):
                self._send(turns, wants_answer=False)
            if responses:
                self._send_results(responses)
            self.held_results.hold(self.functions.responses(handing_over))

    def add_context(self, text: str) -> None:
        """Tell the model something that it doesn't answer. It knows it from its next turn on, and in new sessions too."""
        self.notes.add(text)

    def _send_results(self, responses: list[Json]) -> None:
        self._settings.configure_changes()
        self._generations.results_sent(responses)
        self._link.send_results(responses)

    def generate_reply(
        self,
        *,
        instructions: NotGivenOr[str] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        tools: NotGivenOr[list[llm.Tool]] = NOT_GIVEN,
    ) -> Reply:
        """Ask for an answer. The next one that begins is taken for it."""
        reply = self._replies.ask()
        if not reply.done():
            self._permissions.set_for_reply(tool_choice, tools, self.functions.waits_for)
            reply.add_done_callback(self._reply_is_done)
            asked = instructions if is_given(instructions) else None
            if not self._turns.answers_by_itself() or asked:
                self._send(reply_turns(asked, placeholder=self._capabilities.needs_placeholder), wants_answer=True)
        return reply

    def _reply_is_done(self, reply: Reply) -> None:
        """No turn will answer a reply that was withdrawn or has failed: its choice of tools ends with it."""
        if self._replies.is_newest(reply) and (reply.cancelled() or reply.exception() is not None):
            self._permissions.turn_completes()

    def say(self, text: str | AsyncIterable[str]) -> Reply:
        """Have the model say this text. It speaks for itself: it is asked for these words, and may choose others."""
        return self._say_whole(text) if isinstance(text, str) else self._said_streams.say(text)

    def _say_whole(self, text: str) -> Reply:
        return self.generate_reply(instructions=verbatim(text))

    def _send(self, turns: list[types.Content], *, typed: str = "", wants_answer: bool) -> None:
        if wants_answer:
            self._settings.configure_changes()
            self.held_results.release()
            self.notes.close()
        payload = _content(turns, wants_answer=wants_answer)
        self._link.send(payload, text=text_of(turns), typed=typed, wants_answer=wants_answer)

    def truncate(
        self,
        *,
        message_id: str,
        modalities: list[Literal["text", "audio"]],
        audio_end_ms: int,
        audio_transcript: NotGivenOr[str] = NOT_GIVEN,
    ) -> None:
        """Keep of an answer what was heard. The service knows by itself: it stops when it hears the caller."""
        del modalities, audio_end_ms
        if is_given(audio_transcript):
            self._journal.truncate(message_id, audio_transcript)
            if self._generations.was_stopped(message_id):
                self.notes.answer_stopped(audio_transcript)

    def interrupt(self) -> None:
        """Stop the answer that is being given (docs/facts.md G173). Where it was interrupted already: no effect (L172)."""
        if self._generations.stop():
            self._link.stop_answer()

    def commit_audio(self) -> None:
        """The caller's turn is over, where the client marks it. Otherwise the model itself hears that."""
        self._turns.commit()

    def clear_audio(self) -> None:
        """The caller's turn begins anew, with `turn_detection="manual"`. What was sent can't be taken back."""
        self._turns.clear()

    # From the model

    def on_message(self, received: Received) -> None:
        """A message of the service's, without what the conversation is not to hear."""
        if received.only_sound and (not received.pcm or self._generations.add_sound(received.pcm)):
            return
        if received.pcm or received.words:
            self._permissions.model_speaks()
        self._generations.received(received, self._allowed(self.functions.read(received)))
        if (received.turn_complete or received.interrupted) and not self._replies.is_pending:
            self._permissions.turn_completes()
            self._turns.something_else_is_asked()
        if received.cancelled:
            self._listener.on_tools_cancelled(list(received.cancelled))
        metrics = usage_metrics(received, self.realtime_model, self._generations.last, time.time())
        if metrics is not None:
            self.emit("metrics_collected", metrics)
        for event in self._report.read(received, metrics, with_thoughts=self._settings.asks_for_thoughts):
            self._listener.on_model_event(event)

    def on_opened(self, known_until: float) -> None:
        """A connection is open. Its session is told again what `add_context` has told, as far as it may not know it."""
        is_known = self._capabilities.resumes_whole and known_until > -math.inf
        self.notes.opened(math.inf if is_known else known_until)

    def on_event(self, event: LinkEvent) -> None:
        """Something happened to the link: when it is over, nothing that was begun will ever be finished."""
        if event.kind is Kind.FAILED:
            self._generations.end()
            self._replies.fail(f"there is no connection to the model: {event.cause}")

    def _allowed(self, calls: list[llm.FunctionCall]) -> list[llm.FunctionCall]:
        """Those calls that may be run now. The others are answered with an error, and no generation begins for them."""
        refused = [call for call in calls if not self._permissions.allows(call.name)]
        if refused and self._permissions.refuses():
            logger.info("function calls are refused", extra={"functions": [call.name for call in refused]})
            self._link.send_results([self.functions.refusal(call, REFUSAL) for call in refused])
        return [call for call in calls if call not in refused]
