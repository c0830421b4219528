"""The events that the link tells. Pure.

A loss at once, and its end, with the silence that the caller heard, when they hear the model again.
"""

import math
from dataclasses import dataclass

from agent.gemini.actions import Tell
from agent.gemini.connection.outage import Outage
from agent.gemini.connection.states import Lost, Opened
from agent.gemini.events import Cause, During, Kind, LinkEvent
from agent.gemini.limits import LinkLimits


@dataclass(frozen=True)
class _Down:
    """No connection is open."""

    outage: Outage
    during: During


@dataclass(frozen=True)
class _Recovering:
    """A connection is open again, and the caller hasn't heard anything yet of the answer that they are owed."""

    outage: Outage
    during: During
    took_s: float
    replayed_s: float
    with_history: bool

    def over(self, gap_s: float | None) -> LinkEvent:
        """The conversation goes on. `gap_s`: how long the caller heard nothing; None: it isn't known."""
        outage = self.outage
        is_handover = outage.is_planned and outage.attempts == 1
        return LinkEvent(
            Kind.HANDED_OVER if is_handover else Kind.RESTORED,
            outage.cause,
            during=self.during,
            attempts=None if is_handover else outage.attempts,
            took_ms=_ms(self.took_s),
            gap_ms=None if gap_s is None else _ms(gap_s),
            replayed_ms=_ms(self.replayed_s),
            with_history=None if is_handover else self.with_history,
        )


class Reporting:
    """The account of one conversation's link. Methods return what is to be told."""

    def __init__(self, limits: LinkLimits) -> None:
        self._limits = limits
        self._trouble: _Down | _Recovering | None = None
        self._waits_told = 0
        """The number of times that the caller was told, in one silence, that it takes a moment."""
        self._wait_told_at = -math.inf
        self._lost_s = 0.0
        self._begins, self._begins_during = Cause.START, During.IDLE
        """The cause of the first connection, and what the caller waits for meanwhile."""

    @property
    def lost_at(self) -> float | None:
        """Since when there is no connection. None: there is one."""
        return self._trouble.outage.since if isinstance(self._trouble, _Down) else None

    @property
    def is_starting(self) -> bool:
        """True until the first connection."""
        return isinstance(self._trouble, _Down) and self._trouble.outage.cause is Cause.START

    @property
    def has_told_wait(self) -> bool:
        """The caller was told that it takes a moment, and has heard nothing since."""
        return self._waits_told > 0

    def started(self, now: float) -> None:
        """The first connection is dialled."""
        self._trouble = _Down(Outage(now, self._begins), self._begins_during)

    def goes_on(self, during: During) -> None:
        """The first connection goes on with the conversation of another process, whose end has interrupted this."""
        self._begins, self._begins_during = Cause.PROCESS, during
        if isinstance(self._trouble, _Down):
            self.started(self._trouble.outage.since)

    def lost(self, lost: Lost, during: During) -> list[Tell]:
        """The connection was lost."""
        told = self.settled(None)
        self._trouble = _Down(lost.outage, during)
        if not lost.outage.is_planned:
            cause, reason = lost.outage.cause, lost.reason or None
            told.append(Tell(LinkEvent(Kind.LOST, cause, during=during, code=lost.code, reason=reason)))
        return told

    def opened(self, opened: Opened, now: float, *, replayed_s: float, owes_sound: bool) -> list[Tell]:
        """A connection was opened. `owes_sound`: the caller waits for the model."""
        down, outage = self._trouble, opened.outage
        assert isinstance(down, _Down)
        took_s = now - outage.since
        if outage.cause in {Cause.START, Cause.PROCESS}:
            self._trouble = None
            return [Tell(LinkEvent(Kind.CONNECTED, outage.cause, attempts=outage.attempts, took_ms=_ms(took_s)))]
        self._trouble = _Recovering(outage, down.during, took_s, replayed_s, with_history=not opened.remembers)
        return [] if owes_sound else self.settled(0.0)

    def sounds(self, had_played_until: float, caller_spoke_until: float, now: float) -> list[Tell]:
        """The caller hears the model: when they had last heard it, and spoken."""
        self._waits_told = 0
        if self._trouble is None:
            return []
        silent_since = max(had_played_until, caller_spoke_until)
        if self._trouble.during is not During.AGENT_SPEAKS:
            silent_since = max(silent_since, self._trouble.outage.since)
        return self.settled(max(now - silent_since, 0.0) if silent_since > -math.inf else None)

    def settled(self, gap_s: float | None) -> list[Tell]:
        """The caller hears the model again, or waits for nothing: tell that the outage is over, if there is a connection.

        `gap_s`: how long they heard nothing; None: it isn't known.
        """
        if not isinstance(self._trouble, _Recovering):
            return []
        recovering, self._trouble = self._trouble, None
        return [Tell(recovering.over(gap_s))]

    def wait_at(self, waits_since: float | None) -> float:
        """The time at which a caller who waits since then is to be told that it takes a moment; infinity for never."""
        if waits_since is None:
            return math.inf
        at = waits_since + self._limits.waiting_s
        return max(at, self._wait_told_at + self._limits.waiting_again_s) if self._waits_told else at

    def wait_told(self, now: float, usual: Cause) -> list[Tell]:
        """The caller is told that it takes a moment. `usual`: the cause, if it isn't a loss."""
        self._waits_told += 1
        self._wait_told_at = now
        cause = usual if self._trouble is None else self._trouble.outage.cause
        return [Tell(LinkEvent(Kind.WAITING, cause, attempts=self._waits_told))]

    def dropped(self, lost_s: float) -> list[Tell]:
        """The caller's sound was thrown away: so many seconds in all."""
        if lost_s <= self._lost_s:
            return []
        lost_ms, self._lost_s = _ms(lost_s - self._lost_s), lost_s
        return [Tell(LinkEvent(Kind.DROPPED, Cause.OVERFLOW, lost_ms=lost_ms))]


def _ms(seconds: float) -> int:
    return round(1000 * seconds)
