"""The events of the link to Gemini, in words that a log, a counter and a caller's page can use."""

import enum
from dataclasses import dataclass


class Kind(enum.StrEnum):
    """The kind of an event. `LinkEvent` says which facts go with it."""

    CONNECTED = "connected"
    """The first connection is there: `attempts`, `took_ms`."""
    LOST = "lost"
    """The socket is gone, or given up: `during`, `code`, `reason`."""
    RETRYING = "retrying"
    """An attempt failed: `attempts`, `wait_ms`, `code`, `reason`."""
    RESTORED = "restored"
    """After a loss the conversation goes on: `attempts`, `took_ms`, `gap_ms`, `replayed_ms`, `with_history`."""
    HANDED_OVER = "handed_over"
    """A planned change of sockets is done: `took_ms`, `gap_ms`, `replayed_ms`."""
    NUDGED = "nudged"
    """The model was reminded that it owes words, or asked about speech that the service has shown no sign of."""
    CHECKED = "checked"
    """The model, which may stay silent on purpose, was asked once about words that it left unanswered. No fault."""
    IGNORED = "ignored"
    """The service said something that isn't so, and nobody heard of it."""
    DROPPED = "dropped"
    """Caller's sound had to be thrown away, since the last such event: `lost_ms`."""
    WAITING = "waiting"
    """The caller is owed sound and hears nothing for a while now: `attempts` counts how often this was told in one silence."""
    FAILED = "failed"
    """The link has failed for good, and tells nothing more: `code`, `reason`."""


class Cause(enum.StrEnum):
    """The cause of an event."""

    START = "start"
    PROCESS = "process"
    """The call's process has died, and this one goes on with the conversation."""
    GOAWAY = "goaway"
    AGE = "age"
    DROPPED = "dropped"
    """The connection broke: no close frame."""
    CLOSED = "closed"
    """The service closed it for no reason of ours."""
    EXPIRED = "expired"
    """The connection's time was over without a warning that could be kept."""
    IDLE = "idle"
    LOCKED = "locked"
    """The service takes the old socket for open."""
    HANDLE = "handle"
    """The service doesn't know the session any more."""
    REFUSED = "refused"
    """Nothing listens."""
    UNAVAILABLE = "unavailable"
    """Something listens, and no connection came of it: TLS failed, or the upgrade was answered with an HTTP status."""
    HANDSHAKE = "handshake"
    """The upgrade took too long."""
    SETUP = "setup"
    """`setupComplete` took too long."""
    UNANSWERED = "unanswered"
    """The caller has finished, and nothing comes."""
    HANGING = "hanging"
    """A turn neither speaks nor completes."""
    PONGS = "pongs"
    UNACKNOWLEDGED = "unacknowledged"
    """The caller speaks, and the service notices nothing."""
    PHANTOM = "phantom"
    """`interrupted`, though nobody spoke."""
    UNREADABLE = "unreadable"
    """A message of the service's was skipped, in whole or in part. Counted, and told in the log once."""
    TOOL = "tool"
    """A function takes too long."""
    OVERFLOW = "overflow"
    KEY = "key"
    """The API key or the access token is refused, or there is none."""
    TOKEN_EXPIRED = "token_expired"  # noqa: S105  a cause
    """The ephemeral token's time is over."""
    TOKEN_USED_UP = "token_used_up"  # noqa: S105  a cause
    """As many sessions have begun with the ephemeral token as it allows."""
    QUOTA = "quota"
    MODEL = "model"
    LOCATION = "location"
    SETTINGS = "settings"
    """The service refuses what it is asked for."""
    UNREACHABLE = "unreachable"
    """The service could not be reached for so long that the link gave up."""
    WORKER = "worker"
    """Something in the worker itself: what a connection is to ask for can't be built."""
    MUTE = "mute"
    """Neither nudges nor new sockets made the model speak."""


class During(enum.StrEnum):
    """The activity that a loss interrupted, from the caller's point of view."""

    IDLE = "idle"
    CALLER_SPEAKS = "caller_speaks"
    OWED = "owed"
    """The model is thinking, or a tool runs."""
    AGENT_SPEAKS = "agent_speaks"


@dataclass(frozen=True)
class LinkEvent:
    """One thing that happened. Facts that don't belong to its kind are None."""

    kind: Kind
    cause: Cause
    during: During | None = None
    attempts: int | None = None
    took_ms: int | None = None
    wait_ms: int | None = None
    gap_ms: int | None = None
    """Silence that the caller heard where there should have been sound. 0: none; only whole losses and handovers have one."""
    replayed_ms: int | None = None
    lost_ms: int | None = None
    with_history: bool | None = None
    """The conversation was told again as text, since the service had forgotten it."""
    code: int | None = None
    """The WebSocket's close code, or the HTTP status of a refused upgrade."""
    reason: str | None = None

    def facts(self) -> dict[str, object]:
        """All that is known, ready for JSON; absent facts are left out."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Line:
    """Something that was said in the conversation, as it was heard."""

    by_caller: bool
    text: str
