"""The ways in which a call can end. Pure."""

import enum

from livekit.agents import CloseReason

from agent.gemini import Cause


class Ending(enum.Enum):
    """The reason why a call ends. The value is its text in the log and in the room."""

    NOBODY_JOINED = "nobody joined"
    CALLER_LOST = "the caller's connection was lost"
    CALLER_LEFT = "the caller left"
    ROOM_GONE = "the room was closed"
    TOO_LONG = "the call reached its longest length"
    COST_CAP = "the call has cost as much as it may"
    NO_ANSWER = "the model did not answer"
    SILENCE = "nobody said anything"
    MODEL_FAILED = "the model's session failed"
    MODEL_REFUSED = "the model's service refused the call"
    MODEL_UNREACHABLE = "the model's service could not be reached"
    WORKER_FAILED = "something in the worker failed"
    HUNG_UP = "the agent ended the call"
    SHUT_DOWN = "the worker is shutting down"
    NO_WORKER = "no worker could go on with the call"
    SECOND_AGENT = "there is an older Earshot in the room"
    TAKEN_OVER = "another process goes on with the call"


FAULTS = frozenset(
    {Ending.NO_ANSWER, Ending.MODEL_FAILED, Ending.MODEL_REFUSED, Ending.MODEL_UNREACHABLE, Ending.WORKER_FAILED}
)
"""Endings that nobody wanted: the log has them as errors."""
WITH_GOODBYE = frozenset({Ending.TOO_LONG, Ending.COST_CAP, Ending.SILENCE})
"""Endings before which the model is asked to say goodbye."""
ELSEWHERE = frozenset({Ending.SECOND_AGENT, Ending.TAKEN_OVER})
"""Endings of an agent whose call goes on with another one."""
NOBODY_THERE = frozenset({Ending.NOBODY_JOINED, Ending.CALLER_LOST, Ending.CALLER_LEFT})
"""Endings for want of a caller; often nobody at all is in the room."""

_REFUSALS = {Cause.KEY, Cause.TOKEN_EXPIRED, Cause.TOKEN_USED_UP, Cause.QUOTA}
_REFUSALS |= {Cause.MODEL, Cause.LOCATION, Cause.SETTINGS}


def after_close(reason: CloseReason) -> Ending:
    """The ending of a call whose session LiveKit has closed."""
    if reason is CloseReason.ERROR:
        return Ending.MODEL_FAILED
    # any other is because the job ends: for a reason of ours, which is set by then, or a shutdown
    return Ending.SHUT_DOWN


def after_failure(cause: Cause) -> Ending:
    """The ending of a call whose link to Gemini has failed for good."""
    if cause in _REFUSALS:
        return Ending.MODEL_REFUSED
    endings = {
        Cause.UNREACHABLE: Ending.MODEL_UNREACHABLE,
        Cause.MUTE: Ending.NO_ANSWER,
        Cause.WORKER: Ending.WORKER_FAILED,
    }
    return endings.get(cause, Ending.MODEL_FAILED)
