"""Error responses on every path: a status, and JSON with a code for programs and a sentence for people."""

import logging
import time

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from token_server.addresses import printable
from token_server.errors import RefusedError

NO_STORE = {"Cache-Control": "no-store"}
SECURITY_HEADERS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
"""Headers of every answer. A page of an allowed origin (TOKEN_ORIGINS) asks with CORS, which Cross-Origin-Resource-Policy
doesn't concern (Fetch standard, "cross-origin resource policy check": requests of mode no-cors)."""
HSTS = {"Strict-Transport-Security": "max-age=31536000"}
"""The header of every answer to a request that came by https, which a trusted proxy says (TOKEN_TRUSTED_PROXIES,
X-Forwarded-Proto)."""
_BY_STATUS = {
    404: ("not_found", "There is nothing here. The page is at /, tokens are given at POST /token."),
    405: ("method_not_allowed", "Nothing here takes this method; the header Allow has those that this path takes."),
}
_MOST_LINES = 10

logger = logging.getLogger("token_server")


class RefusalLog:
    """Logs one line per refusal, and at most `_MOST_LINES` in a second: a refused client must not be able to fill the disk."""

    def __init__(self) -> None:
        self._second = 0
        self._lines = 0

    def log(self, refused: RefusedError, address: str, now: float) -> None:
        """Log a refusal, or count it if this second has its lines already. `now` is in seconds."""
        if int(now) != self._second:
            if self._lines > _MOST_LINES:
                logger.info("and %d more refusals in that second", self._lines - _MOST_LINES)
            self._second, self._lines = int(now), 0
        self._lines += 1
        if self._lines <= _MOST_LINES:
            logger.info("refused %r: %d %s", address, refused.status, refused.code)


_log = RefusalLog()


async def error_response(request: Request, error: Exception) -> Response:
    """The response to a request that is refused with a RefusedError."""
    assert isinstance(error, RefusedError)
    _log.log(error, client_address(request), time.monotonic())
    content = {"code": error.code, "message": error.sentence}
    return JSONResponse(content, status_code=error.status, headers=NO_STORE | error.headers)


def client_address(request: Request) -> str:
    """The address that a request comes from, behind the proxies that are trusted, in characters that a log may have."""
    return printable(request.client.host) if request.client else "?"


class SecurityHeaders:
    """ASGI middleware that adds `SECURITY_HEADERS`, and `HSTS` behind https, to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(security_headers(scope))
            await send(message)

        await self._app(scope, receive, send_with_headers)


def security_headers(scope: Scope) -> dict[str, str]:
    """The headers that every answer to a request of this ASGI scope has."""
    return SECURITY_HEADERS | HSTS if scope.get("scheme") == "https" else SECURITY_HEADERS


def install_error_handlers(app: Starlette) -> None:
    """Give the application a response for every exception, and every response its `SecurityHeaders`. An unexpected exception
    is a 500, with a traceback in the log.
    """
    app.add_middleware(SecurityHeaders)
    app.add_exception_handler(RefusedError, error_response)
    app.add_exception_handler(HTTPException, _by_status)
    app.add_exception_handler(Exception, _unexpected)


async def _by_status(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, sentence = _BY_STATUS.get(error.status_code, ("bad_request", "This request can't be answered."))
    content = {"code": code, "message": sentence}
    return JSONResponse(content, status_code=error.status_code, headers=NO_STORE | dict(error.headers or {}))


async def _unexpected(request: Request, _: Exception) -> Response:
    content = {"code": "internal", "message": "The token server made a mistake; its log has more."}
    # Starlette sends this one outside of all middleware
    return JSONResponse(content, status_code=500, headers=NO_STORE | security_headers(request.scope))
