"""A connection before its setup: which client may have which session. What it refuses is closed as the service closes it."""

import asyncio
import datetime
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from emulator import closes, messages, protos, wire
from emulator.acceptance import accept
from emulator.errors import RefusedError
from emulator.lifetime import Lifetime, Limits
from emulator.live_session import LiveSession
from emulator.profile import Profile
from emulator.profiles import profile_of
from emulator.sessions import Memory
from emulator.shared import Emulator
from emulator.tokens import Token

_BAD_KEY_S = 0.085
_VERTEX_WARNING_S = 30.0
_VERTEX_MODEL = re.compile(r"^projects/[^/]+/locations/[^/]+/publishers/google/models/(?P<model>[^/]+)$")
_WITHOUT_LIVE = {"v1"}
"""Versions of the Gemini API that have no Live models. Documented: ai.google.dev/api/live has v1beta's address only, and the
published proto of v1 has no BidiGenerateContent. Guessed: that the socket opens, and closes as over any unknown model."""


@dataclass(frozen=True)
class Endpoint:
    """The method of the service that a client has called."""

    version: str
    """The version of the API, such as `v1beta`."""
    vertex: bool = False
    constrained: bool = False
    """BidiGenerateContentConstrained, which takes ephemeral tokens and nothing else."""

    @property
    def api(self) -> protos.Api:
        """The messages that the method takes."""
        return protos.vertex(self.version) if self.vertex else protos.gemini(self.version)

    def profile_for(self, model: str, fallback: Profile | None) -> Profile:
        """The profile of a setup's model.

        Raises:
            RefusedError: the method doesn't serve that model.
        """
        named = _VERTEX_MODEL.match(model)
        profile = profile_of(named["model"] if named else model.removeprefix("models/"), vertex=self.vertex) or fallback
        if self.vertex and (profile is None or named is None):
            raise RefusedError(closes.unknown_vertex_model(model))
        if profile is None or (not self.vertex and (self.version in _WITHOUT_LIVE or not model.startswith("models/"))):
            raise RefusedError(closes.unknown_model(model, self.version))
        return profile


class Admission:
    """A connection from its upgrade to its setup."""

    writes = True
    """Whether a close frame may be written; after the setup a session's faults may forbid it."""

    def __init__(self, emulator: Emulator, endpoint: Endpoint, credential: str) -> None:
        self._emulator = emulator
        self._endpoint = endpoint
        self._credential = credential
        """The API key or the ephemeral token that the client shows."""

    def pong_delay_s(self) -> float:
        """By how many seconds the pong to a ping must wait: before the setup no fault holds it back."""
        return 0.0

    async def admit(self, frame: str | bytes, wake: Callable[[], None]) -> LiveSession:
        """Open the session that the client's first message sets up, or resumes.

        Args:
            frame: the client's first message.
            wake: called when a fault gives the session something to do at once.

        Raises:
            RefusedError: the service would close the socket.
        """
        if not self._credential:
            raise RefusedError(closes.NO_KEY)
        body = wire.load(frame, self._endpoint.api).get("setup")
        if body is None:
            raise RefusedError(closes.INVALID_ARGUMENT)
        token = await self._token(resumed="handle" in body.get("session_resumption", {}))
        setup = wire.read({"setup": body if token is None else token.constrain(body)})
        assert isinstance(setup, messages.Setup)
        profile = self._endpoint.profile_for(setup.model, self._emulator.fallback)
        accept(setup, profile, self._endpoint.version)
        now = time.monotonic()
        memory = await self._memory(setup, profile, now)
        in_force = self._emulator.faults.for_connection(profile.model, setup.handle, wake)
        if in_force.forgets():
            memory.forget()
        lifetime = Lifetime(self._limits(token), now, memory.age, compressed=setup.compression is not None)
        return LiveSession(self._emulator, profile, setup, memory, in_force, lifetime)

    async def _token(self, *, resumed: bool) -> Token | None:
        """The ephemeral token that the client shows; None for a key."""
        if self._endpoint.constrained:
            return self._emulator.tokens.admit(self._credential, datetime.datetime.now(datetime.UTC), resumed=resumed)
        if self._credential.startswith("auth_tokens/"):
            raise RefusedError(closes.TOKEN_NOT_HERE)
        if self._emulator.api_key is not None and self._credential != self._emulator.api_key:
            await asyncio.sleep(_BAD_KEY_S)
            raise RefusedError(closes.BAD_KEY)
        return None

    async def _memory(self, setup: messages.Setup, profile: Profile, now: float) -> Memory:
        try:
            return self._emulator.sessions.open(setup.handle, now)
        except RefusedError:
            await asyncio.sleep(profile.connection.locked_s)
            raise

    def _limits(self, token: Token | None) -> Limits:
        left = None if token is None else token.expires_at - datetime.datetime.now(datetime.UTC)
        limits = Limits(
            warning_s=_VERTEX_WARNING_S if self._endpoint.vertex else Limits.warning_s,
            token_s=None if left is None else left.total_seconds(),
        )
        return limits.scaled(self._emulator.time_scale)
