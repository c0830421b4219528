"""The settings: the only reader of the environment and of `.env`. The environment wins."""

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ConfigDict, SecretStr

from configuration import ProxySettings, ValueMistakeError, clean, is_loopback, proxy_for, read_model, set_native_proxy, values
from telephony.errors import SettingsError
from telephony.spec import Spec

DEVELOPMENT_KEY = "devkey"
DEVELOPMENT_SECRET = "earshot-development-secret-not-for-production"  # noqa: S105  livekit.yaml's, known to everybody


class Settings(ProxySettings):
    """Every setting with its default. Names are those of the environment, in lower case."""

    model_config = ConfigDict(extra="ignore", frozen=True)

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
        FileError: `.env` can't be read.
    """
    try:
        known = values(os.environ, env_file)
        settings = _checked(read_model(Settings, known, given))
        proxy_for(settings.livekit_url, known)
    except ValueMistakeError as mistake:
        raise SettingsError(mistake.name, mistake.shown, mistake.fix) from None
    return settings


def prepare_environment(settings: Settings) -> None:
    """Have LiveKit's native library take the way to LiveKit that the settings say. Before it dials."""
    set_native_proxy(os.environ, settings.livekit_url, settings.livekit_proxy_for(settings.livekit_url))


def _checked(settings: Settings) -> Settings:
    try:
        parts = urlsplit(settings.livekit_url)
        host = parts.hostname if parts.scheme in {"ws", "wss", "http", "https"} and parts.port != 0 else None
    except ValueError:
        host = None
    if host is None:
        raise SettingsError("LIVEKIT_URL", settings.livekit_url, "it must be a URL such as wss://livekit.example.com")
    if settings.livekit_api_key is None and settings.livekit_api_secret is None and is_loopback(host):
        pair = {"livekit_api_key": DEVELOPMENT_KEY, "livekit_api_secret": SecretStr(DEVELOPMENT_SECRET)}
        settings = settings.model_copy(update=pair)
    for name in ("livekit_api_key", "livekit_api_secret"):
        if getattr(settings, name) is None:
            raise SettingsError(name.upper(), None, f"set the pair that the server at {settings.livekit_url} knows")
    if settings.secret == DEVELOPMENT_SECRET and not is_loopback(host):
        fix = f"everybody knows it, and {host} is not on this machine; `livekit-server generate-keys` makes a pair"
        raise SettingsError("LIVEKIT_API_SECRET", "the development secret", fix)
    return settings


def read_passwords(spec: Spec, env_file: Path | str | None = ".env") -> dict[str, str]:
    """The passwords that a file names, by the names of their variables.

    Raises:
        SettingsError: one is not set, or empty: LiveKit would take it for "ask nobody".
        FileError: `.env` can't be read.
    """
    # an empty one in the environment is no password, whatever the file has: LiveKit would ask nobody
    known = values({}, env_file).known | {name.upper(): clean(value) for name, value in os.environ.items()}
    return {name: _password(name, known.get(name.upper()), whose) for name, whose in _named(spec)}


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
