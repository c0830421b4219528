"""The causes of a failed connection to Gemini, and the remedies: one table, by close code and the service's reason.

The codes and sentences are recorded ones (docs/facts.md G2, G8). Google cuts a reason at 123 bytes, so patterns look at
beginnings and words. What isn't in the table is tried again: most closes say nothing about the next attempt.
"""

import enum
import re
from dataclasses import dataclass

from agent.gemini.events import Cause


class Stage(enum.Enum):
    """The stage that a connection had reached."""

    DIAL = enum.auto()
    """No WebSocket yet."""
    FRESH = enum.auto()
    """The setup was sent, without a handle."""
    RESUME = enum.auto()
    """The setup was sent, with a handle."""
    RUNNING = enum.auto()
    """`setupComplete` has come."""


class Remedy(enum.Enum):
    AGAIN = enum.auto()
    """As it was, with the handle if there is one."""
    WITHOUT_HANDLE = enum.auto()
    """The handle is worth nothing: a new session, told what was said so far."""
    WITH_HISTORY = enum.auto()
    """The session itself is broken: a new one, told what was said so far. A second such failure is final."""
    NONE = enum.auto()
    """Final: the same payload would fail the same way."""


@dataclass(frozen=True)
class Failure:
    """A connection that didn't come about, or ended. Without code: nothing answered, or it broke without a close frame."""

    stage: Stage
    code: int | None = None
    """A WebSocket close code, or the HTTP status that the upgrade was answered with."""
    reason: str = ""
    cause: Cause | None = None
    """The cause, where our own clock or the network says it."""


@dataclass(frozen=True)
class Verdict:
    cause: Cause
    remedy: Remedy


@dataclass(frozen=True)
class _Row:
    codes: frozenset[int]
    reason: re.Pattern[str]
    verdict: Verdict
    stages: frozenset[Stage] = frozenset(Stage)


def _row(codes: set[int], reason: str, cause: Cause, remedy: Remedy, stages: set[Stage] | None = None) -> _Row:
    return _Row(frozenset(codes), re.compile(reason, re.IGNORECASE), Verdict(cause, remedy), frozenset(stages or Stage))


_RUNS = {Stage.RUNNING}
_RESUMES = {Stage.RESUME}
_STARTS = {Stage.FRESH}
_TABLE = (
    # the way in
    _row({1011}, r"token has expired", Cause.TOKEN_EXPIRED, Remedy.NONE),
    _row({1011}, r"Token has been used too many times", Cause.TOKEN_USED_UP, Remedy.NONE),
    _row({1007, 1008, 1011}, r"API key|unregistered callers|auth token|Token has", Cause.KEY, Remedy.NONE),
    _row({401, 403}, "", Cause.KEY, Remedy.NONE),
    _row({1008, 1011, 1013}, r"exceeded your current quota|billing|resource.?exhausted", Cause.QUOTA, Remedy.NONE),
    _row({429}, "", Cause.QUOTA, Remedy.NONE),
    # the model, the place
    _row({1007, 1008}, r"is not found for API version|Publisher model|not supported for bidi", Cause.MODEL, Remedy.NONE),
    _row({404}, "", Cause.MODEL, Remedy.NONE),
    _row({1007, 1008}, r"User location", Cause.LOCATION, Remedy.NONE),
    # the end of a connection's time
    _row({1008, 1011}, r"GoAway|Deadline expired", Cause.EXPIRED, Remedy.AGAIN, _RUNS),
    _row({1008}, r"The operation was aborted", Cause.IDLE, Remedy.AGAIN, _RUNS),
    # resuming
    _row({1007, 1008}, r"session not found|session handle|entity was not found", Cause.HANDLE, Remedy.WITHOUT_HANDLE, _RESUMES),
    _row({1007, 1008}, "", Cause.HANDLE, Remedy.WITHOUT_HANDLE, _RESUMES),
    _row({1011}, "", Cause.LOCKED, Remedy.AGAIN, _RESUMES),
    # what we asked for
    _row({1007}, "", Cause.SETTINGS, Remedy.NONE, _STARTS),
    _row({1008}, r"not implemented, or supported", Cause.SETTINGS, Remedy.NONE, _STARTS),
    _row({400}, "", Cause.SETTINGS, Remedy.NONE),
    # 1007 in a running session is mostly a context that has grown too long; a tool response that is refused closes 1008
    _row({1007, 1009}, "", Cause.SETTINGS, Remedy.WITH_HISTORY, _RUNS),
    _row({1008}, "", Cause.CLOSED, Remedy.WITH_HISTORY, _RUNS),
    # the rest of what has a code
    _row({1006}, "", Cause.DROPPED, Remedy.AGAIN),
)


def judge(failure: Failure) -> Verdict:
    """Look a failure up in the table: its cause, and the remedy."""
    if failure.cause is not None:
        return Verdict(failure.cause, Remedy.AGAIN)
    if failure.code is None:
        return Verdict(Cause.UNAVAILABLE if failure.stage is Stage.DIAL else Cause.DROPPED, Remedy.AGAIN)
    for row in _TABLE:
        if failure.code in row.codes and failure.stage in row.stages and row.reason.search(failure.reason):
            return row.verdict
    return Verdict(Cause.UNAVAILABLE if failure.stage is Stage.DIAL else Cause.CLOSED, Remedy.AGAIN)
