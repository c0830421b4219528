"""The handle that a session is resumed by, and what a failure does to it. Pure."""

import math
import random

from agent.gemini.closes import Remedy, Verdict
from agent.gemini.news import Cause
from agent.gemini.outage import Outage

_DIED_IN_SILENCE = {Cause.PONGS, Cause.UNACKNOWLEDGED}
"""The service may take such a socket for open for minutes, and the session for locked."""
STANDS_AFTER_S = 10.0
"""A connection that is lost sooner is a failure, whatever it has done; without having heard or spoken, it was none."""
_MOST_FALLS = 2
"""So many that were none in a row, and the session itself is taken for broken."""
_MOST_SHORT = 6
"""So many that did not last and have heard or spoken, and the session itself is taken for broken."""


class Resumption:
    """`lock_s`: how long a locked session is waited for, before a new one is begun that knows less."""

    def __init__(self, lock_s: float, seed: int) -> None:
        self.handle: str | None = None
        self.given_at = -math.inf
        self._lock_s = lock_s
        self._random = random.Random(seed)  # noqa: S311 - jitter
        self._locked_since: float | None = None
        self._unproved = False
        """The session is a new one after one that broke, and hasn't said anything yet."""
        self._opened_at = -math.inf
        self._after: Outage | None = None
        """What the connection ended, until it stands."""
        self._falls = 0
        self.short = 0
        """How many connections in a row have not lasted long."""
        self._unsteady_since = math.inf
        """Since when none has lasted."""

    def given(self, handle: str, now: float) -> None:
        self.handle, self.given_at = handle, now

    def forget(self) -> None:
        """What comes next is a new session."""
        self.handle, self._locked_since = None, None

    def opened(self, after: Outage | None, now: float) -> None:
        """A connection is there, and with it the end of an outage."""
        self._locked_since = None
        if after is not None:
            self._unsteady_since = min(self._unsteady_since, after.since)
        self._after, self._opened_at = after, now

    def proved(self) -> None:
        """The session works: it has heard, or spoken."""
        self._unproved, self._after, self._falls = False, None, 0

    def ended(self, outage: Outage) -> None:
        """A connection has ended. One after the other that doesn't last is dialled ever less often, and not for ever."""
        if outage.since - self._opened_at >= STANDS_AFTER_S:
            self.short, self._unsteady_since = 0, outage.since
        elif not (outage.is_planned and outage.cause is Cause.SETTINGS):  # that was the worker's own wish
            outage.falls = self.short
            self.short += 1
            if self.short == _MOST_SHORT:
                self.forget()

    def pause_s(self, outage: Outage, now: float) -> float:
        """After a connection that the worker has closed: how long to wait before the next."""
        return outage.retry_in_s(outage.cause, now, self._random.uniform(0.8, 1.0)) if outage.falls else 0.0

    def is_hopeless(self, outage: Outage | None, now: float, unreachable_s: float) -> bool:
        """There has been no connection for so long, or none that lasted."""
        if outage is None or outage.took_s is not None:
            return False
        return now - outage.since > unreachable_s or (self.short > 1 and now - self._unsteady_since > unreachable_s)

    def lost(self, outage: Outage) -> None:
        """The connection is gone. If it never stood, the outage before goes on: a service that lets in and drops isn't back."""
        if self._after is None or outage.since - self._opened_at > STANDS_AFTER_S:
            self._falls = 0
            return
        self._falls += 1
        outage.since = self._after.since
        if self._falls >= _MOST_FALLS:
            outage.attempts = self._after.attempts
            self.forget()

    def wait_s(self, verdict: Verdict, outage: Outage, now: float) -> float | None:
        """After a failure: how long to wait before the next attempt. None: there is none."""
        broken = verdict.remedy is Remedy.WITH_HISTORY
        if verdict.remedy is Remedy.NONE or (broken and self._unproved):
            return None
        self._unproved = self._unproved or broken
        if verdict.remedy is not Remedy.AGAIN or self._is_locked_out(verdict.cause, outage, now):
            self.forget()
            if not outage.falls:
                return 0.0
        return outage.retry_in_s(verdict.cause, now, self._random.uniform(0.8, 1.0))

    def _is_locked_out(self, cause: Cause, outage: Outage, now: float) -> bool:
        if cause is not Cause.LOCKED:
            self._locked_since = None
            return False
        self._locked_since = now if self._locked_since is None else self._locked_since
        return outage.cause in _DIED_IN_SILENCE or now - self._locked_since >= self._lock_s
