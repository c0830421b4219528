"""The sockets: one port, TLS, paths as the service has them. Each connection is session.py's; here is what they share."""

import asyncio
import datetime
import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from emulator import closes, messages
from emulator.connection import Connection, shown_key
from emulator.errors import RefusedError
from emulator.faults.asked import Faults
from emulator.journal import Journal
from emulator.profiles import PROFILES, Profile
from emulator.script import Answers
from emulator.sessions import Sessions
from emulator.tokens import TokenError, Tokens
from emulator.voice import Voices

_LIVE = re.compile(
    r"^/+ws/google\.ai\.generativelanguage\.(?P<version>v1|v1beta|v1alpha)\.GenerativeService"
    r"\.BidiGenerateContent(?P<constrained>Constrained)?$"
)
_VERTEX = re.compile(r"^/+ws/google\.cloud\.aiplatform\.(?P<version>v1|v1beta1)\.LlmBidiService/BidiGenerateContent$")
_VERTEX_MODEL = re.compile(r"^projects/[^/]+/locations/[^/]+/publishers/google/models/(?P<model>[^/]+)$")
_TOKENS = re.compile(r"^/+v1alpha/auth_tokens$")
_NOT_LET_IN = {
    "error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}
}
_GOING_AWAY = 1001
_WITHOUT_LIVE = {"v1"}
"""Versions of the Gemini API that have no Live models. Documented: ai.google.dev/api/live has v1beta's address only, and the
published proto of v1 has no BidiGenerateContent. Guessed: that the socket opens, and closes as over any unknown model."""


@dataclass
class Emulator:
    """What all connections share."""

    answers: Answers
    journal: Journal
    api_key: str | None = None
    """The only key that is taken; without it any key is."""
    fallback: Profile | None = None
    """The profile of models that the table doesn't know; without it they are refused."""
    time_scale: float = 1.0
    """Of all limits on how long things last."""
    sessions: Sessions = field(default_factory=Sessions)
    voices: Voices = field(default_factory=Voices)
    tokens: Tokens = field(default_factory=Tokens)
    faults: Faults = field(default_factory=Faults)
    connections: set[Connection] = field(default_factory=set)

    def profile_for(self, setup: messages.Setup, version: str, *, vertex: bool) -> Profile:
        """The profile of the setup's model.

        Raises:
            RefusedError: no such model there.
        """
        named = _VERTEX_MODEL.match(setup.model)
        name = named["model"] if named else setup.model.removeprefix("models/")
        profile = PROFILES.get(name, self.fallback)
        if vertex and (profile is None or named is None):
            raise RefusedError(closes.unknown_vertex_model(setup.model))
        if profile is None or (not vertex and (version in _WITHOUT_LIVE or not setup.model.startswith("models/"))):
            raise RefusedError(closes.unknown_model(setup.model, version))
        return profile


@asynccontextmanager
async def serving(emulator: Emulator, *, host: str, port: int, tls: ssl.SSLContext) -> AsyncIterator[int]:
    """Serve until the block is left; open sessions are then closed with 1001. Yields the port."""
    with emulator.voices:
        async with _served(emulator, host, port, tls) as open_port:
            yield open_port


@asynccontextmanager
async def _served(emulator: Emulator, host: str, port: int, tls: ssl.SSLContext) -> AsyncIterator[int]:
    runner = web.ServerRunner(web.Server(_Front(emulator).answer, access_log=None), shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        yield int(runner.addresses[0][1])
        await asyncio.gather(*(connection.end(_GOING_AWAY) for connection in list(emulator.connections)))
    finally:
        await runner.cleanup()


class _Front:
    """What is asked for, by path."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]  # the SDK's double slash must not be taken for a host
        if (live := _LIVE.match(path)) is not None:
            return await self._converse(request, live["version"], constrained=live["constrained"] is not None)
        if (vertex := _VERTEX.match(path)) is not None:
            return await self._converse(request, vertex["version"], vertex=True)
        if request.method == "POST" and _TOKENS.match(path):
            return await self._make_token(request)
        return web.Response(status=404, text="the Live API is not at this path\n")

    async def _make_token(self, request: web.BaseRequest) -> web.Response:
        try:
            body = json.loads(await request.read() or b"{}")
        except (ValueError, RecursionError):
            body = None
        key = shown_key(request)
        if not key or self._emulator.api_key not in {None, key}:
            return web.json_response(_NOT_LET_IN, status=400)
        try:
            made = self._emulator.tokens.create(
                body if isinstance(body, dict) else {"": body}, datetime.datetime.now(datetime.UTC)
            )
        except TokenError as error:
            return web.json_response(error.body, status=error.status)
        return web.json_response(made)

    async def _converse(
        self, request: web.BaseRequest, version: str, *, vertex: bool = False, constrained: bool = False
    ) -> web.StreamResponse:
        connection = Connection(self._emulator, version, vertex=vertex, constrained=constrained)
        self._emulator.connections.add(connection)
        try:
            return await connection.run(request)
        finally:
            self._emulator.connections.discard(connection)
