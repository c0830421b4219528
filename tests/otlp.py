"""A receiver of OTLP over HTTP, in the test's own process: what a collector of OpenTelemetry's would be sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from tests.ports import free_port


class Collector:
    """The requests that it was sent."""

    def __init__(self) -> None:
        self._requests: list[ExportTraceServiceRequest] = []
        self.keys: set[str | None] = set()
        """The values of the header `x-key`."""

    async def take(self, request: web.Request) -> web.Response:
        """Answer POST /v1/traces."""
        self.keys.add(request.headers.get("x-key"))
        self._requests.append(ExportTraceServiceRequest.FromString(await request.read()))
        return web.Response(body=b"", content_type="application/x-protobuf")

    @property
    def resources(self) -> list[ResourceSpans]:
        """Who has sent spans."""
        return [each for request in self._requests for each in request.resource_spans]

    @property
    def spans(self) -> list[Span]:
        """All spans that came."""
        return [span for each in self.resources for scope in each.scope_spans for span in scope.spans]


@asynccontextmanager
async def collector() -> AsyncIterator[tuple[Collector, str]]:
    """A collector, and its base URL."""
    received, port = Collector(), free_port()
    app = web.Application()
    app.add_routes([web.post("/v1/traces", received.take)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield received, f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
