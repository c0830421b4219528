"""A call in lines for people, and its figures at the end."""

from caller import AgentAttributes, AgentSound, AgentTrack, CallEnding, Event, Joined, Left, RoomEvent, SpeechStart, Timing
from caller.call_lines import CallLines, summary_of

USAGE = {"input_tokens": {"audio": 100}, "output_tokens": {"audio": 40}, "thoughts_tokens": 7, "cached_tokens": 50}


def lines(*events: Event) -> list[str | None]:
    shown = CallLines()
    return [shown.line(event) for event in events]


def test_an_answer_with_a_tool_says_so() -> None:
    told = lines(
        SpeechStart(1, "What time is it?"),
        RoomEvent(2, {"type": "tool_started", "name": "local_time", "id": "1"}),
        Timing(3, "response_latency", 2.003, 1.951),
        SpeechStart(4, "Thank you."),
        Timing(5, "response_latency", 1.35),
    )
    assert told[1:3] == ["tool local_time runs", "response latency: 2003 ms, 1951 ms at arrival (with the tool local_time)"]
    assert told[-1] == "response latency: 1350 ms"


def test_the_end_is_told_by_its_code_and_the_sentence_comes_once_with_the_error() -> None:
    told = lines(
        RoomEvent(1, {"type": "link", "kind": "failed", "cause": "key", "code": 1007}),
        RoomEvent(2, {"type": "call_ended", "reason": "model_refused", "failure": "key"}),
        Left(3, "ROOM_DELETED"),
    )
    assert told[0] == "the connection to Gemini has failed for good (key)"
    assert told[1] == "the agent ends the call (model_refused: key)"
    assert told[2] == "the call is over: the room was closed (ROOM_DELETED)"


def test_a_persona_that_the_worker_cannot_use_is_told_with_the_one_that_answers() -> None:
    replaced = {"type": "persona_replaced", "asked": "stadtfurer", "instead": "assistant", "did_you_mean": "stadtfuehrer"}
    assert lines(RoomEvent(1, replaced)) == [
        "the worker can't use a persona 'stadtfurer', and 'assistant' answers instead; did you mean 'stadtfuehrer'?"
    ]


def test_an_agent_that_was_lost_is_told_with_the_time() -> None:
    assert lines(RoomEvent(1, {"type": "resumed", "away_s": 1.42})) == [
        "the agent was lost, and another process goes on with the call after 1.4 s"
    ]


def test_what_tools_show_is_told_when_it_changes() -> None:
    on = {"lk.agent.state": "speaking", "earshot.agent": "earshot", "lights": "on"}
    told = lines(AgentAttributes(1, on), AgentAttributes(2, on | {"lk.agent.state": "listening"}), AgentAttributes(3, {}))
    assert told == ["the agent shows: lights on", None, None]


def test_the_summary_has_the_figures_and_the_end() -> None:
    log: list[Event] = [
        Joined(10.0, "room", "me"),
        AgentTrack(10.5, "agent"),
        AgentSound(11.0),
        Timing(11.0, "greeting_latency", 1.0),
        RoomEvent(12.0, {"type": "tool_started", "name": "local_time", "id": "1"}),
        Timing(13.0, "response_latency", 1.2, 1.15),
        Timing(15.0, "barge_in", 0.2),
        Timing(16.0, "response_latency", 1.4),
        Timing(16.5, "typed_answer", 0.8),
        RoomEvent(17.0, {"type": "usage", "total": USAGE, "total_usd": 0.01234}),
    ]
    summary = summary_of(log)
    assert summary.words() == (
        "response latency 1300 ms (1150 ms at arrival), greeting latency 1000 ms, typed line -> answer 800 ms, "
        "barge-in -> silence 200 ms, 147 tokens, about $0.0123"
    )
    assert summary.as_json(CallEnding("hung_up", "", "ROOM_DELETED"), None) == {
        "t": 7.0,
        "type": "summary",
        "response_latencies_s": [1.2, 1.4],
        "response_latency_s": 1.3,
        "response_latencies_at_arrival_s": [1.15],
        "response_latency_at_arrival_s": 1.15,
        "greeting_latency_s": 1.0,
        "typed_answers_s": [0.8],
        "barge_ins_s": [0.2],
        "tools": ["local_time"],
        "tokens": 147,
        "usd": 0.01234,
        "ended": "hung_up",
        "failure": None,
        "disconnect": "ROOM_DELETED",
        "error": None,
    }


def test_without_a_question_the_summary_says_that_the_agent_was_heard() -> None:
    assert summary_of([]).words() == "the agent was heard"
