"""What the demo wants to know: the port base, and whether there is a key. The only reader of the environment here."""

import os
import socket
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from configuration import clean, values
from demo.errors import SettingError

DEFAULT_PORT_BASE = 7880
_HIGHEST_BASE = 65000
_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """All ports, counted from the base."""

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
    def worker_health(self) -> int:
        return self.base + 6

    def check_free(self, *, emulator: bool = True) -> None:
        """Look whether every port can be opened; the emulator's where there will be one.

        Raises:
            SettingError: one is taken.
        """
        wanted = [
            ("livekit-server", self.sfu, socket.SOCK_STREAM),
            ("livekit-server's media", self.sfu_udp, socket.SOCK_DGRAM),
            ("the token server", self.token_server, socket.SOCK_STREAM),
            ("the worker's health", self.worker_health, socket.SOCK_STREAM),
        ]
        if emulator:
            wanted.append(("the emulator", self.emulator, socket.SOCK_STREAM))
        elsewhere = self.base + 1000 if self.base + 1000 <= _HIGHEST_BASE else self.base - 1000
        for what, port, kind in wanted:
            with socket.socket(socket.AF_INET, kind) as probe:
                if kind == socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((_HOST, port))
                except OSError as error:
                    sentence = (
                        f"port {port}, for {what}, is taken ({error.strerror}); PORT_BASE={elsewhere} make demo moves all"
                    )
                    raise SettingError(sentence) from error


@dataclass(frozen=True)
class Settings:
    ports: Ports
    cache_dir: Path
    uv: str | None
    """The uv that made this environment, if it said so."""
    has_model: bool
    """A key, or a Gemini endpoint of the user's own: no emulator then."""
    model: str
    agent_name: str
    environment: dict[str, str] = field(repr=False)
    """What the parts get."""


def read_settings() -> Settings:
    """Read the environment and `.env`; the environment wins. PORT_BASE is make's, and read from the environment alone.

    Raises:
        SettingError: PORT_BASE can't be used.
        FileError: `.env` can't be read.
    """
    environment = dict(os.environ)
    known = values(environment, ".env").known
    text = clean(environment.get("PORT_BASE", "")) or str(DEFAULT_PORT_BASE)
    if not (text.isascii() and text.isdecimal()) or not 1024 <= int(text) <= _HIGHEST_BASE:
        raise SettingError(f"PORT_BASE is {text!r}: it must be a number from 1024 to {_HIGHEST_BASE}")
    return Settings(
        ports=Ports(int(text)),
        cache_dir=_cache(known.get("XDG_CACHE_HOME")) / "earshot",
        uv=known.get("UV"),
        has_model=any(known.get(key) for key in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GEMINI_BASE_URL")),
        model=known.get("GEMINI_MODEL", "gemini-3.8-live"),
        agent_name=known.get("AGENT_NAME", "earshot"),
        environment=environment,
    )


def _cache(named: str | None) -> Path:
    """Where built programs are kept; a folder for temporary files, if this user has no home."""
    if named is not None:
        return Path(named)
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and the user isn't in the system's list
        home = None
    return home / ".cache" if home is not None and home.is_dir() else Path(tempfile.gettempdir()) / f"cache-{os.getuid()}"
