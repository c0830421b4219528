"""A call's metrics, spans and log fields begin and end together."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from livekit import rtc
from livekit.agents import JobContext
from opentelemetry import context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agent.call.endings import Ending
from agent.call.telemetry import CallTelemetry, TracedCall, label_log_lines
from agent.call_metrics import CallMetric, Measurement
from agent.call_reports import CallReports
from agent.room.room_events import RoomEvents
from agent.tracing import Tracing

CALL = TracedCall("RM_1", "AJ_1", "assistant", "gemini-3.8-live", "gemini")


async def test_a_call_is_measured_and_traced_and_its_log_lines_lead_to_both() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing, reports = Tracing(), CallReports()
    received: list[Measurement] = []
    tracing.tracer = provider.get_tracer("test")
    job: Any = SimpleNamespace(
        proc=SimpleNamespace(userdata={"reports": reports.sender, "tracing": tracing}),
        log_context_fields={},
    )
    before = context.get_current()
    label_log_lines(job, call="RM_1", room="room-1", job="AJ_1")
    events = RoomEvents(rtc.Room())
    telemetry = CallTelemetry(cast(JobContext, job), events, CALL)
    events.tell("link", kind="connected", cause="start")
    events.tell("recording", state="stopped")
    telemetry.ended(Ending.HUNG_UP, 12.5, is_recorded=False)
    context.attach(before)
    async with reports.received(lambda _: None, received.append):
        while len(received) < 5:
            await asyncio.sleep(0)
    assert [measurement.metric for measurement in received] == [
        CallMetric.STARTED,
        CallMetric.LINK,
        CallMetric.RECORDING,
        CallMetric.ENDED,
        CallMetric.DURATION,
    ]
    [connection, call] = exporter.get_finished_spans()
    assert call.context is not None
    assert (connection.name, call.name) == ("gemini connection", "invoke_agent assistant")
    ids = {"call": "RM_1", "room": "room-1", "job": "AJ_1"}
    assert job.log_context_fields == ids | {"trace": f"{call.context.trace_id:032x}"}


def test_a_line_of_the_log_has_no_empty_field_and_the_id_of_a_call_that_goes_on() -> None:
    job: Any = SimpleNamespace(log_context_fields={})
    label_log_lines(job, call="RM_2", room="room-1", trace="")
    label_log_lines(job, call="RM_1")
    assert job.log_context_fields == {"call": "RM_1", "room": "room-1"}
