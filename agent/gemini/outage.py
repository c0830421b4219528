"""The time from the end of one connection until the conversation goes on with the next. Pure."""

from dataclasses import dataclass

from agent.gemini.news import Cause, During, Kind, LinkEvent

_FIRST_REFUSED_RETRY_S = 0.05
_FAST_RETRIES_FOR_S = 30.0
_FIRST_RETRY_S = 0.25
_LONGER_EACH_TIME = 1.6
_LONGEST_RETRY_S = 2.5
"""Longer than the 1.5 s for which a session is locked after a socket that broke, whatever the jitter."""
_LONGEST_LOCKED_RETRY_S = 1.0
"""A refusal itself takes the service half a second, and locks nothing."""
_SLOW_RETRY_S = 4.0


@dataclass
class Outage:
    since: float
    cause: Cause
    during: During
    is_planned: bool = False
    attempts: int = 0
    falls: int = 0
    """How many connections in a row, before the one that was lost, had not lasted long."""
    took_s: float | None = None
    """Until there was a connection again; None: there is none yet."""
    replayed_s: float = 0.0
    with_history: bool = False

    def retry_in_s(self, cause: Cause, now: float, jitter: float) -> float:
        """How long to wait before the next attempt. `jitter`: 0.8 to 1."""
        failures = max(self.attempts, self.falls)
        if now - self.since > _FAST_RETRIES_FOR_S:
            wait_s = _SLOW_RETRY_S
        elif not failures:
            wait_s = 0.0
        else:
            # where nothing listens, a return is noticed sooner, and nobody is there whom it could cost anything
            first_s = _FIRST_REFUSED_RETRY_S if cause is Cause.REFUSED else _FIRST_RETRY_S
            longest_s = _LONGEST_LOCKED_RETRY_S if cause is Cause.LOCKED else _LONGEST_RETRY_S
            wait_s = min(first_s * _LONGER_EACH_TIME**failures, longest_s)
        return wait_s * jitter

    def connected(self) -> LinkEvent:
        """The first connection is there."""
        return LinkEvent(Kind.CONNECTED, self.cause, attempts=self.attempts, took_ms=_ms(self.took_s))

    def over(self, gap_s: float | None) -> LinkEvent:
        """The conversation goes on. `gap_s`: how long the caller heard nothing; None: it isn't known."""
        planned = self.is_planned and self.attempts == 1
        return LinkEvent(
            Kind.HANDED_OVER if planned else Kind.RESTORED,
            self.cause,
            during=self.during,
            attempts=None if planned else self.attempts,
            took_ms=_ms(self.took_s),
            gap_ms=_ms(gap_s),
            replayed_ms=_ms(self.replayed_s),
            with_history=None if planned else self.with_history,
        )


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(1000 * seconds)
