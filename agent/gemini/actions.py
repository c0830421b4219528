"""The actions that the link's core asks of its edge. The edge carries them out in order."""

from dataclasses import dataclass

from agent.gemini.events import LinkEvent
from agent.gemini.messages import Received


@dataclass(frozen=True)
class Dial:
    """Open a socket; then call `upgraded` or `failed`."""


@dataclass(frozen=True)
class SetUp:
    """Send the setup, with this handle to resume by."""

    handle: str | None


@dataclass(frozen=True)
class Update:
    """Tell the open connection what is asked for now, as far as it was set up with something else."""


@dataclass(frozen=True)
class Close:
    """Close the socket, in bounded time; then call `gone`."""


@dataclass(frozen=True)
class Ping:
    """Ping the service; then call `alive` when the pong comes."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send this text frame."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Deliver:
    """Give this message to the conversation."""

    received: Received


@dataclass(frozen=True)
class Tell:
    """Tell whoever listens what happened to the link."""

    event: LinkEvent


@dataclass(frozen=True)
class Knows:
    """Tell whoever listens that a connection is open, and what its session knows."""

    until: float
    """The session knows what was sent before this time, and may not know what was sent later. Minus infinity: it is new."""


Action = Dial | SetUp | Update | Close | Ping | Send | Deliver | Tell | Knows
