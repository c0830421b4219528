"""The states of the connection, each with its facts, and what its changes mean to the conversation. Pure."""

import math
from dataclasses import dataclass

from agent.gemini.actions import Close, Dial, SetUp, Tell
from agent.gemini.connection.outage import Outage
from agent.gemini.events import Cause
from agent.gemini.setup_change import Change


@dataclass(frozen=True)
class Waiting:
    """No socket. The next is dialled at `dial_at`."""

    dial_at: float
    outage: Outage


@dataclass(frozen=True)
class Dialling:
    """A socket is being opened, until `ends_at` at the latest."""

    ends_at: float
    outage: Outage


@dataclass(frozen=True)
class SettingUp:
    """The setup was sent; `setupComplete` has to come until `ends_at`."""

    ends_at: float
    outage: Outage
    change: Change = Change.NONE
    """The way in which the connection, once it is open, comes to settings that are newer than its setup."""


@dataclass(frozen=True)
class Open:
    """The service listens."""

    since: float
    short_lived: int
    unsteady_since: float
    unproved: Outage | None
    """The outage that this connection has ended. None: the connection has heard or spoken, so that it really did."""
    replace_cause: Cause | None = None
    """The service has said that it will close (docs/facts.md G19)."""
    replace_by: float = math.inf
    change: Change = Change.NONE
    """The way in which the connection comes to settings that are newer than its setup."""
    changed_at: float = -math.inf
    """The time at which the newest settings came."""


@dataclass(frozen=True)
class Closing:
    """The link closes the socket. The next is dialled when it is gone, at `dial_at` at the earliest."""

    dial_at: float
    outage: Outage


@dataclass(frozen=True)
class Over:
    """The end: no connection will be opened any more."""


State = Waiting | Dialling | SettingUp | Open | Closing | Over


@dataclass(frozen=True)
class Lost:
    """The connection has ended."""

    outage: Outage
    code: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Opened:
    """A connection was opened."""

    outage: Outage
    """The outage that this connection has ended."""
    remembers: bool
    """The session knows the conversation, as far as handles go; else it is a new one."""
    resumes: bool
    """The session is one that began before this connection."""
    known_until: float
    """The time at which the handle was given that the session was resumed by: what was sent later may be unknown to the session
    (docs/facts.md G7, G20). Minus infinity: the session is a new one."""


Outcome = Dial | SetUp | Close | Tell | Lost | Opened
