"""The handle that a session is resumed by, and the lock that a resumed session may be under. Pure."""

import math

from agent.gemini.events import Cause

_EARLIER_CALLS_LOCK_S = 2.0
"""The session of an earlier call, or of a process that has died, may be locked for 1.5 s after its socket has gone.

A caller waits no longer for it.
"""
_DIED_IN_SILENCE = {Cause.PONGS, Cause.UNACKNOWLEDGED}
"""The service may take such a socket for open for minutes, and the session for locked (docs/facts.md G7)."""


class SessionHandle:
    """The handle of one conversation. `lock_s`: how long a locked session is waited for, before a new one is begun."""

    def __init__(self, lock_s: float) -> None:
        self.value: str | None = None
        """None: the next connection begins a new session."""
        self.given_at = -math.inf
        self._lock_s = lock_s
        self._locked_since: float | None = None

    def given(self, handle: str, now: float) -> None:
        """The service has sent a handle."""
        self.value, self.given_at = handle, now

    def forget(self) -> None:
        """The next connection begins a new session."""
        self.value, self._locked_since = None, None

    def opened(self) -> None:
        """A connection is open: nothing is locked."""
        self._locked_since = None

    def attempt_failed(self, cause: Cause, outage_cause: Cause, now: float) -> bool:
        """An attempt has failed, for `cause`: note since when the session is locked.

        Returns whether the lock will last longer than it is worth waiting for.
        """
        if cause is not Cause.LOCKED:
            self._locked_since = None
            return False
        self._locked_since = now if self._locked_since is None else self._locked_since
        lock_s = _EARLIER_CALLS_LOCK_S if outage_cause in {Cause.START, Cause.PROCESS} else self._lock_s
        return outage_cause in _DIED_IN_SILENCE or now - self._locked_since >= lock_s
