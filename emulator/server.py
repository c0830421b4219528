"""The server: one port, TLS, paths as the service has them."""

import asyncio
import datetime
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from emulator import protojson
from emulator.admission import Endpoint
from emulator.connection import Connection, credential
from emulator.errors import PayloadError, TokenError
from emulator.shared import Emulator

_LIVE = re.compile(
    r"^/+ws/google\.ai\.generativelanguage\.(?P<version>v1|v1beta|v1alpha)\.GenerativeService"
    r"\.BidiGenerateContent(?P<constrained>Constrained)?$"
)
_VERTEX = re.compile(r"^/+ws/google\.cloud\.aiplatform\.(?P<version>v1|v1beta1)\.LlmBidiService/BidiGenerateContent$")
_TOKENS = re.compile(r"^/+v1alpha/auth_tokens$")
_BAD_KEY = {"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}}
_GOING_AWAY = 1001


@asynccontextmanager
async def serving(emulator: Emulator, *, host: str, port: int, tls: ssl.SSLContext) -> AsyncIterator[int]:
    """Serve until the block is left, which closes open sessions with 1001. Yields the port."""
    with emulator.voices:
        async with _served(emulator, host, port, tls) as open_port:
            yield open_port


@asynccontextmanager
async def _served(emulator: Emulator, host: str, port: int, tls: ssl.SSLContext) -> AsyncIterator[int]:
    runner = web.ServerRunner(web.Server(_Router(emulator).answer, access_log=None), shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        yield int(runner.addresses[0][1])
        await asyncio.gather(*(connection.end(_GOING_AWAY) for connection in list(emulator.connections)))
    finally:
        await runner.cleanup()


class _Router:
    """Answers requests by their path."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]  # the SDK's double slash must not be taken for a host
        if (live := _LIVE.match(path)) is not None:
            return await self._converse(request, Endpoint(live["version"], constrained=live["constrained"] is not None))
        if (vertex := _VERTEX.match(path)) is not None:
            return await self._converse(request, Endpoint(vertex["version"], vertex=True))
        if request.method == "POST" and _TOKENS.match(path):
            return await self._make_token(request)
        return web.Response(status=404, text="the Live API is not at this path\n")

    async def _make_token(self, request: web.BaseRequest) -> web.Response:
        sent = await request.read()
        key = credential(request)
        if not key or self._emulator.api_key not in {None, key}:
            return web.json_response(_BAD_KEY, status=400)
        try:
            made = self._emulator.tokens.create(protojson.loads(sent or b"{}"), datetime.datetime.now(datetime.UTC))
        except PayloadError as error:
            refused = TokenError(str(error))
            return web.json_response(refused.body, status=refused.status)
        except TokenError as error:
            return web.json_response(error.body, status=error.status)
        return web.json_response(made)

    async def _converse(self, request: web.BaseRequest, endpoint: Endpoint) -> web.StreamResponse:
        connection = Connection(self._emulator, endpoint, request)
        self._emulator.connections.add(connection)
        try:
            return await connection.run()
        finally:
            self._emulator.connections.discard(connection)
