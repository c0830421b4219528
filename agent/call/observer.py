"""Tells the parts of a call what LiveKit and the link tell about its session: timer, ending, record, turn times, the room."""

import functools
import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Protocol

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    CloseEvent,
    ConversationItemAddedEvent,
    SpeechCreatedEvent,
    ToolExecutionUpdatedEvent,
    UserInputTranscribedEvent,
)
from livekit.agents.voice import SpeechHandle

from agent.call.call_cost import rounded
from agent.call.ending_events import (
    CallEnded,
    CallerTurnBegan,
    CallerTyped,
    Event,
    LimitReached,
    LinkConnected,
    LinkFailed,
    LinkWaits,
    ReplyBegan,
    ReplyEnded,
)
from agent.call.endings import Ending, after_close, after_failure
from agent.call.latency import ResponseClock, TurnClock
from agent.call.limits import CallTimer
from agent.call.record import CallRecord
from agent.gemini import (
    DEFAULT_TURN_RULES,
    Cause,
    Code,
    CodeResult,
    ContextTokens,
    Kind,
    LinkEvent,
    ModelEvent,
    Sources,
    Thought,
    TokenUsage,
    TurnCompleteReason,
    TurnRules,
    TurnUsage,
)
from agent.room.room_events import RoomEvents
from agent.voice.local_voice import LocalVoice

_LINK_LEVELS = {
    Kind.LOST: logging.WARNING,
    Kind.RETRYING: logging.WARNING,
    Kind.NUDGED: logging.WARNING,
    Kind.DROPPED: logging.WARNING,
    Kind.WAITING: logging.WARNING,
    Kind.FAILED: logging.ERROR,
}
"""Levels in the log of what goes wrong with the link; the other kinds are INFO."""

logger = logging.getLogger("earshot.call")
link_logger = logging.getLogger("earshot.link")


class EndingListener(Protocol):
    """Decides when the call ends, by what it is told."""

    def tell(self, event: Event) -> None:
        """Something has happened that may end the call, or keep it."""

    def timer_changed(self) -> None:
        """The call's timer was told something."""


