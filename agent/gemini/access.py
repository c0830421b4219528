"""The ways in to Google: an API key, an ephemeral token, Vertex. Each has its address, its headers and its names of models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

GEMINI_URL = "https://generativelanguage.googleapis.com"
EMULATOR_KEY = "no-key-leaves-this-machine"
"""Sent instead of the real key or access token when the endpoint isn't Google's."""

_TOKEN_PREFIX = "auth_tokens/"  # noqa: S105  the beginning of every ephemeral token's name
_MULTI_REGIONS = frozenset({"us", "eu"})


class Access(Protocol):
    """A way in to Google."""

    @property
    def url(self) -> str:
        """Google's own address for this way in, without a path."""

    def path(self, version: str) -> str:
        """The path of the Live API on that version of the API."""

    def model_name(self, model: str) -> str:
        """A model's name as a setup has it."""

    async def headers(self) -> Mapping[str, str]:
        """The headers that let a connection in; asked for before each.

        Raises:
            OSError: Google's server for access tokens isn't reachable.
            CredentialsError: there is no access token to be had.
        """


class AccessTokens(Protocol):
    """A source of OAuth access tokens."""

    async def token(self) -> str:
        """A token that is valid for some minutes more.

        Raises:
            OSError: Google's server for access tokens isn't reachable.
            CredentialsError: there is no access token to be had.
        """

    @property
    def quota_project(self) -> str | None:
        """The project whose quota counts, where that is another one. Known after the first token."""


@dataclass(frozen=True)
class ApiKey:
    """A key of the Gemini API, from Google AI Studio."""

    key: str = field(repr=False)
    url = GEMINI_URL

    def path(self, version: str) -> str:
        return f"/ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent"

    def model_name(self, model: str) -> str:
        return _gemini_name(model)

    async def headers(self) -> Mapping[str, str]:
        return {"x-goog-api-key": self.key}


@dataclass(frozen=True)
class EphemeralToken:
    """A token that lets in for a time and a number of sessions, at a method of its own (docs/facts.md G26)."""

    name: str = field(repr=False)
    """The whole name, `auth_tokens/...`."""
    url = GEMINI_URL

    def path(self, version: str) -> str:
        return f"/ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContentConstrained"

    def model_name(self, model: str) -> str:
        return _gemini_name(model)

    async def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Token {self.name}"}


@dataclass(frozen=True)
class Vertex:
    """A project of Google Cloud, with OAuth (docs/facts.md G41)."""

    project: str
    location: str
    tokens: AccessTokens = field(repr=False)

    @property
    def url(self) -> str:
        return vertex_url(self.location)

    def path(self, version: str) -> str:
        return f"/ws/google.cloud.aiplatform.{version}.LlmBidiService/BidiGenerateContent"

    def model_name(self, model: str) -> str:
        if model.startswith("projects/"):
            return model
        published = model if model.startswith("publishers/") else f"publishers/google/models/{model}"
        return f"projects/{self.project}/locations/{self.location}/{published}"

    async def headers(self) -> Mapping[str, str]:
        shown = {"Authorization": f"Bearer {await self.tokens.token()}"}
        quota_project = self.tokens.quota_project
        return shown if quota_project is None else shown | {"x-goog-user-project": quota_project}


@dataclass(frozen=True)
class FixedToken:
    """An access token that never changes: the one for an emulator."""

    value: str = field(default=EMULATOR_KEY, repr=False)
    quota_project: str | None = None

    async def token(self) -> str:
        return self.value


def key_or_token(text: str) -> ApiKey | EphemeralToken:
    """The way in that a text in the key's place stands for."""
    return EphemeralToken(text) if text.startswith(_TOKEN_PREFIX) else ApiKey(text)


def vertex_url(location: str) -> str:
    """The address of Vertex in a location (docs/facts.md G41)."""
    if location == "global":
        return "https://aiplatform.googleapis.com"
    if location in _MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def _gemini_name(model: str) -> str:
    return model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"
