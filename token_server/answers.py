"""What the door says when it gives nothing: JSON with a code for programs and a sentence for people, on every path."""

import logging
import time

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from token_server.addresses import plain
from token_server.errors import RefusedError

NOT_KEPT = {"Cache-Control": "no-store"}
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


def say_all_in_json(app: Starlette) -> None:
    """Give the application an answer for every exception. What nobody expected is a 500 here, and a traceback in the log."""
    app.add_exception_handler(RefusedError, refuse)
    app.add_exception_handler(HTTPException, _by_status)
    app.add_exception_handler(Exception, _unexpected)


async def _by_status(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, sentence = _BY_STATUS.get(error.status_code, ("bad_request", "This request can't be answered."))
    content = {"code": code, "message": sentence}
    return JSONResponse(content, status_code=error.status_code, headers=NOT_KEPT | dict(error.headers or {}))


async def _unexpected(_: Request, __: Exception) -> Response:
    content = {"code": "internal", "message": "The token server made a mistake; its log has more."}
    return JSONResponse(content, status_code=500, headers=NOT_KEPT)
