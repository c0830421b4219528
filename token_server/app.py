"""The door over HTTP: POST /token (and /api/token, which LiveKit's playground asks for), GET /healthz."""

import datetime
import logging

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from token_server.answers import NOT_KEPT, say_all_in_json
from token_server.choices import languages, personas
from token_server.errors import RefusedError
from token_server.grants import Door, issue, read_request
from token_server.page import Page
from token_server.settings import Settings

LARGEST_BODY_BYTES = 16 * 1024

logger = logging.getLogger("token_server")


def build(settings: Settings) -> Starlette:
    """The application. It keeps no state: asking for a token has no side effect."""
    door = Door(
        api_key=settings.key,
        api_secret=settings.secret,
        agent_name=settings.agent_name,
        life_s=settings.token_life_s,
        sources=settings.token_sources,
    )
    page = Page(settings.web_dir, settings.livekit_url, settings.token_sources)
    offered = _offered(settings)

    async def give_token(request: Request) -> Response:
        wanted, camel_case = read_request(await _body(request))
        issued = issue(wanted, door, datetime.datetime.now(datetime.UTC))
        logger.info("token for %r in room %r to %s", issued.identity, issued.room, _address(request))
        names = ("serverUrl", "participantToken") if camel_case else ("server_url", "participant_token")
        return JSONResponse(
            dict(zip(names, (settings.livekit_url, issued.token), strict=True)), status_code=201, headers=NOT_KEPT
        )

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def config(_: Request) -> Response:
        return JSONResponse(offered, headers=NOT_KEPT)

    app = Starlette(
        routes=[
            Route("/token", give_token, methods=["POST"]),
            Route("/api/token", give_token, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/config", config),
            *(Route(path, page.answer) for path in page.paths),
        ]
    )
    say_all_in_json(app)
    return app


def _offered(settings: Settings) -> dict[str, object]:
    known = personas(settings.personas_dir)
    default = settings.persona if any(persona["name"] == settings.persona for persona in known) else ""
    return {
        "auth": "open",
        "personas": known,
        "default_persona": default,
        "languages": languages(settings.token_languages),
        "sources": settings.token_sources,
    }


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY_BYTES:
            raise RefusedError(413, "too_large", f"The request's body is larger than {LARGEST_BODY_BYTES} bytes.")
    return bytes(body)


def _address(request: Request) -> str:
    return request.client.host if request.client else "?"
