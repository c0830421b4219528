"""The door over HTTP: POST /token (and /api/token, which LiveKit's playground asks for), GET /healthz."""

import datetime
import logging

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from token_server.errors import RefusedError
from token_server.grants import Door, issue, read_request
from token_server.settings import Settings

LARGEST_BODY_BYTES = 16 * 1024
_NOT_KEPT = {"Cache-Control": "no-store"}

logger = logging.getLogger("token_server")


def build(settings: Settings) -> Starlette:
    """The application. It keeps no state: asking for a token has no side effect."""
    door = Door(
        api_key=settings.key,
        api_secret=settings.secret,
        agent_name=settings.agent_name,
        life_s=settings.token_life_s,
    )

    async def give_token(request: Request) -> Response:
        try:
            wanted, camel_case = read_request(await _body(request))
        except RefusedError as refused:
            return _refusal(refused)
        issued = issue(wanted, door, datetime.datetime.now(datetime.UTC))
        logger.info("token for %r in room %r to %s", issued.identity, issued.room, _address(request))
        names = ("serverUrl", "participantToken") if camel_case else ("server_url", "participant_token")
        return JSONResponse(
            dict(zip(names, (settings.livekit_url, issued.token), strict=True)), status_code=201, headers=_NOT_KEPT
        )

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    return Starlette(
        routes=[
            Route("/token", give_token, methods=["POST"]),
            Route("/api/token", give_token, methods=["POST"]),
            Route("/healthz", healthz),
        ]
    )


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY_BYTES:
            raise RefusedError(413, "too_large", f"The request's body is larger than {LARGEST_BODY_BYTES} bytes.")
    return bytes(body)


def _refusal(refused: RefusedError) -> Response:
    content = {"code": refused.code, "message": refused.sentence}
    return JSONResponse(content, status_code=refused.status, headers=_NOT_KEPT)


def _address(request: Request) -> str:
    return request.client.host if request.client else "?"
