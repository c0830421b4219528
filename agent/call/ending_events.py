"""Events of a call that matter for its end (agent/call/ending_machine.py)."""

from dataclasses import dataclass

from agent.call.endings import Ending


@dataclass(frozen=True)
class LimitReached:
    """The call has waited for its caller or its model for as long as it may (agent/call/limits.py), or has cost enough."""

    ending: Ending
    link_is_down: bool = False


@dataclass(frozen=True)
class HangUpRequested:
    """The model has called a tool that hangs up."""


@dataclass(frozen=True)
class ReplyBegan:
    """LiveKit has created a speech for a reply of the model."""

    speech_id: str


@dataclass(frozen=True)
class ReplyEnded:
    """A reply of the model was played out, or interrupted."""

    speech_id: str
    interrupted: bool


@dataclass(frozen=True)
class CallerTurnBegan:
    """The transcript of a new turn of the caller has begun."""


@dataclass(frozen=True)
class CallerTyped:
    """The caller has typed a line, or pressed keys."""


@dataclass(frozen=True)
class CallerListens:
    """A caller is there, and from now on what the agent says reaches them."""


@dataclass(frozen=True)
class LinkWaits:
    """The caller is owed words by the model and hears nothing for a while; `again`: in this silence they were told before."""

    again: bool


@dataclass(frozen=True)
class LinkConnected:
    """The first connection to the model is there."""


@dataclass(frozen=True)
class LinkFailed:
    """The link to the model has failed for good; the call then ends with `ending`."""

    ending: Ending


@dataclass(frozen=True)
class GoodbyeSaid:
    """The goodbye that an action asked for was said, or interrupted by the caller."""

    interrupted: bool = False


@dataclass(frozen=True)
class TimeUp:
    """A state has lasted as long as it may."""


@dataclass(frozen=True)
class CallEnded:
    """The room, the session or the worker ends the call."""

    ending: Ending


Event = (
    LimitReached
    | HangUpRequested
    | ReplyBegan
    | ReplyEnded
    | CallerTurnBegan
    | CallerTyped
    | CallerListens
    | LinkWaits
    | LinkConnected
    | LinkFailed
    | GoodbyeSaid
    | TimeUp
    | CallEnded
)