class Observer:
    """Watches the session of one call. No callback may block.

    `spend` is told what each turn has cost, in US dollars; `quota_refused` is called if Gemini refuses the call for its quota.
    """

    def __init__(
        self,
        timer: CallTimer,
        record: CallRecord,
        events: RoomEvents,
        ending: EndingListener,
        spend: Callable[[float], object] = lambda _: None,
        quota_refused: Callable[[], object] = lambda: None,
    ) -> None:
        self._timer = timer
        self._record = record
        self._events = events
        self._ending = ending
        self._spend = spend
        self._quota_refused = quota_refused
        self._turn = TurnClock()
        self._response = ResponseClock()
        self._tools: dict[str, tuple[str, float]] = {}
        self._session: AgentSession[None] | None = None
        self._speech: SpeechHandle | None = None
        self._callers_turn: str | None = None
        self._local_voice: LocalVoice | None = None
        self._rules = DEFAULT_TURN_RULES

    def watch(self, session: AgentSession[None], local_voice: LocalVoice, rules: TurnRules = DEFAULT_TURN_RULES) -> None:
        """Subscribe to the session's events. `rules`: by which the caller and its model take turns."""
        self._session, self._local_voice, self._rules = session, local_voice, rules
        session.on("agent_state_changed", self._on_agent_state)
        session.on("user_input_transcribed", self._on_caller_words)
        session.on("speech_created", self._on_speech)
        session.on("tool_execution_updated", self._on_tool)
        session.on("conversation_item_added", self._on_item)
        session.on("close", self._on_close)

    def reply_requested(self) -> None:
        """The worker has asked the model to speak."""
        self._response.asked_in_text(time.monotonic())
        self._tell_timer(self._timer.reply_requested)

    def caller_typed(self) -> None:
        """The caller has typed, or pressed keys."""
        self._ending.tell(CallerTyped())
        self._tell_timer(self._timer.caller_typed)
        self._turn.asked(time.monotonic())
        self._response.asked_in_text(time.monotonic())

    def line_dropped(self, identity: str) -> None:
        """The caller has typed, or pressed keys, and the model takes sound alone."""
        self._events.tell("line_dropped", identity=identity, reason="sound_alone")

    def caller_starts_speaking(self) -> None:
        """The model hears the caller's voice; what was said comes as words later, on some models only at the end."""
        self._tell_timer(self._timer.caller_starts_speaking)

    def caller_stops_speaking(self) -> None:
        """The model hears the caller's voice end."""
        self._tell_timer(self._timer.caller_stops_speaking)

    def caller_loud(self, *, is_loud: bool, ago_s: float) -> None:
        """The caller's speech, as far as loudness tells, has begun or ended so many seconds ago."""
        at = time.monotonic() - ago_s
        if is_loud:
            self._response.speech_began(at)
        else:
            self._response.speech_ended(at)

    def caller_presses(self) -> None:
        """The caller holds the talk button from now on."""
        self._tell_timer(self._timer.caller_presses)

    def caller_releases(self) -> None:
        """The caller has released the talk button."""
        self._tell_timer(self._timer.caller_releases)

    def caller_joined(self) -> None:
        """A caller has joined, or has come back."""
        self._tell_timer(self._timer.caller_joined)

    def caller_gone(self, *, left: bool) -> None:
        """The caller is gone. `left`: they left the room, and it wasn't the connection that broke."""
        self._tell_timer(functools.partial(self._timer.caller_gone, left=left))

    def link(self, event: LinkEvent) -> None:
        """Something happened to the link to Gemini: a line in the log, an event for the room, and perhaps the call's end."""
        facts = event.facts()
        level = _LINK_LEVELS.get(event.kind, logging.INFO)
        link_logger.log(level, "Gemini connection: %s (%s)", event.kind, event.cause, extra=facts)
        # the service's own words may name the operator's project: they are not for whoever is in the room
        self._events.tell("link", **{fact: value for fact, value in facts.items() if fact != "reason"})
        if event.cause is Cause.QUOTA:
            self._quota_refused()
        if event.kind in {Kind.LOST, Kind.RETRYING}:
            self._tell_timer(self._timer.link_lost)
        elif event.kind in {Kind.CONNECTED, Kind.RESTORED, Kind.HANDED_OVER}:
            self._tell_timer(self._timer.link_restored)
        if event.kind is Kind.CONNECTED:
            self._ending.tell(LinkConnected())
        elif event.kind is Kind.WAITING:
            self._ending.tell(LinkWaits(again=(event.attempts or 1) > 1))
        elif event.kind is Kind.FAILED:
            self._record.link_failed(event.cause)
            self._ending.tell(LinkFailed(after_failure(event.cause)))

    def model_event(self, event: ModelEvent) -> None:
        """The model has told something beside its sound and words: for the room, and of it only a turn's reason for the log."""
        facts = asdict(event)
        match event:
            case Sources():
                self._events.tell("sources", **facts)
            case Code():
                self._events.tell("code", **facts)
            case CodeResult():
                self._events.tell("code_result", **facts)
            case Thought():
                self._events.tell("thought", **facts)
            case ContextTokens():
                self._events.tell("context", **facts)
            case TurnCompleteReason(reason):
                logger.warning("Gemini has ended a turn for a reason: %s", reason)
                self._events.tell("turn_complete_reason", **facts)
            case TurnUsage(usage):
                self._spent(usage)

    def _spent(self, usage: TokenUsage) -> None:
        """Tell what a turn has cost. A call over its cap says goodbye, at each turn anew: a goodbye may be interrupted."""
        step = self._record.cost.add(usage)
        self._events.tell("usage", **step.facts())
        if step.warns:
            self._events.tell("cost_warning", cost_usd=rounded(step.total_usd), cap_usd=self._record.cost.cap_usd)
        if step.is_over:
            self._ending.tell(LimitReached(Ending.COST_CAP, self._timer.link_is_down))
        if step.turn_usd is not None:
            self._spend(step.turn_usd)

    def _tell_timer(self, change: Callable[[float], None]) -> None:
        change(time.monotonic())
        self._ending.timer_changed()

    def _on_caller_words(self, words: UserInputTranscribedEvent) -> None:
        is_new_turn = words.item_id is not None and words.item_id != self._callers_turn
        if words.transcript and not words.is_final:
            self._tell_timer(functools.partial(self._timer.caller_said_words, wants_answer=not self._rules.may_stay_silent))
            self._turn.asked(time.monotonic(), over_answer=is_new_turn and not self._rules.interruptible)
        # more words of the turn in which the caller said goodbye don't keep the call
        if is_new_turn:
            self._callers_turn = words.item_id
            self._ending.tell(CallerTurnBegan())

    def _on_speech(self, created: SpeechCreatedEvent) -> None:
        if created.source != "say":  # that is the worker's own voice
            self._ending.tell(ReplyBegan(created.speech_handle.id))
            created.speech_handle.add_done_callback(self._on_speech_done)

    def _on_speech_done(self, speech: SpeechHandle) -> None:
        self._ending.tell(ReplyEnded(speech.id, interrupted=speech.interrupted))

    def _on_close(self, event: CloseEvent) -> None:
        if event.error is not None:
            logger.error("the model's session failed", extra={"error": str(event.error.error)})
        self._ending.tell(CallEnded(after_close(event.reason)))

    def _on_agent_state(self, change: AgentStateChangedEvent) -> None:
        if change.new_state == "speaking":
            self._speech = self._session.current_speech if self._session else None
            if not self._is_local():
                self._turn.sounded(time.monotonic())
                self._response.sounded(time.monotonic())
                self._tell_timer(self._timer.agent_starts_speaking)
        elif change.old_state == "speaking" and not self._is_local():
            self._tell_timer(self._timer.agent_stops_speaking)
            self._turn_ended(time.monotonic())

    def _is_local(self) -> bool:
        """Whether the worker's own voice speaks. It is no reply: what the model owes stays owed."""
        return self._local_voice is not None and self._local_voice.says(self._speech)

    def _turn_ended(self, now: float) -> None:
        times = self._turn.silent(now, interrupted=self._speech is not None and self._speech.interrupted)
        latency_s = self._response.silent(now)
        if times is None:
            return
        self._record.turn_ended(interrupted=times.interrupted, response_s=latency_s)
        self._events.tell(
            "turn",
            response_latency_s=None if latency_s is None else round(latency_s, 3),
            heard_to_sound_s=None if times.heard_to_sound_s is None else round(times.heard_to_sound_s, 3),
            spoke_s=round(times.spoke_s, 3),
            interrupted=times.interrupted,
        )

    def _on_item(self, added: ConversationItemAddedEvent) -> None:
        if added.item.type == "agent_handoff":
            self._tell_timer(self._timer.agent_handed_off)

    def _on_tool(self, event: ToolExecutionUpdatedEvent) -> None:
        update, now = event.update, time.monotonic()
        if update.type == "tool_call_started":
            name, call_id = update.function_call.name, update.function_call.call_id
            self._tools[call_id] = (name, now)
            self._record.tool_started(name)
            self._tell_timer(functools.partial(self._timer.tool_started, call_id=call_id))
            details = self._events.tool_details(arguments=update.function_call.arguments)
            self._events.tell("tool_started", name=name, id=call_id, **details)
        elif update.type == "tool_call_ended":
            name, started_at = self._tools.pop(update.call_id, ("", now))
            if update.status == "error":
                self._record.tool_failed()
            required = update.message is not None and update.status != "cancelled"
            self._tell_timer(functools.partial(self._timer.tool_ended, call_id=update.call_id, reply_required=required))
            details = self._events.tool_details(result=update.message or "")
            self._events.tell(
                "tool_ended", name=name, id=update.call_id, status=update.status, took_s=round(now - started_at, 3), **details
            )
