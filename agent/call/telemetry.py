"""What an operator sees of one call: its metrics, its spans, and the fields of each of its lines in the log."""

from livekit.agents import JobContext

from agent.call.call_measures import CallMeasures
from agent.call.call_trace import CallTrace, TracedCall
from agent.call.endings import Ending
from agent.call_reports import ReportSender
from agent.room.room_events import RoomEvents
from agent.tracing import Tracing

__all__ = ["CallTelemetry", "TracedCall", "label_log_lines"]


class CallTelemetry:
    """The metrics and spans of one call."""

    def __init__(self, ctx: JobContext, events: RoomEvents, call: TracedCall) -> None:
        """The call begins, in this task.

        Args:
            ctx: the context of the call's job.
            events: the events for the call's room, by which it is measured.
            call: what the spans say of the call.
        """
        reports: ReportSender = ctx.proc.userdata["reports"]
        tracing: Tracing = ctx.proc.userdata["tracing"]
        self._measures = CallMeasures(call.model, reports.measured)
        self._trace = CallTrace(tracing.tracer, call)
        for listener in (self._measures.on_event, self._trace.on_event):
            events.add_listener(listener)
        self._measures.begun()
        label_log_lines(ctx, trace=self._trace.trace_id)

    @property
    def traceparent(self) -> str:
        """The span of the call as a `traceparent`; empty if there are no spans."""
        return self._trace.traceparent

    def go_on(self, traceparent: str) -> None:
        """Another process has begun the call; this is its span of the call."""
        self._trace.go_on(traceparent)

    def ended(self, ending: Ending, lasted_s: float, *, is_recorded: bool) -> None:
        """The call has ended, so many seconds after its beginning. Is all of it recorded?"""
        self._measures.ended(ending, lasted_s, is_recorded=is_recorded)
        self._trace.ended(ending)


def label_log_lines(ctx: JobContext, **fields: str) -> None:
    """Give these fields to each line of the log that comes from the call's process from here on; empty ones to none."""
    ctx.log_context_fields = ctx.log_context_fields | {name: value for name, value in fields.items() if value}
