"""The environment of each part of the demo: the settings that the part needs, and no other part's secrets.

Pure: functions from mappings to mappings. The demo is for one machine, so settings of a public deployment (`MACHINE_ALONE`)
are not taken from `.env`, and not from the environment either.
"""

from collections.abc import Mapping
from pathlib import Path

Environment = dict[str, str]

SYSTEM = {"HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "SHELL", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR"}
SYSTEM |= {"TZ", "USER"}
"""The variables that every part gets, with those that begin with `SYSTEM_PREFIXES`."""
SYSTEM_PREFIXES = ("LC_", "PYTHON", "XDG_")

TOKEN_SERVER = {"AGENT_NAME", "PERSONA", "PERSONAS_DIR", "WEB_DIR"}
"""The settings of the token server that don't begin with `TOKEN_`."""
PATHS = {"PERSONAS_DIR", "WEB_DIR"}

MACHINE_ALONE = {
    *("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"),
    *("TOKEN_MODE", "TOKEN_KEYS", "TOKEN_HOST", "TOKEN_PORT", "TOKEN_HOSTS", "TOKEN_TRUSTED_PROXIES"),
    *("TOKEN_JWT_JWKS_URL", "TOKEN_JWT_KEY", "TOKEN_JWT_SECRET", "TOKEN_JWT_ISSUER", "TOKEN_JWT_AUDIENCE"),
    *("TOKEN_LIVEKIT_URL", "TOKEN_WORKERS_URL", "HEALTH_HOST", "HEALTH_PORT", "DRAIN_TIMEOUT_S", "IDLE_PROCESSES"),
    *("LOG_FORMAT", "LOG_LEVEL"),
}
"""The settings that the demo makes itself, or leaves out."""

WORKER_LOG_FORMAT = "json"
"""The demo reads the worker's lines, and shows them to people."""

BUILD_SECRETS = {"GOOGLE_API_KEY", "GEMINI_API_KEY", "LIVEKIT_API_SECRET", "TOKEN_KEYS", "TOKEN_JWT_KEY", "TOKEN_JWT_SECRET"}
"""The settings that `go` and `uv` don't get. They do get the rest: proxies, mirrors, certificates."""


def of_system(environment: Mapping[str, str]) -> Environment:
    """The variables that any program may need: paths, language, time zone."""
    return {name: value for name, value in environment.items() if name in SYSTEM or name.startswith(SYSTEM_PREFIXES)} | {
        "PYTHONUNBUFFERED": "1"
    }


def of_build(environment: Mapping[str, str]) -> Environment:
    """The environment of the tools that build livekit-server: everything but this project's secrets."""
    return {name: value for name, value in environment.items() if name.upper() not in BUILD_SECRETS}


def of_token_server(environment: Mapping[str, str], settings: Mapping[str, str], folder: Path) -> Environment:
    """The environment of the token server, which doesn't see `.env`: its own settings, without those of a public deployment.

    Args:
        environment: the demo's own.
        settings: what the environment and `.env` say together.
        folder: where relative paths in the settings begin.
    """
    own = {
        name: str(folder / value) if name in PATHS and not value.startswith("~") else value
        for name, value in settings.items()
        if (name in TOKEN_SERVER or name.startswith("TOKEN_")) and name not in MACHINE_ALONE
    }
    return of_system(environment) | own


def of_worker(environment: Mapping[str, str], settings: Mapping[str, str]) -> Environment:
    """The environment of the worker: everything, since its tools may need anything, but the token server's settings.

    `.env` isn't in it: the worker reads that itself, and its environment wins.
    """
    own = {name: value for name, value in environment.items() if not _is_of_others(name.upper())}  # programs take any case
    return own | {"PYTHONUNBUFFERED": "1", "LOG_LEVEL": worker_log_level(settings), "LOG_FORMAT": WORKER_LOG_FORMAT}


def worker_log_level(settings: Mapping[str, str]) -> str:
    """DEBUG if that is what the settings say, else INFO: the demo reads the worker's INFO lines.

    Args:
        settings: what the environment and `.env` say together.
    """
    return "DEBUG" if settings.get("LOG_LEVEL", "").strip().upper() == "DEBUG" else "INFO"


def _is_of_others(name: str) -> bool:
    return name in MACHINE_ALONE or name.startswith("TOKEN_")


def not_taken(settings: Mapping[str, str], given: Mapping[str, str]) -> list[str]:
    """The names of the settings that were set, and that the demo doesn't take.

    Args:
        settings: what the environment and `.env` say together.
        given: what the demo sets instead.
    """
    return sorted(
        name for name in MACHINE_ALONE & settings.keys() if settings[name].strip().lower() != given.get(name, "").lower()
    )
