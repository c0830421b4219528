"""OpenTelemetry's spans, sent by OTLP over HTTP to OTEL_EXPORTER_OTLP_ENDPOINT: ours and LiveKit's, without private text."""

import asyncio
from typing import Final

from livekit.agents.telemetry import set_tracer_provider
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NoOpTracer, Tracer
from opentelemetry.util.re import parse_env_headers

from agent.settings import Settings

_SEND_S: Final = 3.0
"""The longest time for which the end of a call waits until its spans are sent. Then they are lost."""


class Tracing:
    """The spans of one process of calls."""

    def __init__(self, settings: Settings | None = None) -> None:
        """Without settings, or without OTEL_EXPORTER_OTLP_ENDPOINT, there are no spans."""
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
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        set_tracer_provider(self._provider, allow_pii=False)  # its default sends what callers say (docs/facts.md L383)
        self.tracer = self._provider.get_tracer("earshot")

    async def flush(self) -> None:
        """Send the spans that have ended; in bounded time, and without the event loop."""
        if self._provider is not None:
            sending = asyncio.create_task(asyncio.to_thread(self._provider.force_flush))
            await asyncio.wait({sending}, timeout=_SEND_S)
