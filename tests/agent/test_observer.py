"""What happens to the link becomes a line in the log, an event for the room, and patience."""

import json
import logging
import time

import pytest
from livekit import rtc
from livekit.agents import AgentSession, ConversationItemAddedEvent, ToolExecutionUpdatedEvent, llm
from livekit.agents.voice.events import ToolCallStarted

from agent.endings import Ending, after_failure
from agent.gemini.events import Cause, During, Kind, LinkEvent
from agent.local_voice import LocalVoice
from agent.observer import Observer
from agent.patience import Limits, Patience
from agent.record import CallRecord
from agent.room_events import RoomEvents

LIMITS = Limits(caller_join_s=60, caller_return_s=20, caller_silence_s=100, still_there_s=40, answer_s=30, longest_call_s=1000)
LOST = LinkEvent(Kind.LOST, Cause.CLOSED, during=During.OWED, code=1011, reason="quota of project 1234")
RESTORED = LinkEvent(Kind.RESTORED, Cause.CLOSED, attempts=2, took_ms=310, gap_ms=480, replayed_ms=900, with_history=False)


class Told(RoomEvents):
    """What would have been sent to a room."""

    def __init__(self) -> None:
        super().__init__(rtc.Room())

    @property
    def events(self) -> list[dict[str, object]]:
        return [{name: value for name, value in json.loads(text).items() if name != "t"} for text in self._waiting]


async def test_each_event_is_logged_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """The service's own words are for the log alone."""
    told = Told()
    observer = Observer(Patience(LIMITS, 0.0), CallRecord("room", "persona"), told)
    with caplog.at_level(logging.INFO, "earshot.link"):
        for event in (LOST, RESTORED, LOST, LinkEvent(Kind.FAILED, Cause.KEY, code=1008)):
            observer.link(event)
    assert [(line.levelname, line.getMessage()) for line in caplog.records] == [
        ("WARNING", "link lost: closed"),
        ("INFO", "link restored: closed"),
        ("WARNING", "link lost: closed"),
        ("ERROR", "link failed: key"),
    ]
    assert vars(caplog.records[0]).items() >= LOST.facts().items()
    assert told.events[:2] == [
        {"type": "link", "kind": "lost", "cause": "closed", "during": "owed", "code": 1011},
        {"type": "link", **RESTORED.facts()},
    ]


async def test_patience_waits_while_the_link_is_down() -> None:
    patience = Patience(LIMITS, time.monotonic())
    patience.caller_came(time.monotonic())
    observer = Observer(patience, CallRecord("room", "persona"), Told())
    observer.link(LinkEvent(Kind.RETRYING, Cause.REFUSED, attempts=1))
    observer.link(LinkEvent(Kind.NUDGED, Cause.UNANSWERED))
    assert patience.link_is_down
    observer.changed.clear()
    observer.link(LinkEvent(Kind.CONNECTED, Cause.START, attempts=2))
    assert (patience.link_is_down, observer.changed.is_set()) == (False, True)


async def test_a_tool_that_waits_for_another_agent_doesnt_keep_the_call() -> None:
    """As `await AgentTask()` in a tool: nobody ends it but the other agent, which the caller may not answer."""
    patience = Patience(LIMITS, time.monotonic())
    patience.caller_came(time.monotonic())
    observer = Observer(patience, CallRecord("room", "persona"), Told())
    session: AgentSession[None] = AgentSession()
    observer.watch(session, LocalVoice(session, "en"))
    call = llm.FunctionCall(call_id="1", name="ask", arguments="{}")
    session.emit("tool_execution_updated", ToolExecutionUpdatedEvent(update=ToolCallStarted(function_call=call)))
    assert patience.next_at > time.monotonic() + LIMITS.caller_silence_s
    session.emit("conversation_item_added", ConversationItemAddedEvent(item=llm.AgentHandoff(new_agent_id="other")))
    assert patience.next_at <= time.monotonic() + LIMITS.still_there_s


@pytest.mark.parametrize(
    ("cause", "ending"),
    [
        (Cause.KEY, Ending.MODEL_REFUSED),
        (Cause.QUOTA, Ending.MODEL_REFUSED),
        (Cause.SETTINGS, Ending.MODEL_REFUSED),
        (Cause.UNREACHABLE, Ending.MODEL_UNREACHABLE),
        (Cause.MUTE, Ending.NO_ANSWER),
        (Cause.WORKER, Ending.WORKER_FAILED),
        (Cause.CLOSED, Ending.MODEL_FAILED),
    ],
)
def test_a_failure_is_told_by_whose_it_is(cause: Cause, ending: Ending) -> None:
    assert after_failure(cause) is ending
