"""Turns what LiveKit tells about a session into the call's own terms: patience, turn times, the record, events for the room."""

import asyncio
import functools
import logging
import time
from collections.abc import Callable

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    ConversationItemAddedEvent,
    ToolExecutionUpdatedEvent,
    UserInputTranscribedEvent,
)
from livekit.agents.voice import SpeechHandle

from agent.gemini.events import Kind, LinkEvent
from agent.latency import TurnClock
from agent.local_voice import LocalVoice
from agent.patience import Patience
from agent.record import CallRecord
from agent.room_events import RoomEvents

_LINK_LEVELS = {
    Kind.LOST: logging.WARNING,
    Kind.RETRYING: logging.WARNING,
    Kind.NUDGED: logging.WARNING,
    Kind.DROPPED: logging.WARNING,
    Kind.WAITING: logging.WARNING,
    Kind.FAILED: logging.ERROR,
}
"""The rest is how it should be."""

link_logger = logging.getLogger("earshot.link")


class Observer:
    """Watches the session of one call."""

    def __init__(self, patience: Patience, record: CallRecord, events: RoomEvents) -> None:
        self.changed = asyncio.Event()
        """Set when the patience has news."""
        self._patience = patience
        self._record = record
        self._events = events
        self._turn = TurnClock()
        self._tools: dict[str, tuple[str, float]] = {}
        self._session: AgentSession[None] | None = None
        self._speech: SpeechHandle | None = None
        self._local_voice: LocalVoice | None = None

    def watch(self, session: AgentSession[None], local_voice: LocalVoice) -> None:
        """Subscribe to the session's events."""
        self._session, self._local_voice = session, local_voice
        session.on("agent_state_changed", self._on_agent_state)
        session.on("user_input_transcribed", self._on_caller_words)
        session.on("tool_execution_updated", self._on_tool)
        session.on("conversation_item_added", self._on_item)

    def prompted(self) -> None:
        """The worker has asked the model to speak."""
        self._tell_patience(self._patience.asked)

    def typed(self) -> None:
        """The caller has typed, or pressed keys."""
        self._tell_patience(self._patience.typed)
        self._turn.asked(time.monotonic())

    def caller_speaks(self) -> None:
        """The model hears the caller's voice; what was said comes as words later, on some models only at the end."""
        self._tell_patience(self._patience.caller_speaks)

    def caller_pauses(self) -> None:
        self._tell_patience(self._patience.caller_pauses)

    def caller_came(self) -> None:
        self._tell_patience(self._patience.caller_came)

    def caller_lost(self, *, left: bool) -> None:
        """`left`: they said goodbye to the room, and it wasn't the connection that broke."""
        self._tell_patience(functools.partial(self._patience.caller_lost, left=left))

    def link(self, event: LinkEvent) -> None:
        """Something happened to the link to Gemini: a line in the log, an event for the room."""
        facts = event.facts()
        level = _LINK_LEVELS.get(event.kind, logging.INFO)
        link_logger.log(level, "link %s: %s", event.kind, event.cause, extra=facts)
        # the service's own words may name the operator's project: they are not for whoever is in the room
        self._events.tell("link", **{fact: value for fact, value in facts.items() if fact != "reason"})
        if event.kind in {Kind.LOST, Kind.RETRYING}:
            self._tell_patience(self._patience.link_lost)
        elif event.kind in {Kind.CONNECTED, Kind.RESTORED, Kind.HANDED_OVER}:
            self._tell_patience(self._patience.link_restored)

    def _tell_patience(self, news: Callable[[float], None]) -> None:
        news(time.monotonic())
        self.changed.set()

    def _on_caller_words(self, words: UserInputTranscribedEvent) -> None:
        if words.transcript and not words.is_final:
            self._tell_patience(self._patience.heard)
            self._turn.asked(time.monotonic())

    def _on_agent_state(self, change: AgentStateChangedEvent) -> None:
        if change.new_state == "speaking":
            self._speech = self._session.current_speech if self._session else None
            if not self._is_local():
                self._turn.sounded(time.monotonic())
                self._tell_patience(self._patience.agent_speaks)
        elif change.old_state == "speaking" and not self._is_local():
            self._tell_patience(self._patience.agent_silent)
            self._turn_ended(time.monotonic())

    def _is_local(self) -> bool:
        """The worker's own voice answers nothing: what is owed stays owed."""
        return self._local_voice is not None and self._local_voice.speaks_in(self._speech)

    def _turn_ended(self, now: float) -> None:
        times = self._turn.silent(now, interrupted=self._speech is not None and self._speech.interrupted)
        if times is None:
            return
        self._record.turns += 1
        self._record.interrupted_turns += times.interrupted
        self._events.tell(
            "turn",
            heard_to_sound_s=None if times.heard_to_sound_s is None else round(times.heard_to_sound_s, 3),
            spoke_s=round(times.spoke_s, 3),
            interrupted=times.interrupted,
        )

    def _on_item(self, added: ConversationItemAddedEvent) -> None:
        if added.item.type == "agent_handoff":
            self._tell_patience(self._patience.agent_changed)

    def _on_tool(self, event: ToolExecutionUpdatedEvent) -> None:
        update, now = event.update, time.monotonic()
        if update.type == "tool_call_started":
            name, call_id = update.function_call.name, update.function_call.call_id
            self._tools[call_id] = (name, now)
            self._record.tools[name] = self._record.tools.get(name, 0) + 1
            self._tell_patience(functools.partial(self._patience.tool_started, call_id=call_id))
            self._events.tell("tool_started", name=name, id=call_id)
        elif update.type == "tool_call_ended":
            name, started_at = self._tools.pop(update.call_id, ("", now))
            self._record.failed_tools += update.status == "error"
            owes_words = update.message is not None and update.status != "cancelled"
            self._tell_patience(functools.partial(self._patience.tool_ended, call_id=update.call_id, owes_words=owes_words))
            self._events.tell(
                "tool_ended", name=name, id=update.call_id, status=update.status, took_s=round(now - started_at, 3)
            )
