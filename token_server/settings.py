"""The token server's settings: the only reader of the environment and of `.env`. The environment wins."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from token_server.errors import SettingsError

DEVELOPMENT_KEY = "devkey"
DEVELOPMENT_SECRET = "earshot-development-secret-not-for-production"  # noqa: S105  livekit.yaml's, known to everybody

_ROOT = Path(__file__).parent.parent


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
"""The shape of a BCP-47 code."""
Source = Literal["microphone", "camera", "screen_share", "screen_share_audio"]
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Comma-separated in the environment."""


class Settings(BaseSettings):
    """Every setting with its default. Names are those of the environment, in lower case."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    livekit_url: str = "ws://127.0.0.1:7880"
    """The SFU, as clients reach it."""
    livekit_api_key: str | None = None
    """Without a pair, the tokens for a LiveKit on this machine are signed with livekit.yaml's."""
    livekit_api_secret: SecretStr | None = None

    agent_name: str = Field(default="earshot", min_length=1)
    """The agent whose dispatch rides in every token."""
    token_host: str = "127.0.0.1"  # noqa: S105
    token_port: int = Field(default=7882, ge=0, le=65535)
    token_life_s: int = Field(default=600, ge=30, le=6 * 3600)
    """How long a token opens the door. A call that has begun goes on after it."""
    token_sources: Annotated[tuple[Source, ...], NoDecode, BeforeValidator(_split)] = ("microphone",)
    """What a caller may publish: microphone, camera, screen_share, screen_share_audio."""

    web_dir: Path = _ROOT / "web"
    """The page. Without it the door gives tokens all the same."""
    persona: str = "assistant"
    """Who answers when the caller doesn't choose; the worker's setting."""
    personas_dir: Path = _ROOT / "agent" / "personas"
    """Whom the page offers; the worker's setting."""
    token_languages: Annotated[tuple[Annotated[str, Field(pattern=LANGUAGE)], ...], NoDecode, BeforeValidator(_split)] = (
        *("en-US", "de-DE", "es-US", "fr-FR", "it-IT", "nl-NL", "pl-PL", "pt-BR", "hi-IN", "ja-JP", "ko-KR"),
    )
    """The languages that the page offers, as BCP-47 codes."""

    @property
    def key(self) -> str:
        """The pair's first half; `read_settings` has made sure that there is one."""
        assert self.livekit_api_key is not None
        return self.livekit_api_key

    @property
    def secret(self) -> str:
        assert self.livekit_api_secret is not None
        return self.livekit_api_secret.get_secret_value()


def read_settings(env_file: Path | str | None = ".env", **given: object) -> Settings:
    """Read the settings; `given` values win over the environment.

    Raises:
        SettingsError: a value that can't be used. The first one, in one sentence.
    """
    try:
        settings = Settings(_env_file=env_file, **given)  # type: ignore[call-arg, arg-type]
    except ValidationError as invalid:
        raise _explained(invalid) from None
    return _with_pair(settings)


def _with_pair(settings: Settings) -> Settings:
    parts = urlsplit(settings.livekit_url)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        raise SettingsError("LIVEKIT_URL", settings.livekit_url, "it must be a URL such as wss://livekit.example.com")
    if settings.livekit_api_key is None and settings.livekit_api_secret is None and is_loopback(parts.hostname):
        pair = {"livekit_api_key": DEVELOPMENT_KEY, "livekit_api_secret": SecretStr(DEVELOPMENT_SECRET)}
        settings = settings.model_copy(update=pair)
    for name in ("livekit_api_key", "livekit_api_secret"):
        if getattr(settings, name) is None:
            raise SettingsError(name.upper(), None, f"set the pair that the server at {settings.livekit_url} knows")
    for name, host in (("TOKEN_HOST", settings.token_host), ("LIVEKIT_URL", parts.hostname)):
        if settings.secret == DEVELOPMENT_SECRET and not is_loopback(host):
            fix = f"with {name}={host} anybody could make tokens; `livekit-server generate-keys` makes a pair"
            raise SettingsError("LIVEKIT_API_SECRET", "the development secret", fix)
    return settings


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _explained(invalid: ValidationError) -> SettingsError:
    error = invalid.errors(include_url=False)[0]
    name = str(error["loc"][0]).upper()
    value: Any = error.get("input")
    return SettingsError(name, "***" if name.endswith("_SECRET") else value, f"{error['msg'][0].lower()}{error['msg'][1:]}")
