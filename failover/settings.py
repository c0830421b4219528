"""The settings of `python -m failover`: the workers' own, from the environment and `.env`. The environment wins."""

import os
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr

from configuration import Folder, LiveKitPair, LogSettings, ProxySettings, ValueMistakeError, read_model, values, with_pair
from failover.errors import SettingsError
from failover.opening import StoreConfig
from failover.private_folder import default_folder


class StoreSettings(Protocol):
    """Settings of any program that reads leases: the worker's, and those below."""

    @property
    def livekit_url(self) -> str:
        """LiveKit's URL, with the same spelling in all programs of a fleet."""

    @property
    def agent_name(self) -> str:
        """The agent name of the fleet."""

    @property
    def failover_dir(self) -> Path | None:
        """The parent of the store's folder, if a setting names it."""

    @property
    def redis_url(self) -> SecretStr | None:
        """The Redis of workers on several machines."""

    @property
    def checkpoint_keys(self) -> tuple[str, ...]:
        """The Fernet keys, the newest first."""

    @property
    def secret(self) -> str:
        """The LiveKit API secret."""


class FailoverSettings(LogSettings, LiveKitPair, ProxySettings):
    """The settings that find a fleet's leases and its livekit-server. Names are those of the environment, in lower case."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    livekit_url: str = "ws://127.0.0.1:7880"
    agent_name: str = Field(default="earshot", min_length=1)
    failover_dir: Folder | None = None
    redis_url: SecretStr | None = None
    checkpoint_key: SecretStr | None = None

    @property
    def checkpoint_keys(self) -> tuple[str, ...]:
        return fernet_keys(self.checkpoint_key)


def fernet_keys(setting: SecretStr | None) -> tuple[str, ...]:
    """The keys in CHECKPOINT_KEY, the newest first."""
    keys = setting.get_secret_value() if setting else ""
    return tuple(key.strip() for key in keys.split(",") if key.strip())


def store_config(settings: StoreSettings) -> StoreConfig | None:
    """Where the leases and checkpoints of a fleet are kept.

    None: this machine has no folder in memory, and neither FAILOVER_DIR nor REDIS_URL is set.
    """
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
    folder = settings.failover_dir
    if folder is None and redis_url is None:
        folder = default_folder(os.environ.get("XDG_RUNTIME_DIR"))
        if folder is None:
            return None
    fleet = f"{settings.livekit_url} {settings.agent_name}"
    return StoreConfig(folder, redis_url, settings.checkpoint_keys, fleet, settings.secret.encode())


def local_folder(settings: StoreSettings) -> Path | None:
    """The parent of folders for what stays on this machine, whatever is kept in Redis. None: there is no such place."""
    return settings.failover_dir or default_folder(os.environ.get("XDG_RUNTIME_DIR"))


def read_settings(env_file: Path | str | None = ".env", **given: object) -> FailoverSettings:
    """Read the settings; `given` values win over the environment.

    Raises:
        SettingsError: a value that can't be used. The first one, in one sentence.
        FileError: `.env` can't be read.
    """
    try:
        settings = read_model(FailoverSettings, values(os.environ, env_file), given)
        url = settings.livekit_url
        if not _is_url(url):
            raise SettingsError("LIVEKIT_URL", url, "it must be a URL such as wss://livekit.example.com")
        settings.livekit_proxy_for(url)
        return with_pair(settings, url)
    except ValueMistakeError as mistake:
        raise SettingsError(mistake.name, mistake.shown, mistake.fix) from None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"ws", "wss", "http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
