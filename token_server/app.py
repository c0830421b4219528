"""The token server's HTTP application.

POST /token (and /api/token, which LiveKit's playground asks for) gives tokens; the page is at /, what it offers at /config;
/healthz says that the process is alive, /readyz that LiveKit answers with its key; /metrics is for Prometheus.
"""

import asyncio
import dataclasses
import datetime
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tickets import LEEWAY_S
from token_server.auth import Identity, authenticator
from token_server.call_pages import FILES, CallPages
from token_server.calls_api import CallsApi
from token_server.connections import RequestDeadlines
from token_server.error_responses import NO_STORE, client_address, install_error_handlers
from token_server.grants import IssuedToken, TokenPolicy, issue
from token_server.metrics import TokenMetrics
from token_server.operator import OperatorAccess
from token_server.operator_metrics import OperatorMetrics
from token_server.origins import OriginMiddleware, Origins
from token_server.page import Page
from token_server.page_config import PersonaFolder
from token_server.rate_limits import AddressLimit, RateLimit, parse_rate
from token_server.request_body import body
from token_server.settings import WEB_DIR, TokenServerSettings
from token_server.token_request import read_request
from token_server.upstream import Upstream

logger = logging.getLogger("token_server")


class TokenEndpoint:
    """Answers POST /token: checks, one after the other, all that must be so before a token is given."""

    def __init__(self, settings: TokenServerSettings, personas: PersonaFolder, upstream: Upstream) -> None:
        self._settings = settings
        self._upstream = upstream
        self._personas = personas
        self._authenticator = authenticator(settings)
        self._per_address = AddressLimit(parse_rate(settings.token_per_address))
        self._per_key = RateLimit("key or user", parse_rate(settings.token_per_key))
        self._policy = _policy(settings)
        self.metrics = TokenMetrics()

    async def give_token(self, request: Request) -> Response:
        """The response to POST /token.

        Raises:
            RefusedError: no token.
        """
        with self.metrics.request():
            return await self._token(request)

    async def _token(self, request: Request) -> Response:
        self._per_address.count(client_address(request))
        sender = await self._authenticator.authenticate(request.headers)
        if sender.name:
            self._per_key.count(sender.name)
        wanted, camel_case = read_request(await body(request, self._settings.token_body_s))
        policy = dataclasses.replace(self._policy, sources=await asyncio.to_thread(self._personas.sources))
        issued = issue(wanted, policy, datetime.datetime.now(datetime.UTC), sender.subject)
        is_named = self._settings.rooms == "named" and bool(wanted.room_name)
        if is_named and not self._settings.is_open:
            await self._upstream.livekit.telephone_rooms.check(issued.room)
        await self._check_workers(issued.agents)
        await self._reserve_call(issued, sender)
        if is_named:
            await self._dispatch_agents(issued)
        self._log(request, sender, issued)
        names = ("serverUrl", "participantToken") if camel_case else ("server_url", "participant_token")
        content = dict(zip(names, (self._settings.livekit_url, issued.token), strict=True))
        return JSONResponse(content, status_code=201, headers=NO_STORE)

    async def readyz(self, _: Request) -> Response:
        """The response to GET /readyz: LiveKit takes this server's tokens.

        Raises:
            RefusedError: LiveKit doesn't take them at the moment.
        """
        await self._upstream.livekit.check_reachable()
        return PlainTextResponse("ready\n", headers=NO_STORE)

    async def _check_workers(self, agents: tuple[str, ...]) -> None:
        if self._upstream.workers is not None and self._policy.agent_name in agents:
            await self._upstream.workers.check_capacity()

    async def _reserve_call(self, issued: IssuedToken, sender: Identity) -> None:
        if self._settings.token_most_calls or sender.subject:
            await self._upstream.livekit.reserve_call(issued.room, sender.subject or "", self._settings.token_life_s + LEEWAY_S)

    async def _dispatch_agents(self, issued: IssuedToken) -> None:
        """Make sure that agents come into a room that may exist: the token's own dispatches do nothing in such a room."""
        now_s = time.monotonic()
        until_s = now_s + self._settings.token_life_s + LEEWAY_S
        await self._upstream.livekit.dispatcher.ensure_dispatched(issued.room, issued.dispatches, until_s, now_s)

    def _log(self, request: Request, sender: Identity, issued: IssuedToken) -> None:
        name = f" for {sender.name}" if sender.name else ""
        line = "token for %r in room %r to %s%s (mode %s, agent %s)"
        mode, agents = self._settings.token_mode, ", ".join(repr(agent) for agent in issued.agents)
        room = {"room": issued.room}
        logger.info(line, issued.identity, issued.room, client_address(request), name, mode, agents, extra=room)


def build(settings: TokenServerSettings) -> Starlette:
    """The application.

    Raises:
        SettingsError: the key that tokens of users are checked with can't be used.
    """
    personas = PersonaFolder(settings)
    upstream = Upstream(settings)
    endpoint = TokenEndpoint(settings, personas, upstream)
    page = Page(settings.web_dir, settings.livekit_url, personas.sources)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with upstream.connected():
            yield

    async def config(_: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(personas.config), headers=NO_STORE)

    app = Starlette(
        routes=[
            Route("/token", endpoint.give_token, methods=["POST"]),
            Route("/api/token", endpoint.give_token, methods=["POST"]),
            Route("/healthz", _healthz),
            Route("/readyz", endpoint.readyz),
            Route("/config", config),
            *endpoint.metrics.routes(settings.metrics_key),
            *_operator_routes(settings, personas, upstream, endpoint.metrics.operator),
            *page.routes,
        ],
        middleware=[Middleware(RequestDeadlines), Middleware(OriginMiddleware, _origins(settings))],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    install_error_handlers(app)
    return app


def _operator_routes(
    settings: TokenServerSettings, personas: PersonaFolder, upstream: Upstream, metrics: OperatorMetrics
) -> list[BaseRoute]:
    """The routes for the operator's key; none without one."""
    if settings.operator_key is None:
        return []
    access = OperatorAccess(settings.operator_key)
    pages = [] if settings.record_dir is None else CallPages(settings.record_dir, WEB_DIR, access).routes
    files = [route for route in pages if route.path.startswith(FILES)]
    shown = [route for route in pages if route not in files]
    calls = CallsApi(settings, personas, upstream, _policy(settings), access).routes
    return [*files, *metrics.counted([*access.routes, *shown, *calls])]


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok\n")


def _origins(settings: TokenServerSettings) -> Origins:
    return Origins(settings.token_host, settings.token_hosts, settings.token_origins, settings.is_open)


def _policy(settings: TokenServerSettings) -> TokenPolicy:
    return TokenPolicy(
        api_key=settings.key,
        api_secret=settings.secret,
        agent_name=settings.agent_name,
        life_s=settings.token_life_s,
        is_open=settings.is_open,
        rooms=settings.rooms,
        room_pattern=re.compile(settings.token_room_pattern),
    )
