"""The spans of a call, by the events that its room is told."""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import count

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracer, StatusCode

from agent.call.call_trace import CallTrace, TracedCall
from agent.call.endings import Ending
from agent.gemini import TokenUsage

CALL = TracedCall("RM_1", "AJ_1", "assistant", "gemini-3.8-live", "vertex")
SECOND = 1_000_000_000
SPOKE = {"spoke_s": 2.0, "interrupted": False}


@pytest.fixture(autouse=True)
def unattached() -> Iterator[None]:
    """The call's span is attached to the context of its task, which here is the test's."""
    token = context.attach(context.get_current())
    yield
    context.detach(token)


class Traced:
    """A call whose clock goes on by a second each time that it is read."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        seconds = count(100)
        self.trace = CallTrace(provider.get_tracer("test"), CALL, lambda: next(seconds) * SECOND)

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._exporter.get_finished_spans()}


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def ids(span: ReadableSpan) -> tuple[int, int]:
    assert span.context is not None
    return span.context.trace_id, span.context.span_id


def duration_s(span: ReadableSpan) -> float:
    assert span.end_time is not None
    assert span.start_time is not None
    return (span.end_time - span.start_time) / SECOND


def test_the_call_is_the_parent_of_its_turns_tools_and_connections_and_of_what_livekit_starts() -> None:
    traced = Traced()
    with trace.get_tracer("livekit-agents", tracer_provider=TracerProvider(shutdown_on_exit=False)).start_as_current_span(
        "x"
    ) as own:
        assert f"{own.get_span_context().trace_id:032x}" == traced.trace.trace_id
    traced.trace.on_event(0.1, "link", {"kind": "connected", "cause": "start", "attempts": 1})
    traced.trace.on_event(1.0, "tool_started", {"name": "book", "id": "1", "arguments": "private"})
    traced.trace.on_event(2.0, "tool_ended", {"name": "book", "id": "1", "status": "error", "took_s": 1, "result": "private"})
    usage = {
        "turn": asdict(TokenUsage({"audio": 100}, {"audio": 40}, thoughts_tokens=7, tool_use_tokens=5)),
        "total": asdict(TokenUsage({"audio": 150}, {"audio": 60}, thoughts_tokens=9, tool_use_tokens=6, cached_tokens=20)),
    }
    traced.trace.on_event(3.0, "usage", {**usage, "turn_usd": 0.1, "total_usd": 0.2})
    traced.trace.on_event(3.0, "turn", {"response_latency_s": 0.5, "heard_to_sound_s": 0.1, **SPOKE})
    traced.trace.ended(Ending.CALLER_LEFT)
    spans = traced.spans()
    assert set(spans) == {"invoke_agent assistant", "chat gemini-3.8-live", "execute_tool book", "gemini connection"}
    call, turn, tool = spans["invoke_agent assistant"], spans["chat gemini-3.8-live"], spans["execute_tool book"]
    assert {span.parent.span_id for span in spans.values() if span.parent} == {call.context.span_id if call.context else 0}
    assert attributes(call) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "assistant",
        "gen_ai.conversation.id": "RM_1",
        "earshot.job": "AJ_1",
        "gen_ai.provider.name": "gcp.vertex_ai",
        "gen_ai.request.model": "gemini-3.8-live",
        "gen_ai.output.type": "speech",
        "gen_ai.usage.input_tokens": 156,
        "gen_ai.usage.output_tokens": 69,
        "gen_ai.usage.reasoning.output_tokens": 9,
        "gen_ai.usage.cache_read.input_tokens": 20,
        "earshot.cost_usd": 0.2,
        "earshot.ending": "caller_left",
    }
    assert call.status.status_code is StatusCode.UNSET
    assert duration_s(turn) == 2.5, "from the end of the caller's speech"
    assert attributes(turn).items() >= {"gen_ai.usage.input_tokens": 105, "earshot.response_latency_s": 0.5}.items()
    used = {name: value for name, value in attributes(turn).items() if name.endswith("output_tokens")}
    assert used == {"gen_ai.usage.output_tokens": 47, "gen_ai.usage.reasoning.output_tokens": 7}, "thinking is output, too"
    assert (tool.status.status_code, attributes(tool)["gen_ai.tool.call.id"]) == (StatusCode.ERROR, "1")
    assert "private" not in str([span.to_json() for span in spans.values()])


def test_the_answer_to_a_typed_line_has_no_response_latency() -> None:
    traced = Traced()
    traced.trace.on_event(3.0, "turn", {"response_latency_s": None, "heard_to_sound_s": 0.5, **SPOKE})
    [turn] = traced.spans().values()
    assert "earshot.response_latency_s" not in attributes(turn)
    assert duration_s(turn) == 2.5, "from the typed line"


def test_each_connection_has_a_span_and_a_lost_one_has_failed() -> None:
    traced = Traced()
    for kind, cause in (("connected", "start"), ("nudged", "unanswered"), ("lost", "closed"), ("retrying", "refused")):
        traced.trace.on_event(0.0, "link", {"kind": kind, "cause": cause})
    [lost] = traced.spans().values()
    assert (lost.status.status_code, attributes(lost)["error.type"]) == (StatusCode.ERROR, "closed")
    assert [event.name for event in lost.events] == ["link nudged", "link lost"]
    traced.trace.on_event(0.0, "link", {"kind": "restored", "cause": "closed", "gap_ms": 480})
    traced.trace.ended(Ending.MODEL_FAILED)
    restored, call = traced.spans()["gemini connection"], traced.spans()["invoke_agent assistant"]
    assert attributes(restored)["earshot.link.gap_ms"] == 480
    assert [event.name for event in call.events] == ["link retrying"], "between two connections"
    assert (call.status.status_code, attributes(call)["error.type"]) == (StatusCode.ERROR, "model_failed")


def test_the_span_of_a_call_that_goes_on_in_another_process_leads_to_the_one_before() -> None:
    before, after = Traced(), Traced()
    after.trace.go_on(before.trace.traceparent)
    before.trace.ended(Ending.TAKEN_OVER)
    after.trace.on_event(3.0, "turn", {"response_latency_s": 0.5, "heard_to_sound_s": 0.1, **SPOKE})
    after.trace.ended(Ending.CALLER_LEFT)
    first, second = before.spans()["invoke_agent assistant"], after.spans()["invoke_agent assistant"]
    assert [(link.context.trace_id, link.context.span_id) for link in second.links] == [ids(first)]
    conversations = {attributes(span)["gen_ai.conversation.id"] for span in (first, *after.spans().values())}
    assert conversations == {"RM_1"}


@pytest.mark.parametrize("traceparent", ["", "nonsense", "00-00000000000000000000000000000000-0000000000000000-01"])
def test_a_call_whose_process_before_had_no_spans_has_no_link(traceparent: str) -> None:
    traced = Traced()
    traced.trace.go_on(traceparent)
    traced.trace.ended(Ending.CALLER_LEFT)
    assert not traced.spans()["invoke_agent assistant"].links


def test_a_tool_that_still_runs_ends_with_its_call() -> None:
    traced = Traced()
    traced.trace.on_event(0.0, "tool_started", {"name": "my number is 0151 2345", "id": "1"})
    traced.trace.ended(Ending.CALLER_LEFT)
    assert "execute_tool other" in traced.spans(), "words of a caller are no name of a tool"


def test_without_a_collector_there_is_no_trace() -> None:
    traced = CallTrace(NoOpTracer(), CALL)
    traced.on_event(0.0, "turn", {"response_latency_s": None, "heard_to_sound_s": None, **SPOKE})
    traced.ended(Ending.CALLER_LEFT)
    assert (traced.trace_id, traced.traceparent) == ("", "")
