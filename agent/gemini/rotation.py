"""When a connection that works is to be replaced. Pure.

The service closes each after some ten minutes and warns a little before. Nobody notices if it is done when nobody speaks; at
the deadline it is done regardless.
"""

import math

from agent.gemini.news import Cause
from agent.gemini.orders import LinkLimits
from agent.gemini.resumption import STANDS_AFTER_S, Resumption
from agent.gemini.turn import Turn


class Rotation:
    def __init__(self, limits: LinkLimits) -> None:
        self._limits = limits
        self._opened_at = -math.inf
        self._at = math.inf
        self._cause: Cause | None = None

    def opened(self, now: float) -> None:
        """A new connection: it has its own time."""
        self._opened_at, self._at, self._cause = now, math.inf, None

    def warned(self, left_s: float, now: float) -> None:
        """The service will close in so many seconds."""
        self._at = min(self._at, now + max(left_s - self._limits.goaway_margin_s, left_s / 2))
        self._cause = Cause.GOAWAY

    def due(self, now: float, resumption: Resumption, turn: Turn, *, is_quiet: bool) -> Cause | None:
        """Why it must be replaced now. A handle that was given after the last turn is worth a moment's wait."""
        if self._cause is None and now - self._opened_at > self._limits.oldest_s:
            self._cause = Cause.AGE
        if resumption.short and now - self._opened_at < STANDS_AFTER_S:
            is_quiet = False  # a service that warns each new connection at once isn't asked for one after the other
        fresh = resumption.given_at >= turn.ended_at or now - turn.ended_at >= self._limits.handle_wait_s
        return self._cause if (is_quiet and fresh) or now >= self._at else None
