"""Counts the requests to the routes for the operator's key, by route and by what became of each (docs/observe.md)."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Message, Receive, Scope, Send

NAME: Final = "earshot_operator_requests_total"
TEXT: Final = "Requests for the operator's key, by route and by result: done, unauthorized, refused or failed."
OPERATOR_LABELS: Final = ("route", "result")
OPERATOR_RESULTS: Final = ("done", "unauthorized", "refused", "failed")
_UNAUTHORIZED, _MISTAKES, _FAILURES = 401, 400, 500


class OperatorMetrics:
    """Counts the operator's requests.

    Args:
        registry: Where they are exposed.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(NAME, TEXT, OPERATOR_LABELS, registry=registry)

    def counted(self, routes: Iterable[Route]) -> list[BaseRoute]:
        """These routes, whose requests are counted."""
        return [_CountedRoute(route, self._requests) for route in routes]


class _CountedRoute(BaseRoute):
    def __init__(self, route: Route, requests: Counter) -> None:
        self._route = route
        self._requests = requests
        for result in OPERATOR_RESULTS:
            requests.labels(route.path, result)  # from the start (docs/facts.md L500)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return self._route.matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = _FAILURES  # an exception becomes this response further outside

        async def send_counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._route.handle(scope, receive, send_counted)
        except HTTPException as error:
            status = error.status_code
            raise
        finally:
            self._requests.labels(self._route.path, _result(status)).inc()


def _result(status: int) -> str:
    if status == _UNAUTHORIZED:
        return "unauthorized"
    if status >= _FAILURES:
        return "failed"
    return "refused" if status >= _MISTAKES else "done"
