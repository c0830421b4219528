"""The token server's settings: the only reader of the environment and of `.env`. The environment wins."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, SecretStr

from configuration import (
    LOWER_CASE,
    Folder,
    LiveKitPair,
    LogSettings,
    ProxySettings,
    ValueMistakeError,
    check_secret,
    check_secret_for,
    is_loopback,
    masked,
    proxy_for,
    read_model,
    values,
    with_pair,
)
from token_server.addresses import host_name, proxies
from token_server.errors import SettingsError
from token_server.grants import ROOM_PATTERN
from token_server.rate_limits import parse_rate

LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
"""The shape of a BCP-47 code."""
_ROOT = Path(__file__).parent.parent
WEB_DIR = _ROOT / "web"
_SHORTEST_KEY = 16


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _checked(check: Any) -> AfterValidator:
    """A validator for a tuple of texts: `check` raises ValueError for a text that can't be used."""

    def each(values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            check(value)
        return values

    return AfterValidator(each)


def _origin(value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or value != f"{parts.scheme}://{parts.netloc}".lower() or "@" in value:
        raise ValueError(f"{value!r} is no origin such as https://app.example.com (small letters, no path)")


def _http(value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme != "http" or not parts.hostname or parts.port is None:
        raise ValueError(f"{value!r} is no URL with a port such as http://worker:8081")


def _some(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise ValueError("it names nothing, which LiveKit would take for everything; name at least one, such as microphone")
    return values


def _rate(value: str) -> str:
    parse_rate(value)
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"it is no regular expression ({error})") from error
    return value


def _access_key(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if len(text) < _SHORTEST_KEY or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"a key has at least {_SHORTEST_KEY} characters, all of them visible ASCII")
    return key


Listed = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""Texts, comma-separated in the environment."""
Source = Annotated[Literal["microphone", "camera", "screen_share", "screen_share_audio"], LOWER_CASE]
Rate = Annotated[str, AfterValidator(_rate)]


class TokenServerSettings(LogSettings, LiveKitPair, ProxySettings):
    """Every setting with its default. Names are those of the environment, in lower case."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    livekit_url: str = "ws://127.0.0.1:7880"
    """The URL at which clients reach LiveKit."""
    token_livekit_url: str | None = None
    """The URL at which the token server reaches LiveKit, if that is another."""

    agent_name: str = Field(default="earshot", min_length=1)
    """The agent whose dispatch is in every token."""
    token_host: str = "127.0.0.1"
    """The address that the token server listens on."""
    token_port: int = Field(default=7882, ge=0, le=65535)
    """The port that the token server listens on; 0 picks a free one."""
    token_life_s: int = Field(default=60, ge=30, le=6 * 3600)
    """Life of a token in seconds. A call must begin within it, and may last longer."""
    token_sources: Annotated[tuple[Source, ...], BeforeValidator(_split), AfterValidator(_some)] | None = None
    """The track sources that a caller may publish: microphone, camera, screen_share, screen_share_audio. None: the microphone,
    and the sources that a persona in PERSONAS_DIR looks at."""

    token_mode: Annotated[Literal["open", "key", "jwt"], LOWER_CASE] = "open"
    """The authentication. `open`: whoever reaches a loopback address without a proxy. `key`: whoever has one of TOKEN_KEYS.
    `jwt`: an identity provider's users."""
    token_keys: Annotated[
        tuple[Annotated[SecretStr, AfterValidator(_access_key)], ...], BeforeValidator(_split), Field(repr=False)
    ] = ()
    """The access keys of mode key: several, so that a new one can be given out before the old one goes."""
    token_jwt_jwks_url: str | None = None
    """The URL of the identity provider's public keys (JWKS). Mode jwt has this, TOKEN_JWT_KEY or TOKEN_JWT_SECRET."""
    token_jwt_key: str | None = None
    """The identity provider's one public key: PEM, or a PEM's path."""
    token_jwt_secret: SecretStr | None = None
    """The secret that the identity provider signs with (HS256), at least 32 bytes."""
    token_jwt_issuer: str | None = None
    """The `iss` of the identity provider's tokens, to the letter."""
    token_jwt_audience: str | None = None
    """The `aud` of the identity provider's tokens for this token server."""

    token_rooms: Annotated[Literal["fresh", "named"] | None, LOWER_CASE] = None
    """`fresh`: each token opens a room of its own. `named`: the client may name it. `named` in mode open, else `fresh`."""
    token_room_pattern: Annotated[str, AfterValidator(_pattern)] = ROOM_PATTERN
    """A regular expression for the whole name of a named room."""

    token_origins: Annotated[Listed, _checked(_origin)] = ()
    """Origins of other web pages that may ask for tokens."""
    token_hosts: Annotated[Listed, _checked(host_name)] = ()
    """The host names of the token server. At a loopback address, that address's own names are always among them."""
    token_trusted_proxies: Annotated[Listed, _checked(proxies)] = ()
    """Addresses or networks whose X-Forwarded-For is believed."""

    token_per_address: Rate = "30/minute"
    """Most requests from one address (IPv6: one /64)."""
    token_per_key: Rate = "120/minute"
    """Most requests with one key, or from one user."""
    token_body_s: int = Field(default=5, ge=1, le=60)
    """A request's body must have come within this."""
    token_most_calls: int = Field(default=0, ge=0)
    """Most calls at once, tokens that may still be used included; 0 is no limit."""
    token_calls_per_user: int = Field(default=2, ge=0)
    """Most calls at once of one user, in mode jwt; 0 is no limit."""
    token_workers_url: Annotated[Listed, _checked(_http)] = ()
    """URLs of the workers' health servers. A name that resolves to several addresses stands for several workers."""

    web_dir: Folder = WEB_DIR
    """The page's folder. Without it the token server gives tokens all the same."""
    persona: str = "assistant"
    """The persona that the page preselects; also a setting of the worker."""
    personas_dir: Folder = _ROOT / "agent" / "personas"
    """The folder of the personas that the page offers; also a setting of the worker."""
    token_languages: Annotated[tuple[Annotated[str, Field(pattern=LANGUAGE)], ...], BeforeValidator(_split)] = (
        *("en-US", "de-DE", "es-US", "fr-FR", "it-IT", "nl-NL", "pl-PL", "pt-BR", "hi-IN", "ja-JP", "ko-KR"),
    )
    """The languages that the page offers, as BCP-47 codes."""
    metrics_key: Annotated[SecretStr, AfterValidator(_access_key)] | None = None
    """The bearer token with which Prometheus asks the token server for GET /metrics. Without it there is no /metrics."""
    operator_key: Annotated[SecretStr, AfterValidator(_access_key)] | None = None
    """The operator's key: whoever has it may start, list and end calls at /api/calls, and see those of RECORD_DIR at /calls."""
    record_dir: Folder | None = None
    """The folder of recorded calls, which the pages at /calls show; also a setting of the worker."""
    token_recording: Annotated[Literal["on", "off"] | None, LOWER_CASE] = None
    """Whether calls are recorded, as the page tells its callers. Without it: `on` if RECORD is set, else nothing is told."""
    record: str = ""
    """What the workers record, as they read it themselves; also a setting of the worker."""

    @property
    def recording(self) -> Literal["on", "off"] | None:
        """What the page says about recordings; None: nothing."""
        return self.token_recording or ("on" if self.records else None)

    @property
    def records(self) -> bool:
        """Whether the workers record calls."""
        return self.record.strip().lower() not in {"", "off", "none"}

    @property
    def api_url(self) -> str:
        """The URL at which the token server reaches LiveKit."""
        return self.token_livekit_url or self.livekit_url

    @property
    def is_open(self) -> bool:
        """Whether requests come without authentication."""
        return self.token_mode == "open"

    @property
    def asks_for_key(self) -> bool:
        return self.token_mode == "key"

    @property
    def rooms(self) -> Literal["fresh", "named"]:
        return self.token_rooms or ("named" if self.is_open else "fresh")


def read_settings(env_file: Path | str | None = ".env", **given: object) -> TokenServerSettings:
    """Read the settings; `given` values win over the environment.

    Raises:
        SettingsError: a value that can't be used. The first one, in one sentence.
        FileError: `.env` can't be read.
    """
    try:
        known = values(os.environ, env_file)
        settings = read_model(TokenServerSettings, known, given)
        settings = _with_pair(settings)
        _check_mode(settings)
        for url in (settings.api_url, settings.token_jwt_jwks_url):
            if url is not None:
                proxy_for(url, known)
        _check_way_to_keys(settings)
        _check_recording(settings)
    except ValueMistakeError as mistake:
        raise SettingsError(mistake.name, mistake.shown, mistake.fix) from None
    return settings


def _check_recording(settings: TokenServerSettings) -> None:
    if settings.token_recording == "off" and settings.records:
        fix = f"RECORD is {settings.record!r}, and calls are recorded; set it to on, or leave it out"
        raise SettingsError("TOKEN_RECORDING", "off", fix)


def _with_pair(settings: TokenServerSettings) -> TokenServerSettings:
    _host("LIVEKIT_URL", settings.livekit_url, {"ws", "wss"}, "wss://livekit.example.com")
    if settings.token_livekit_url is not None:
        _host("TOKEN_LIVEKIT_URL", settings.token_livekit_url, {"ws", "wss", "http", "https"}, "http://livekit:7880")
    settings = with_pair(settings, settings.livekit_url)
    if not is_loopback(settings.token_host):
        check_secret(settings.secret, f"TOKEN_HOST={settings.token_host} is reached by other machines")
    check_secret_for(settings.livekit_url, settings.secret)
    return settings


def _check_mode(settings: TokenServerSettings) -> None:
    public = [f"TOKEN_HOSTS={name}" for name in settings.token_hosts if not is_loopback(name)]
    public += [f"TOKEN_TRUSTED_PROXIES={proxy}" for proxy in settings.token_trusted_proxies]  # it passes on what others ask
    if not is_loopback(settings.token_host):
        public.insert(0, f"TOKEN_HOST={settings.token_host}")
    if settings.is_open and public:
        fix = f"with {public[0]} anybody could ask; set TOKEN_MODE to key or jwt (.env.example says how)"
        raise SettingsError("TOKEN_MODE", "open", fix)
    if settings.asks_for_key and not settings.token_keys:
        raise SettingsError("TOKEN_KEYS", None, "TOKEN_MODE=key needs at least one, such as `openssl rand -hex 24` makes")
    if settings.token_mode == "jwt":
        _check_jwt(settings)


def _check_jwt(settings: TokenServerSettings) -> None:
    ways = (settings.token_jwt_jwks_url, settings.token_jwt_key, settings.token_jwt_secret)
    if sum(way is not None for way in ways) != 1:
        fix = "TOKEN_MODE=jwt needs exactly one of it, TOKEN_JWT_KEY and TOKEN_JWT_SECRET"
        raise SettingsError("TOKEN_JWT_JWKS_URL", settings.token_jwt_jwks_url, fix)
    for name in ("token_jwt_issuer", "token_jwt_audience"):
        if getattr(settings, name) is None:
            raise SettingsError(
                name.upper(), None, "TOKEN_MODE=jwt needs it, or a token for another service would be good here"
            )
    url = settings.token_jwt_jwks_url
    if url is not None:
        host = _host("TOKEN_JWT_JWKS_URL", url, {"http", "https"}, "https://id.example.com/.well-known/jwks.json")
        if urlsplit(url).scheme == "http" and not is_loopback(host):
            raise SettingsError("TOKEN_JWT_JWKS_URL", url, "keys that came without TLS could be anybody's; it must be https")


def _check_way_to_keys(settings: TokenServerSettings) -> None:
    url = settings.token_jwt_jwks_url
    proxy = None if url is None else settings.proxy_for(url)
    if proxy is not None and urlsplit(proxy).scheme != "http":
        fix = (
            f"{masked(proxy)} leads to it, and the proxy must be an http:// one; set HTTPS_PROXY, or name the host in NO_PROXY"
        )
        raise SettingsError("TOKEN_JWT_JWKS_URL", url, fix)


def _host(name: str, url: str, schemes: set[str], example: str) -> str:
    """The host of a URL that can be used."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in schemes and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not parts.hostname:
        raise SettingsError(name, url, f"it must be a URL such as {example}")
    return parts.hostname
