"""GET /metrics: what became of each request for a token, and of the operator's, as Prometheus reads it (docs/observe.md)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from token_server.auth import KeyAuthenticator
from token_server.error_responses import NO_STORE
from token_server.errors import RefusedError
from token_server.operator_metrics import OperatorMetrics

_DURATION_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_ISSUED = "issued"
_INTERNAL = "internal"
"""The result of a request at which the token server made a mistake: its code in the response."""
NO_CALL_CAN_BEGIN = ("no_worker", "workers_full", "day_cost_cap", "livekit_unavailable", "livekit_refuses", _INTERNAL)
"""The results that say so, for which there is an alert."""


class TokenMetrics:
    """Counts the requests for tokens, and those of the operator. No label is of a caller, a room or a key."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each counter and histogram, of which nobody asks
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "earshot_token_requests_total",
            "Requests for a token that were answered: issued, or the code of the refusal.",
            ["result"],
            registry=self._registry,
        )
        self._duration = Histogram(
            "earshot_token_request_duration_seconds",
            "Time from a request for a token to its answer.",
            buckets=_DURATION_S,
            registry=self._registry,
        )
        for result in (_ISSUED, *NO_CALL_CAN_BEGIN):
            self._requests.labels(result)  # from the start (docs/facts.md L500)
        self.operator = OperatorMetrics(self._registry)
        ProcessCollector(registry=self._registry)

    @contextmanager
    def request(self) -> Iterator[None]:
        """A request for a token, as long as the block lasts."""
        began_at, result = time.monotonic(), _INTERNAL
        try:
            yield
            result = _ISSUED
        except RefusedError as error:
            result = error.code
            raise
        finally:
            self._requests.labels(result).inc()
            self._duration.observe(time.monotonic() - began_at)

    def exposition(self) -> bytes:
        """The metrics in Prometheus's text format."""
        return generate_latest(self._registry)

    def routes(self, key: SecretStr | None) -> list[Route]:
        """The route /metrics for whoever has the key; none without a key."""
        if key is None:
            return []
        authenticator = KeyAuthenticator([key.get_secret_value()])

        async def metrics(request: Request) -> Response:
            await authenticator.authenticate(request.headers)
            return Response(self.exposition(), headers=NO_STORE | {"Content-Type": CONTENT_TYPE_LATEST})

        return [Route("/metrics", metrics)]
