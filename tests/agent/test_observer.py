"""Each link event becomes a line in the log, an event for the room, and what the call waits for."""

import json
import logging
import time

import pytest
from livekit import rtc
from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    ConversationItemAddedEvent,
    ToolExecutionUpdatedEvent,
    UserInputTranscribedEvent,
    llm,
)
from livekit.agents.voice.events import ToolCallEnded, ToolCallStarted

from agent.call.endings import Ending, after_failure
from agent.call.limits import CallTimer
from agent.call.observer import Observer
from agent.call.record import CallRecord
from agent.gemini import (
    Cause,
    Code,
    CodeResult,
    ContextTokens,
    During,
    Kind,
    LinkEvent,
    ModelEvent,
    Source,
    Sources,
    Thought,
    TurnCompleteReason,
    TurnRules,
)
from agent.room.room_events import LONGEST_DETAIL, RoomEvents
from agent.voice.local_voice import LocalVoice
from tests.agent.listeners import LIMITS, KeptEnding

LOST = LinkEvent(Kind.LOST, Cause.CLOSED, during=During.OWED, code=1011, reason="quota of project 1234")
RESTORED = LinkEvent(Kind.RESTORED, Cause.CLOSED, attempts=2, took_ms=310, gap_ms=480, replayed_ms=900, with_history=False)


class Told(RoomEvents):
    """What would have been sent to a room."""

    def __init__(self, *, tells_tool_details: bool = True) -> None:
        super().__init__(rtc.Room(), tells_tool_details=tells_tool_details)

    @property
    def events(self) -> list[dict[str, object]]:
        return [{name: value for name, value in json.loads(text).items() if name != "t"} for text in self._waiting]


def observed(timer: CallTimer, told: Told) -> Observer:
    return Observer(timer, CallRecord("room", "persona"), told, KeptEnding(timer))


async def test_each_event_is_logged_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """The service's own words are for the log alone."""
    told = Told()
    observer = observed(CallTimer(LIMITS, 0.0), told)
    with caplog.at_level(logging.INFO, "earshot.link"):
        for event in (LOST, RESTORED, LOST, LinkEvent(Kind.FAILED, Cause.KEY, code=1008)):
            observer.link(event)
    assert [(line.levelname, line.getMessage()) for line in caplog.records] == [
        ("WARNING", "Gemini connection: lost (closed)"),
        ("INFO", "Gemini connection: restored (closed)"),
        ("WARNING", "Gemini connection: lost (closed)"),
        ("ERROR", "Gemini connection: failed (key)"),
    ]
    assert vars(caplog.records[0]).items() >= LOST.facts().items()
    assert told.events[:2] == [
        {"type": "link", "kind": "lost", "cause": "closed", "during": "owed", "code": 1011},
        {"type": "link", **RESTORED.facts()},
    ]


async def test_the_timer_rests_while_the_link_is_down() -> None:
    timer = CallTimer(LIMITS, time.monotonic())
    timer.caller_joined(time.monotonic())
    ending = KeptEnding(timer)
    observer = Observer(timer, CallRecord("room", "persona"), Told(), ending)
    observer.link(LinkEvent(Kind.RETRYING, Cause.REFUSED, attempts=1))
    observer.link(LinkEvent(Kind.NUDGED, Cause.UNANSWERED))
    assert timer.link_is_down
    told = ending.changes
    observer.link(LinkEvent(Kind.CONNECTED, Cause.START, attempts=2))
    assert (timer.link_is_down, ending.changes) == (False, told + 1)


async def test_a_tool_that_waits_for_another_agent_doesnt_keep_the_call() -> None:
    """As `await AgentTask()` in a tool: nobody ends it but the other agent, which the caller may not answer."""
    timer = CallTimer(LIMITS, time.monotonic())
    timer.caller_joined(time.monotonic())
    observer = observed(timer, Told())
    session: AgentSession[None] = AgentSession()
    observer.watch(session, LocalVoice(session, "en"))
    call = llm.FunctionCall(call_id="1", name="ask", arguments="{}")
    session.emit("tool_execution_updated", ToolExecutionUpdatedEvent(update=ToolCallStarted(function_call=call)))
    assert timer.next_at > time.monotonic() + LIMITS.caller_silence_s
    session.emit("conversation_item_added", ConversationItemAddedEvent(item=llm.AgentHandoff(new_agent_id="other")))
    assert timer.next_at <= time.monotonic() + LIMITS.still_there_s


