"""OpenTelemetry's spans, sent by OTLP over HTTP to OTEL_EXPORTER_OTLP_ENDPOINT: ours and LiveKit's, without private text.

With OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT they have what is said, without long numbers and what a persona lists.
"""

import asyncio
import re
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.util import Finalize
from typing import Any, Final

from livekit.agents.telemetry import set_tracer_provider
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import NoOpTracer, Status, Tracer
from opentelemetry.util.re import parse_env_headers

from agent.settings import Settings
from configuration.private_text import PrivateText

_ID: Final = re.compile(r"(?:lk(?!\.pii)|gen_ai(?!\.prompt))\.[\w.]*id")
"""Ids by LiveKit's names and by the conventions', such as that of a tool's call; LiveKit marks those of people as private."""
_DROPPED: Final = re.compile(r"lk\.[\w.]*(?:identity|room_name|phoneNumber)|lk\.pii\.rpc\..*")
"""Attributes that are always left out: identities, of which LiveKit marks all but `lk.rpc.*`, and texts that LiveKit cuts."""
_SEND_S: Final = 3.0
"""The longest time for which the end of a call waits until its spans are sent. Then they are lost."""


class Tracing:
    """The spans of one process of calls."""

    def __init__(self, settings: Settings | None = None, private: PrivateText | None = None) -> None:
        """Without settings, or without OTEL_EXPORTER_OTLP_ENDPOINT, there are no spans.

        Args:
            settings: The worker's settings.
            private: What is left out of every text of a span.
        """
        endpoint = None if settings is None else settings.otel_exporter_otlp_endpoint
        if settings is None or endpoint is None:
            self._provider: TracerProvider | None = None
            self.tracer: Tracer = NoOpTracer()
            return
        secret = settings.otel_exporter_otlp_headers
        headers = None if secret is None else parse_env_headers(secret.get_secret_value(), liberal=True)
        exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", headers=headers, timeout=_SEND_S)
        resource = Resource.create({SERVICE_NAME: settings.agent_name})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(RedactingExporter(exporter, private or PrivateText())))
        has_words = settings.otel_instrumentation_genai_capture_message_content == "on"
        set_tracer_provider(self._provider, allow_pii=has_words)  # its default sends what callers say (docs/facts.md L383)
        self.tracer = self._provider.get_tracer("earshot")
        Finalize(None, self._flush_last, exitpriority=1)  # LiveKit's span of the job ends after the call (docs/facts.md L461)

    async def flush(self) -> None:
        """Send the spans that have ended; in bounded time, and without the event loop."""
        if self._provider is not None:
            sending = asyncio.create_task(asyncio.to_thread(self._provider.force_flush))
            await asyncio.wait({sending}, timeout=_SEND_S)

    def _flush_last(self) -> None:
        if self._provider is not None:
            sending = threading.Thread(target=self._provider.force_flush, daemon=True)
            sending.start()
            sending.join(_SEND_S)


class RedactingExporter(SpanExporter):
    """Takes private text out of spans on their way to an exporter, and drops who calls. LiveKit drops attributes by name.

    Args:
        exporter: Sends the spans.
        private: What is left out.
    """

    def __init__(self, exporter: SpanExporter, private: PrivateText) -> None:
        self._exporter = exporter
        self._private = private

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send these spans."""
        return self._exporter.export([self._redacted(span) for span in spans])

    def shutdown(self) -> None:
        """Send no more."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Send what waits in the exporter."""
        return self._exporter.force_flush(timeout_millis)

    def _redacted(self, span: ReadableSpan) -> ReadableSpan:
        text, status = self._private.text, span.status
        events = [Event(text(event.name), self._attributes(event.attributes), event.timestamp) for event in span.events]
        return ReadableSpan(
            name=text(span.name),
            context=span.get_span_context(),
            parent=span.parent,
            resource=span.resource,
            attributes=self._attributes(span.attributes),
            events=events,
            links=span.links,
            kind=span.kind,
            status=Status(status.status_code, status.description and text(status.description)),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _attributes(self, attributes: Mapping[str, Any] | None) -> dict[str, Any]:
        known = {name: value for name, value in (attributes or {}).items() if not _DROPPED.fullmatch(name)}
        without: dict[str, Any] = self._private.value(known)
        return without | {name: value for name, value in known.items() if _ID.fullmatch(name)}
