"""The way to Gemini that the settings say: for calls, and for the check before the first one."""

import functools
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from agent.gemini import (
    EMULATOR_KEY,
    Access,
    ApiKey,
    Endpoint,
    EphemeralToken,
    FixedToken,
    GoogleAccessTokens,
    Vertex,
    key_or_token,
)
from agent.settings import Settings
from configuration import is_loopback

Service = Literal["gemini", "vertex", "emulator", "proxy"]
"""Whose model answers, as the room is told (docs/events.md)."""


def endpoint_of(settings: Settings, model: str | None = None) -> Endpoint:
    """The place of a model, by default GEMINI_MODEL's. Calls of one process share their access tokens."""
    return Endpoint(
        model=model or settings.gemini_model,
        access=access_of(settings),
        api_version=settings.gemini_api_version,
        base_url=settings.gemini_base_url,
        ca_file=settings.gemini_ca_file,
        proxy=settings.gemini_proxy,
    )


def service_of(settings: Settings) -> Service:
    """The service that calls are connected to. A GEMINI_BASE_URL on this machine is taken for the emulator."""
    if settings.gemini_base_url is not None:
        return "emulator" if is_loopback(urlsplit(settings.gemini_base_url).hostname or "") else "proxy"
    return "vertex" if settings.google_genai_use_vertexai else "gemini"


def access_of(settings: Settings) -> Access:
    """The way in that the settings say.

    GEMINI_BASE_URL gets neither the API key nor an access token. It gets an ephemeral token, which is made to be given away.
    """
    if settings.google_genai_use_vertexai:
        project, location = settings.google_cloud_project, settings.google_cloud_location
        assert project is not None
        if settings.gemini_base_url is not None:
            return Vertex(project, location, FixedToken())
        return Vertex(project, location, access_tokens(settings.google_application_credentials, settings.gemini_proxy))
    key = settings.google_api_key
    way = key_or_token(EMULATOR_KEY if key is None else key.get_secret_value())
    return way if isinstance(way, EphemeralToken) or settings.gemini_base_url is None else ApiKey(EMULATOR_KEY)


@functools.cache
def access_tokens(file: Path | None, proxy: str | None) -> GoogleAccessTokens:
    """The access tokens of this process."""
    return GoogleAccessTokens(file, proxy)
