"""The demo's settings: ports, LiveKit's pair, whether there is a Gemini key. The only reader of the environment and `.env`."""

import contextlib
import logging
import os
import re
import socket
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from configuration import Values, clean, misspelt, values
from demo.errors import SettingError

DEFAULT_PORT_BASE = 7880
_LOWEST_BASE = 1024
_HIGHEST_BASE = 65000
_HOST = "127.0.0.1"

logger = logging.getLogger("demo")


@dataclass(frozen=True)
class Ports:
    """The demo's ports, counted from the base."""

    base: int

    @property
    def sfu(self) -> int:
        return self.base

    @property
    def sfu_udp(self) -> int:
        return self.base + 1

    @property
    def token_server(self) -> int:
        return self.base + 2

    @property
    def emulator(self) -> int:
        return self.base + 3

    @property
    def emulator_control(self) -> int:
        """Where `make call` says what it is about to say, since the emulator hears only that somebody speaks."""
        return self.base + 4

    @property
    def workers_health(self) -> range:
        """The ports of the workers' health servers: after a saved change a worker and its successor run at the same time."""
        return range(self.base + 6, self.base + 10)

    def check_free(self, *, emulator: bool = True, media_address: str | None = None) -> None:
        """Check that every port can be opened.

        Args:
            emulator: whether there will be one.
            media_address: an address for livekit-server's media beside loopback.

        Raises:
            SettingError: one is taken. The sentence names a base whose ports are free.
        """
        found = _taken(self, emulator=emulator, media_address=media_address)
        if found is None:
            return
        others = (base for step in range(1000, _HIGHEST_BASE, 1000) for base in (self.base + step, self.base - step))
        possible = (Ports(base) for base in others if _LOWEST_BASE <= base <= _HIGHEST_BASE)
        free = next(
            (other.base for other in possible if _taken(other, emulator=emulator, media_address=media_address) is None),
            self.base,
        )
        raise SettingError(f"{found}; PORT_BASE={free} make demo moves all")


@dataclass(frozen=True)
class Pair:
    """The key and the secret that sign tokens for the demo's livekit-server."""

    key: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class DemoSettings:
    ports: Ports
    cache_dir: Path
    uv: str | None
    """The path of the uv that made this environment, if UV says so."""
    has_model: bool
    """Whether there is a key, Vertex, or a Gemini endpoint of the user's own: then there is no emulator."""
    model: str
    agent_name: str
    pair: Pair | None
    """The key pair of the environment. Without one the demo makes its own."""
    environment: dict[str, str] = field(repr=False)
    """The environment of this process."""
    known: dict[str, str] = field(repr=False)
    """The settings of the environment and of `.env`; the environment wins."""


def _taken(ports: Ports, *, emulator: bool, media_address: str | None) -> str | None:
    media = [("livekit-server's media", ports.sfu_udp, host, socket.SOCK_DGRAM) for host in (_HOST, media_address) if host]
    wanted = [
        ("livekit-server", ports.sfu, _HOST, socket.SOCK_STREAM),
        *media,
        ("the token server", ports.token_server, _HOST, socket.SOCK_STREAM),
        *(("a worker's health", port, _HOST, socket.SOCK_STREAM) for port in ports.workers_health),
    ]
    if emulator:
        wanted.append(("the emulator", ports.emulator, _HOST, socket.SOCK_STREAM))
        wanted.append(("the emulator's control endpoint", ports.emulator_control, _HOST, socket.SOCK_STREAM))
    for what, port, host, kind in wanted:
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                return f"port {port}, for {what}, is taken ({error.strerror})"
    return None


def read_settings() -> DemoSettings:
    """Read the environment and `.env`. PORT_BASE is make's, and read from the environment alone.

    LIVEKIT_API_KEY and LIVEKIT_API_SECRET are read from the environment alone, too: those in `.env` belong to another server.

    Raises:
        SettingError: a value that can't be used.
        FileError: `.env` can't be read.
    """
    environment = dict(os.environ)
    found = values(environment, ".env")
    for sentence in misspelt(found, ["PORT_BASE"]):
        logger.warning("%s", sentence)
    known = _passable(found)
    text = clean(environment.get("PORT_BASE", "")) or str(DEFAULT_PORT_BASE)
    if not re.fullmatch(r"[0-9]{1,5}", text) or not _LOWEST_BASE <= int(text) <= _HIGHEST_BASE:
        raise SettingError(f"PORT_BASE is {text!r}: it must be a number from {_LOWEST_BASE} to {_HIGHEST_BASE}")
    return DemoSettings(
        ports=Ports(int(text)),
        cache_dir=_cache(known.get("XDG_CACHE_HOME")) / "earshot",
        uv=known.get("UV"),
        has_model=any(known.get(name) for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GEMINI_BASE_URL")) or _is_vertex(known),
        model=known.get("GEMINI_MODEL", "gemini-3.8-live"),
        agent_name=known.get("AGENT_NAME", "earshot"),
        pair=_pair(environment),
        environment=environment,
        known=known,
    )


def _is_vertex(known: dict[str, str]) -> bool:
    """Whether the worker is to use Vertex; it says so itself if the value can't be read."""
    return known.get("GOOGLE_GENAI_USE_VERTEXAI", "false").lower() not in {"0", "f", "false", "n", "no", "off"}


def _cache(named: str | None) -> Path:
    """The folder for built programs; it is among the temporary files if this user has no home.

    Raises:
        SettingError: there is no home, and others could write into that folder.
    """
    if named is not None:
        return Path(named)
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and the user isn't in the system's list
        home = None
    if home is not None and home.is_dir():
        return home / ".cache"
    folder = Path(tempfile.gettempdir()) / f"cache-{os.getuid()}"
    _keep_private(folder)
    return folder


def _keep_private(folder: Path) -> None:
    """Create a folder whose name everybody can guess, or see that it is this user's: programs are run from it."""
    fix = "set HOME or XDG_CACHE_HOME to a folder of your own"
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()  # a link would be somebody else's choice
    except OSError as error:
        raise SettingError(f"{folder}, for programs, can't be used ({error.strerror}): {fix}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SettingError(f"{folder}, for programs, is not a folder that you alone own and can write to: {fix}")


def _pair(environment: dict[str, str]) -> Pair | None:
    given = values(environment, None).known
    key, secret = given.get("LIVEKIT_API_KEY"), given.get("LIVEKIT_API_SECRET")
    if not key and not secret:
        return None
    if not key or not secret:
        here, missing = ("KEY", "SECRET") if key else ("SECRET", "KEY")
        raise SettingError(
            f"LIVEKIT_API_{here} is set in the environment and LIVEKIT_API_{missing} is not: set both, or neither"
        )
    return Pair(key, secret)


def _passable(found: Values) -> dict[str, str]:
    """The values, if every one can be put into a program's environment."""
    for name, value in found.known.items():
        if "\0" in value:
            raise SettingError(f"{name} has a NUL character{found.where(name)}, which no setting can have: write it anew")
    return dict(found.known)
