"""The time between two connections: what began it, and at which pace the next is dialled. Pure."""

import math
from dataclasses import dataclass

from agent.gemini.events import Cause

_FAST_RETRIES_FOR_S = 30.0
_LONGER_EACH_TIME = 1.6
_FIRST_RETRY_S = 0.25
_LONGEST_RETRY_S = 2.5
"""Longer than the 1.5 s for which a session is locked after a socket that broke, whatever the jitter (docs/facts.md G7)."""
_SLOW_RETRY_S = 4.0
_PACES = {
    # Where nothing listens, an attempt costs nobody anything, and the link notices the return at once.
    Cause.REFUSED: (0.05, 0.1),
    # A refusal itself takes the service half a second, and locks nothing (docs/facts.md G7).
    Cause.LOCKED: (_FIRST_RETRY_S, 1.0),
}
"""The first and the longest wait, in seconds, where they are others than `_FIRST_RETRY_S` and `_LONGEST_RETRY_S`."""

_ATTEMPTS_TOLD = 6
"""So many failed attempts are told one by one, and from there on every tenth (`_TOLD_AGAIN`)."""
_TOLD_AGAIN = 10


@dataclass(frozen=True)
class Outage:
    """Everything that is known while there is no connection."""

    since: float
    cause: Cause
    is_planned: bool = False
    """A connection that worked was replaced (a handover). False: it broke, or was closed as of no use."""
    attempts: int = 0
    """The number of times the next connection has been dialled."""
    retries_before: int = 0
    """The number of connections in a row, before the one that was lost, that had not lasted.

    The pace of dialling goes by this or by `attempts`, whichever is more.
    """
    short_lived: int = 0
    """The number of connections in a row that have not lasted, the lost one included.

    From 2 on `hopeless_at` counts from `unsteady_since`; machine.py takes the session for broken at `_MOST_SHORT_LIVED`.
    """
    silent_connections: int = 0
    """The number of connections in a row that neither heard nor spoke before they were lost."""
    unsteady_since: float = math.inf
    """Since when no connection has lasted."""
    session_broke: bool = False
    """The service has closed the session as broken. The next that breaks before it has heard or spoken is the last."""

    @property
    def tells_attempt(self) -> bool:
        """Whether the failure of the last attempt is worth an event: an outage of a minute has hundreds of them."""
        return self.attempts <= _ATTEMPTS_TOLD or self.attempts % _TOLD_AGAIN == 0

    def retry_in_s(self, cause: Cause, now: float, jitter: float) -> float:
        """The wait before the next attempt, in seconds. `jitter`: 0.8 to 1."""
        failures = max(self.attempts, self.retries_before)
        if now - self.since > _FAST_RETRIES_FOR_S:
            return _SLOW_RETRY_S * jitter
        if not failures:
            return 0.0
        first_s, longest_s = _PACES.get(cause, (_FIRST_RETRY_S, _LONGEST_RETRY_S))
        return min(first_s * _LONGER_EACH_TIME**failures, longest_s) * jitter

    def hopeless_at(self, unreachable_s: float) -> float:
        """The time by which there has been no connection for too long, or none that lasted."""
        unsteady_since = self.unsteady_since if self.short_lived > 1 else math.inf
        return min(self.since, unsteady_since) + unreachable_s
