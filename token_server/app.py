"""The door over HTTP.

POST /token (and /api/token, which LiveKit's playground asks for) gives tokens; the page is at /, what it offers at /config;
/healthz says that the door is alive, /readyz that LiveKit answers with its key.
"""

import asyncio
import datetime
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tickets import LEEWAY_S
from token_server.answers import NOT_KEPT, address, say_all_in_json
from token_server.choices import languages, personas
from token_server.errors import RefusedError
from token_server.grants import Door, Issued, issue
from token_server.limits import AddressLimit, Limit, rate
from token_server.origins import Gate, Origins
from token_server.page import Page
from token_server.places import Places
from token_server.settings import Settings
from token_server.sfu import Sfu, sfu
from token_server.token_request import read_request
from token_server.who import Asker, doorkeeper
from token_server.workers import Workers, workers

LARGEST_BODY_BYTES = 16 * 1024

logger = logging.getLogger("token_server")


class Reception:
    """Asks, one after the other, all that must be so before a token is given."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._doorkeeper = doorkeeper(settings)
        self._per_address = AddressLimit(rate(settings.token_per_address))
        self._per_key = Limit("key or user", rate(settings.token_per_key))
        self._door = _door(settings)
        self.sfu: Sfu | None = None
        """LiveKit, while the application runs."""
        self.workers: Workers | None = None

    async def give_token(self, request: Request) -> Response:
        """POST /token.

        Raises:
            RefusedError: no token.
        """
        self._per_address.count(address(request))
        asker = await self._doorkeeper.recognise(request.headers)
        if asker.name:
            self._per_key.count(asker.name)
        wanted, camel_case = read_request(await body(request, self._settings.token_body_s))
        issued = issue(wanted, self._door, datetime.datetime.now(datetime.UTC), asker.subject)
        is_named = self._settings.rooms == "named" and bool(wanted.room_name)
        assert self.sfu is not None
        if is_named and not self._settings.is_open:
            await self.sfu.telephone_rooms.check(issued.room)
        await self._check_workers(issued.agents)
        await self._take_place(issued, asker)
        if is_named:
            await self._see_to_agents(issued)
        self._note(request, asker, issued.identity, issued.room, issued.agents)
        names = ("serverUrl", "participantToken") if camel_case else ("server_url", "participant_token")
        content = dict(zip(names, (self._settings.livekit_url, issued.token), strict=True))
        return JSONResponse(content, status_code=201, headers=NOT_KEPT)

    async def readyz(self, _: Request) -> Response:
        """Whether tokens of this door open anything.

        Raises:
            RefusedError: they don't, at the moment.
        """
        assert self.sfu is not None
        await self.sfu.check_answers()
        return PlainTextResponse("ready\n", headers=NOT_KEPT)

    async def _check_workers(self, agents: tuple[str, ...]) -> None:
        if self.workers is not None and self._door.agent_name in agents:
            await self.workers.check_has_place()

    async def _take_place(self, issued: Issued, asker: Asker) -> None:
        if self._settings.token_most_calls or asker.subject:
            assert self.sfu is not None
            await self.sfu.take_place(issued.room, asker.subject or "", self._settings.token_life_s + LEEWAY_S)

    async def _see_to_agents(self, issued: Issued) -> None:
        """Make sure that agents come into a room that may exist: there the token's own dispatches do nothing."""
        assert self.sfu is not None
        now_s = time.monotonic()
        until_s = now_s + self._settings.token_life_s + LEEWAY_S
        await self.sfu.dispatcher.see_to(issued.room, issued.dispatches, until_s, now_s)

    def _note(self, request: Request, asker: Asker, identity: str, room: str, agents: tuple[str, ...]) -> None:
        who = f" for {asker.name}" if asker.name else ""
        line = "token for %r in room %r to %s%s (mode %s, agent %s)"
        mode, named = self._settings.token_mode, ", ".join(repr(agent) for agent in agents)
        logger.info(line, identity, room, address(request), who, mode, named)


def build(settings: Settings) -> Starlette:
    """The application.

    Raises:
        SettingsError: the key that tokens of users are checked with can't be used.
    """
    reception = Reception(settings)
    page = Page(settings.web_dir, settings.livekit_url, settings.token_sources)
    offered = _offered(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        places = Places(settings.token_most_calls, settings.token_calls_per_user)
        url = settings.api_url
        reached = sfu(url, settings.key, settings.secret, places, proxy=settings.livekit_proxy_for(url))
        async with reached as livekit, workers(settings.token_workers_url) as staff:
            reception.sfu, reception.workers = livekit, staff
            yield

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def config(_: Request) -> Response:
        return JSONResponse(offered, headers=NOT_KEPT)

    app = Starlette(
        routes=[
            Route("/token", reception.give_token, methods=["POST"]),
            Route("/api/token", reception.give_token, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", reception.readyz),
            Route("/config", config),
            *(Route(path, page.answer) for path in page.paths),
        ],
        middleware=[Middleware(Gate, _origins(settings))],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    say_all_in_json(app)
    return app


async def body(request: Request, within_s: float) -> bytes:
    """The request's body.

    Raises:
        RefusedError: it is too large, comes too slowly, or is a browser's and no JSON.
    """
    received = bytearray()
    length = 0
    try:
        async with asyncio.timeout(within_s):
            async for part in request.stream():
                length += len(part)
                if length <= LARGEST_BODY_BYTES:
                    received += part  # the rest is read and dropped: who is cut off while sending misses the answer
    except ClientDisconnect:
        raise RefusedError(400, "gone", "The connection ended before the request did.") from None
    except TimeoutError:
        if length <= LARGEST_BODY_BYTES:
            raise RefusedError(408, "too_slow", f"The request's body took longer than {within_s} s.") from None
    if length > LARGEST_BODY_BYTES:
        raise RefusedError(413, "too_large", f"The request's body is larger than {LARGEST_BODY_BYTES} bytes.")
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if received and "Origin" in request.headers and kind != "application/json":
        raise RefusedError(415, "bad_content_type", "A web page sends its request as application/json.")
    return bytes(received)


def _origins(settings: Settings) -> Origins:
    return Origins(settings.token_host, settings.token_hosts, settings.token_origins, settings.is_open)


def _door(settings: Settings) -> Door:
    return Door(
        api_key=settings.key,
        api_secret=settings.secret,
        agent_name=settings.agent_name,
        life_s=settings.token_life_s,
        sources=settings.token_sources,
        is_open=settings.is_open,
        rooms=settings.rooms,
        room_pattern=re.compile(settings.token_room_pattern),
    )


def _offered(settings: Settings) -> dict[str, object]:
    known = personas(settings.personas_dir)
    default = settings.persona if any(persona["name"] == settings.persona for persona in known) else ""
    return {
        "auth": settings.token_mode,
        "personas": known,
        "default_persona": default,
        "languages": languages(settings.token_languages),
        "sources": settings.token_sources,
    }