@pytest.mark.parametrize("tells", [True, False])
async def test_a_tools_arguments_and_result_are_told_in_short_unless_that_is_switched_off(*, tells: bool) -> None:
    told = Told(tells_tool_details=tells)
    observer = observed(CallTimer(LIMITS, time.monotonic()), told)
    session: AgentSession[None] = AgentSession()
    observer.watch(session, LocalVoice(session, "en"))
    call = llm.FunctionCall(call_id="1", name="book", arguments='{"day": "Monday"}')
    session.emit("tool_execution_updated", ToolExecutionUpdatedEvent(update=ToolCallStarted(function_call=call)))
    ended = ToolCallEnded(id="1", call_id="1", message="x" * 1000, status="done")
    session.emit("tool_execution_updated", ToolExecutionUpdatedEvent(update=ended))
    start, end = told.events
    assert (start.get("arguments"), end.get("result")) == (
        ('{"day": "Monday"}', "x" * (LONGEST_DETAIL - 1) + "\N{HORIZONTAL ELLIPSIS}") if tells else (None, None)
    )


@pytest.mark.parametrize("types", [False, True])
async def test_a_turn_has_the_response_latency_of_speech_and_none_of_a_typed_line(*, types: bool) -> None:
    """Told to the room and counted. Gemini's transcript comes later than the caller's speech ends."""
    told, record = Told(), CallRecord("room", "persona")
    timer = CallTimer(LIMITS, time.monotonic())
    observer = Observer(timer, record, told, KeptEnding(timer))
    session: AgentSession[None] = AgentSession()
    observer.watch(session, LocalVoice(session, "en"))
    observer.caller_loud(is_loud=True, ago_s=3.0)
    observer.caller_loud(is_loud=False, ago_s=2.0)
    session.emit("user_input_transcribed", UserInputTranscribedEvent(transcript="Hello?", is_final=False, item_id="1"))
    if types:
        observer.caller_typed()
    session.emit("agent_state_changed", AgentStateChangedEvent(old_state="listening", new_state="speaking"))
    session.emit("agent_state_changed", AgentStateChangedEvent(old_state="speaking", new_state="listening"))
    [turn] = told.events
    if types:
        assert (turn["response_latency_s"], record.responses_s) == (None, [])
    else:
        [latency_s] = record.responses_s
        assert 2.0 <= latency_s < 10.0
        assert turn["response_latency_s"] == round(latency_s, 3)
    assert turn["heard_to_sound_s"] is not None


@pytest.mark.parametrize(("silent", "ending"), [(False, Ending.NO_ANSWER), (True, Ending.SILENCE)])
async def test_a_model_that_may_stay_silent_has_not_failed_when_it_does(*, silent: bool, ending: Ending) -> None:
    """Nobody has said anything since: the call ends with a goodbye that the model is asked for."""
    timer = CallTimer(LIMITS, time.monotonic())
    timer.caller_joined(time.monotonic())
    observer = observed(timer, Told())
    session: AgentSession[None] = AgentSession()
    observer.watch(session, LocalVoice(session, "en"), TurnRules(may_stay_silent=silent))
    session.emit("user_input_transcribed", UserInputTranscribedEvent(transcript="My keys?", is_final=False, item_id="1"))
    assert timer.ending(time.monotonic() + LIMITS.caller_silence_s) is ending


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


MODEL_EVENTS: list[tuple[ModelEvent, dict[str, object]]] = [
    (
        Sources((Source("https://a.example/", "A"),), (), ("a query",), "<div>"),
        {
            "type": "sources",
            "sources": [{"url": "https://a.example/", "title": "A"}],
            "supports": [],
            "queries": ["a query"],
            "search_entry_point": "<div>",
        },
    ),
    (Code("PYTHON", "print(1)"), {"type": "code", "language": "PYTHON", "code": "print(1)"}),
    (CodeResult("OUTCOME_OK", "1"), {"type": "code_result", "outcome": "OUTCOME_OK", "output": "1"}),
    (Thought("I will greet."), {"type": "thought", "text": "I will greet."}),
    (TurnCompleteReason("RESPONSE_REJECTED"), {"type": "turn_complete_reason", "reason": "RESPONSE_REJECTED"}),
    (
        ContextTokens(None, 689, 626, 63, 40),
        {
            "type": "context",
            "before_tokens": None,
            "after_tokens": 689,
            "prompt_tokens": 626,
            "response_tokens": 63,
            "thoughts_tokens": 40,
        },
    ),
]


@pytest.mark.parametrize(("event", "shown"), MODEL_EVENTS, ids=lambda each: type(each).__name__)
async def test_what_the_model_tells_beside_its_words_is_told_to_the_room(
    event: ModelEvent, shown: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    """The log has nothing of it but the reason for which a turn ended."""
    told = Told()
    with caplog.at_level(logging.DEBUG):
        observed(CallTimer(LIMITS, 0.0), told).model_event(event)
    assert told.events == [shown]
    reasons = ["Gemini has ended a turn for a reason: RESPONSE_REJECTED"] if isinstance(event, TurnCompleteReason) else []
    assert [record.getMessage() for record in caplog.records] == reasons
