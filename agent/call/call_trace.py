"""The spans of one call, by the events that its room is told: the call, its turns, its tools, its connections to Gemini.

Names and attributes are those of OpenTelemetry's conventions for generative AI where these have some (docs/facts.md L382).
No span has words, arguments, results, the identity of a caller or the name of a room.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry import context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from agent.call.endings import FAULTS, Ending
from agent.call_metrics import label_value

_NS = 1_000_000_000
_CONNECTED = frozenset({"connected", "restored", "handed_over"})
_PROPAGATOR = TraceContextTextMapPropagator()
_GONE = frozenset({"lost", "failed"})


@dataclass(frozen=True)
class TracedCall:
    """What the spans of a call say of it."""

    room_id: str
    """LiveKit's id of the call's room (`sid`), the same in each process that has the call."""
    job: str
    persona: str
    model: str
    service: str
    """The service that the call is connected to: `gemini`, `vertex`, `emulator` or `proxy`."""


class CallTrace:
    """The spans of one call. The call's own begins at once, and is the parent of all that this task starts from here on."""

    def __init__(self, tracer: Tracer, call: TracedCall, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._tracer = tracer
        self._now_ns = now_ns
        self._model = {"gen_ai.conversation.id": call.room_id} if call.room_id else {}
        provider = "gcp.vertex_ai" if call.service == "vertex" else "gcp.gemini"
        self._model |= {"gen_ai.provider.name": provider, "gen_ai.request.model": call.model, "gen_ai.output.type": "speech"}
        self._call = tracer.start_span(
            f"invoke_agent {call.persona}",
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": call.persona,
                "earshot.job": call.job,
                **self._model,
            },
            start_time=now_ns(),
        )
        self._context = set_span_in_context(self._call)
        context.attach(self._context)  # so that LiveKit's spans are within this one
        self._tools: dict[str, Span] = {}
        self._connection: Span | None = None
        self._usage: dict[str, int] = {}
        """The tokens counted since the last turn's span."""

    @property
    def trace_id(self) -> str:
        """The id of the trace, as 32 hexadecimal digits; empty if there are no spans."""
        return _trace_id(self._call)

    @property
    def traceparent(self) -> str:
        """The call's span as a `traceparent` of W3C's Trace Context; empty if there are no spans."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, self._context)
        return carrier.get("traceparent", "")

    def go_on(self, traceparent: str) -> None:
        """Another process has begun this call: link the call's span to that process's."""
        before = get_current_span(_PROPAGATOR.extract({"traceparent": traceparent}, context.Context())).get_span_context()
        if before.is_valid:
            self._call.add_link(before)

    def on_event(self, _: float, kind: str, facts: Mapping[str, Any]) -> None:
        """The room is told an event."""
        match kind:
            case "turn":
                self._turn(facts)
            case "usage":
                self._count(facts)
            case "tool_started":
                name = label_value(facts["name"])
                attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.type": "function"}
                self._tools[facts["id"]] = self._start(
                    f"execute_tool {name}", attributes | {"gen_ai.tool.call.id": facts["id"]}
                )
            case "tool_ended" if (tool := self._tools.pop(facts["id"], None)) is not None:
                if facts["status"] == "error":
                    _fail(tool, "tool_error")
                tool.set_attribute("earshot.tool.status", facts["status"])
                tool.end(self._now_ns())
            case "link":
                self._link(facts)

    def ended(self, ending: Ending) -> None:
        """The call has ended; so have all of its spans."""
        for tool in self._tools.values():
            tool.end(self._now_ns())
        self._disconnect()
        self._call.set_attribute("earshot.ending", ending.name.lower())
        if ending in FAULTS:
            _fail(self._call, ending.name.lower())
        self._call.end(self._now_ns())

    def _start(
        self, name: str, attributes: Mapping[str, Any], began_ns: int | None = None, kind: Any = SpanKind.INTERNAL
    ) -> Span:
        at = self._now_ns() if began_ns is None else began_ns
        return self._tracer.start_span(name, self._context, kind, dict(attributes), start_time=at)

    def _turn(self, facts: Mapping[str, Any]) -> None:
        """The span of a turn: from the end of the caller's speech or their words, or the agent's first sound, to its last."""
        now, latency_s = self._now_ns(), facts["response_latency_s"]
        waited_s = facts["heard_to_sound_s"] if latency_s is None else latency_s
        attributes = {
            "gen_ai.operation.name": "chat",
            "earshot.interrupted": facts["interrupted"],
            **self._model,
            **self._usage,
        }
        if latency_s is not None:
            attributes["earshot.response_latency_s"] = latency_s
        began_ns = now - int((facts["spoke_s"] + (waited_s or 0)) * _NS)
        turn = self._start(f"chat {self._model['gen_ai.request.model']}", attributes, began_ns, SpanKind.CLIENT)
        turn.end(now)
        self._usage = {}

    def _count(self, facts: Mapping[str, Any]) -> None:
        for name, tokens in _usage(facts["turn"]).items():
            self._usage[name] = self._usage.get(name, 0) + tokens
        self._call.set_attributes(_usage(facts["total"]))
        if facts["total_usd"] is not None:
            self._call.set_attribute("earshot.cost_usd", facts["total_usd"])

    def _link(self, facts: Mapping[str, Any]) -> None:
        told = {f"earshot.link.{name}": value for name, value in facts.items() if name != "reason" and value is not None}
        if facts["kind"] in _CONNECTED:
            self._disconnect()
            self._connection = self._start("gemini connection", told | self._model, kind=SpanKind.CLIENT)
            return
        span = self._call if self._connection is None else self._connection
        span.add_event(f"link {facts['kind']}", told, self._now_ns())
        if facts["kind"] in _GONE:
            if self._connection is not None:
                _fail(self._connection, facts["cause"])
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.end(self._now_ns())
            self._connection = None


def current_trace_id() -> str:
    """The id of the trace that this task is in, as 32 hexadecimal digits; empty if there are no spans."""
    return _trace_id(get_current_span())


def _usage(tokens: Mapping[str, Any]) -> dict[str, int]:
    """The attributes of what the service has counted. The conventions want thinking, and what Google's own tools have returned,
    in the sums, where the service leaves them out (docs/facts.md G72, L501).
    """
    thoughts, cached = tokens["thoughts_tokens"], tokens["cached_tokens"]
    sums = {
        "gen_ai.usage.input_tokens": sum(tokens["input_tokens"].values()) + tokens["tool_use_tokens"],
        "gen_ai.usage.output_tokens": sum(tokens["output_tokens"].values()) + thoughts,
    }
    parts = {"gen_ai.usage.reasoning.output_tokens": thoughts, "gen_ai.usage.cache_read.input_tokens": cached}
    return sums | {name: count for name, count in parts.items() if count}


def _trace_id(span: Span) -> str:
    known = span.get_span_context()
    return f"{known.trace_id:032x}" if known.is_valid else ""


def _fail(span: Span, error: str) -> None:
    span.set_attribute("error.type", error)
    span.set_status(Status(StatusCode.ERROR))
