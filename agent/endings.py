"""How a call can end. Pure."""

import enum

from livekit.agents import CloseReason

from agent.gemini.events import Cause


class Ending(enum.Enum):
    """Why a call ends. The value is what the log and the room say."""

    NOBODY_JOINED = "nobody joined"
    CALLER_LOST = "the caller's connection was lost"
    CALLER_LEFT = "the caller left"
    ROOM_GONE = "the room was closed"
    TOO_LONG = "the call reached its longest length"
    NO_ANSWER = "the model did not answer"
    SILENCE = "nobody said anything"
    MODEL_FAILED = "the model's session failed"
    MODEL_REFUSED = "the model's service refused the call"
    MODEL_UNREACHABLE = "the model's service could not be reached"
    WORKER_FAILED = "something in the worker failed"
    HUNG_UP = "the agent ended the call"
    SHUT_DOWN = "the worker is shutting down"
    SECOND_AGENT = "there is an older Earshot in the room"


FAULTS = frozenset(
    {Ending.NO_ANSWER, Ending.MODEL_FAILED, Ending.MODEL_REFUSED, Ending.MODEL_UNREACHABLE, Ending.WORKER_FAILED}
)
"""Nobody wanted it to end so."""
WITH_GOODBYE = frozenset({Ending.TOO_LONG, Ending.SILENCE})
"""The model is asked for a last sentence."""
NOBODY_THERE = frozenset({Ending.NOBODY_JOINED, Ending.CALLER_LOST, Ending.CALLER_LEFT})
"""There is no caller, and often nobody at all."""

_REFUSALS = {Cause.KEY, Cause.QUOTA, Cause.MODEL, Cause.LOCATION, Cause.SETTINGS}


def after_close(reason: CloseReason) -> Ending:
    """How a call ends whose session LiveKit has closed."""
    if reason is CloseReason.ERROR:
        return Ending.MODEL_FAILED
    # any other is because the job ends: for a reason of ours, which is set by then, or a shutdown
    return Ending.SHUT_DOWN


def after_failure(cause: Cause) -> Ending:
    """How a call ends whose link to Gemini failed for good."""
    if cause in _REFUSALS:
        return Ending.MODEL_REFUSED
    endings = {
        Cause.UNREACHABLE: Ending.MODEL_UNREACHABLE,
        Cause.MUTE: Ending.NO_ANSWER,
        Cause.WORKER: Ending.WORKER_FAILED,
    }
    return endings.get(cause, Ending.MODEL_FAILED)
