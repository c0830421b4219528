"""What the link's core tells its edge to do, and within which times it decides."""

import enum
from dataclasses import dataclass

from agent.gemini.messages import Received
from agent.gemini.news import LinkEvent


@dataclass(frozen=True)
class LinkLimits:
    """All in seconds."""

    handshake_s: float = 5.0
    setup_s: float = 5.0
    pause_s: float = 0.7
    """Silence that surely ends a turn at the service."""
    oldest_s: float = 480.0
    """A connection that is older is handed over at a quiet moment, before the service asks."""
    goaway_margin_s: float = 1.0
    handle_wait_s: float = 0.7
    unreachable_s: float = 60.0
    waiting_s: float = 2.5
    waiting_again_s: float = 20.0
    lock_s: float = 10.0
    """The service may take a dead socket for open for so long; a new session would forget what the locked one knows."""
    hang_s: float = 8.0
    """Stalls of 7 s in mid-sentence were reported to mend themselves."""
    tool_s: float = 10.0
    """A function that hasn't returned by then is given up: the model is told so, and its work is cancelled."""
    frames_stop_s: float = 1.0
    """Without frames from the room for so long, the service is told that the microphone is closed."""


class Phase(enum.Enum):
    WAITING = enum.auto()
    """No socket; the next is dialled in a moment."""
    DIALING = enum.auto()
    SETTING_UP = enum.auto()
    OPEN = enum.auto()
    CLOSING = enum.auto()
    OVER = enum.auto()


@dataclass(frozen=True)
class Dial:
    """Open a socket; then `upgraded` or `failed`."""


@dataclass(frozen=True)
class SetUp:
    """Send the setup."""

    handle: str | None


@dataclass(frozen=True)
class Close:
    """Close the socket, in bounded time; then `gone`."""


@dataclass(frozen=True)
class Ping:
    """The answer is the watchdog's to know."""


@dataclass(frozen=True)
class Deliver:
    """For the conversation."""

    received: Received


@dataclass(frozen=True)
class Tell:
    event: LinkEvent


Action = Dial | SetUp | Close | Ping | Deliver | Tell
