"""The settings: the only reader of the environment and of `.env`. The environment wins."""

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ConfigDict

from configuration import (
    LiveKitPair,
    LogSettings,
    ProxySettings,
    ValueMistakeError,
    check_secret_for,
    clean,
    proxy_for,
    read_model,
    set_native_proxy,
    values,
    with_pair,
)
from telephony.errors import SettingsError
from telephony.spec import Spec


class TelephonySettings(LogSettings, LiveKitPair, ProxySettings):
    """Every setting with its default. Names are those of the environment, in lower case."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    livekit_url: str = "ws://127.0.0.1:7880"


def read_settings(env_file: Path | str | None = ".env", **given: object) -> TelephonySettings:
    """Read the settings; `given` values win over the environment.

    Raises:
        SettingsError: a value that can't be used. The first one, in one sentence.
        FileError: `.env` can't be read.
    """
    try:
        known = values(os.environ, env_file)
        settings = _checked(read_model(TelephonySettings, known, given))
        proxy_for(settings.livekit_url, known)
    except ValueMistakeError as mistake:
        raise SettingsError(mistake.name, mistake.shown, mistake.fix) from None
    return settings


def prepare_environment(settings: TelephonySettings) -> None:
    """Have LiveKit's native library take the way to LiveKit that the settings say. Before it dials."""
    set_native_proxy(os.environ, settings.livekit_url, settings.livekit_proxy_for(settings.livekit_url))


def _checked(settings: TelephonySettings) -> TelephonySettings:
    try:
        parts = urlsplit(settings.livekit_url)
        host = parts.hostname if parts.scheme in {"ws", "wss", "http", "https"} and parts.port != 0 else None
    except ValueError:
        host = None
    if host is None:
        raise SettingsError("LIVEKIT_URL", settings.livekit_url, "it must be a URL such as wss://livekit.example.com")
    settings = with_pair(settings, settings.livekit_url)
    check_secret_for(settings.livekit_url, settings.secret)
    return settings


def read_passwords(spec: Spec, env_file: Path | str | None = ".env") -> dict[str, str]:
    """The passwords that a file names, by the names of their variables.

    Raises:
        SettingsError: one is not set, or empty: LiveKit would take it for "ask nobody".
        FileError: `.env` can't be read.
    """
    # an empty one in the environment is no password, whatever the file has: LiveKit would ask nobody
    known = {**values({}, env_file).known, **{name.upper(): clean(value) for name, value in os.environ.items()}}
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
