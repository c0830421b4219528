"""What the door says when it gives nothing: JSON with a code for programs and a sentence for people, on every path."""

import logging
import time

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from token_server.addresses import plain
from token_server.errors import RefusedError

NOT_KEPT = {"Cache-Control": "no-store"}
ALWAYS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
"""Headers of every answer. A page of an allowed origin (TOKEN_ORIGINS) asks with CORS, which Cross-Origin-Resource-Policy
doesn't concern (Fetch standard, "cross-origin resource policy check": requests of mode no-cors)."""
HSTS = {"Strict-Transport-Security": "max-age=31536000"}
"""Of every answer to a request that came by https, which a trusted proxy says (TOKEN_TRUSTED_PROXIES, X-Forwarded-Proto)."""
_BY_STATUS = {
    404: ("not_found", "There is nothing here. The page is at /, tokens are given at POST /token."),
    405: ("method_not_allowed", "Tokens are asked for with POST, everything else with GET."),
}
_MOST_LINES = 10

logger = logging.getLogger("token_server")


class RefusalLog:
    """One line per refusal, and at most `_MOST_LINES` in a second: who is refused must not be able to fill the disk."""

    def __init__(self) -> None:
        self._second = 0
        self._lines = 0

    def note(self, refused: RefusedError, address: str, now: float) -> None:
        """Write it down, or count it. `now` is in seconds."""
        if int(now) != self._second:
            if self._lines > _MOST_LINES:
                logger.info("and %d more refusals in that second", self._lines - _MOST_LINES)
            self._second, self._lines = int(now), 0
        self._lines += 1
        if self._lines <= _MOST_LINES:
            logger.info("refused %r: %d %s", address, refused.status, refused.code)


_log = RefusalLog()


async def refuse(request: Request, error: Exception) -> Response:
    """The answer to a request that is refused."""
    assert isinstance(error, RefusedError)
    _log.note(error, address(request), time.monotonic())
    content = {"code": error.code, "message": error.sentence}
    return JSONResponse(content, status_code=error.status, headers=NOT_KEPT | error.headers)


def address(request: Request) -> str:
    """The address that a request comes from, behind the proxies that are trusted. It is fit for a log."""
    return plain(request.client.host) if request.client else "?"


class SafeHeaders:
    """ASGI middleware that adds `ALWAYS`, and `HSTS` behind https, to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(safe_headers(scope))
            await send(message)

        await self._app(scope, receive, send_with_headers)


def safe_headers(scope: Scope) -> dict[str, str]:
    """The headers that the answer to this request has in any case."""
    return ALWAYS | HSTS if scope.get("scheme") == "https" else ALWAYS


def say_all_in_json(app: Starlette) -> None:
    """Give the application an answer for every exception, and every answer its `SafeHeaders`. What nobody expected is a 500
    here, and a traceback in the log.
    """
    app.add_middleware(SafeHeaders)
    app.add_exception_handler(RefusedError, refuse)
    app.add_exception_handler(HTTPException, _by_status)
    app.add_exception_handler(Exception, _unexpected)


async def _by_status(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, sentence = _BY_STATUS.get(error.status_code, ("bad_request", "This request can't be answered."))
    content = {"code": code, "message": sentence}
    return JSONResponse(content, status_code=error.status_code, headers=NOT_KEPT | dict(error.headers or {}))


async def _unexpected(request: Request, _: Exception) -> Response:
    content = {"code": "internal", "message": "The token server made a mistake; its log has more."}
    # Starlette sends this one outside of all middleware
    return JSONResponse(content, status_code=500, headers=NOT_KEPT | safe_headers(request.scope))
