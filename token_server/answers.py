"""What the door says when it gives nothing: JSON with a code for programs and a sentence for people, on every path."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from token_server.errors import RefusedError

NOT_KEPT = {"Cache-Control": "no-store"}
_BY_STATUS = {
    404: ("not_found", "There is nothing here. The page is at /, tokens are given at POST /token."),
    405: ("method_not_allowed", "Tokens are asked for with POST, everything else with GET."),
}


def refusal(refused: RefusedError) -> Response:
    """The answer to a request that is refused."""
    return JSONResponse(
        {"code": refused.code, "message": refused.sentence}, status_code=refused.status, headers=NOT_KEPT | refused.headers
    )


def say_all_in_json(app: Starlette) -> None:
    """Give the application an answer for every exception. What nobody expected is a 500 here, and a traceback in the log."""
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(HTTPException, _by_status)
    app.add_exception_handler(Exception, _unexpected)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return refusal(error)


async def _by_status(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, sentence = _BY_STATUS.get(error.status_code, ("bad_request", "This request can't be answered."))
    return JSONResponse(
        {"code": code, "message": sentence}, status_code=error.status_code, headers=NOT_KEPT | dict(error.headers or {})
    )


async def _unexpected(_: Request, __: Exception) -> Response:
    return JSONResponse(
        {"code": "internal", "message": "The token server made a mistake; its log has more."}, status_code=500, headers=NOT_KEPT
    )
