"""The settings: the only reader of the environment and of `.env`. The environment wins."""

import ipaddress
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from telephony.errors import SettingsError
from telephony.spec import Spec

DEVELOPMENT_KEY = "devkey"
DEVELOPMENT_SECRET = "earshot-development-secret-not-for-production"  # noqa: S105  livekit.yaml's, known to everybody


class Settings(BaseSettings):
    """Every setting with its default. Names are those of the environment, in lower case."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    livekit_url: str = "ws://127.0.0.1:7880"
    livekit_api_key: str | None = None
    """Without a pair, a LiveKit on this machine is given livekit.yaml's."""
    livekit_api_secret: SecretStr | None = None

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
    try:
        parts = urlsplit(settings.livekit_url)
        host = parts.hostname if parts.scheme in {"ws", "wss", "http", "https"} and parts.port != 0 else None
    except ValueError:
        host = None
    if host is None:
        raise SettingsError("LIVEKIT_URL", settings.livekit_url, "it must be a URL such as wss://livekit.example.com")
    if settings.livekit_api_key is None and settings.livekit_api_secret is None and _is_loopback(host):
        pair = {"livekit_api_key": DEVELOPMENT_KEY, "livekit_api_secret": SecretStr(DEVELOPMENT_SECRET)}
        settings = settings.model_copy(update=pair)
    for name in ("livekit_api_key", "livekit_api_secret"):
        if getattr(settings, name) is None:
            raise SettingsError(name.upper(), None, f"set the pair that the server at {settings.livekit_url} knows")
    if settings.secret == DEVELOPMENT_SECRET and not _is_loopback(host):
        fix = f"everybody knows it, and {host} is not on this machine; `livekit-server generate-keys` makes a pair"
        raise SettingsError("LIVEKIT_API_SECRET", "the development secret", fix)
    return settings


def read_passwords(spec: Spec, env_file: Path | str | None = ".env") -> dict[str, str]:
    """The passwords that a file names, by the names of their variables.

    Raises:
        SettingsError: one is not set, or empty: LiveKit would take it for "ask nobody".
    """
    values = {**(dotenv_values(env_file) if env_file is not None else {}), **os.environ}
    return {name: _password(name, values.get(name), whose) for name, whose in _named(spec)}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _named(spec: Spec) -> Iterable[tuple[str, str]]:
    for trunk in spec.inbound:
        if trunk.auth_password_env is not None:
            yield trunk.auth_password_env, f'trunk "{trunk.name}"'
    if spec.line.auth_password_env is not None:
        yield spec.line.auth_password_env, "[line]"


def _password(name: str, value: str | None, whose: str) -> str:
    if not value:
        raise SettingsError(name, None, f"{whose} takes its password from it; set it, or put it into .env")
    return value


def _explained(invalid: ValidationError) -> SettingsError:
    error = invalid.errors(include_url=False)[0]
    name = str(error["loc"][0]).upper()
    value: Any = error.get("input")
    return SettingsError(name, "***" if name.endswith("_SECRET") else value, f"{error['msg'][0].lower()}{error['msg'][1:]}")
