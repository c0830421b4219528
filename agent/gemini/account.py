"""What happened to the link, as it is told: each loss once, and once that it is over, with the silence that was heard. Pure."""

from agent.gemini.news import Cause, During, Kind, LinkEvent
from agent.gemini.orders import Action, LinkLimits, Tell
from agent.gemini.outage import Outage
from agent.gemini.waiting import Waiting


class Account:
    """Events are put at the end of `told`."""

    def __init__(self, limits: LinkLimits, told: list[Action]) -> None:
        self.outage: Outage | None = None
        """The one that the caller hasn't got over yet."""
        self._told = told
        self._waiting = Waiting(limits.waiting_s, limits.waiting_again_s)
        self._was_connected = False
        self._lost_s = 0.0

    @property
    def has_begun(self) -> bool:
        """There was a connection."""
        return self._was_connected

    def tell(self, kind: Kind, cause: Cause, **facts: object) -> None:
        self._told.append(Tell(LinkEvent(kind, cause, **facts)))  # type: ignore[arg-type]

    def begins(self, outage: Outage) -> None:
        """There is no connection any more."""
        self.settled(None)
        self.outage = outage

    def opened(self, now: float, *, replayed_s: float, with_history: bool, owes_sound: bool) -> None:
        """There is one again."""
        outage = self.outage
        assert outage is not None
        outage.took_s, outage.replayed_s, outage.with_history = now - outage.since, replayed_s, with_history
        if not self._was_connected:
            self._was_connected, self.outage = True, None
            self._told.append(Tell(outage.connected()))
        elif not owes_sound:
            self.settled(0.0)

    def sounds(self, had_played_until: float, caller_spoke_until: float, now: float) -> None:
        """The caller hears the model: when they had last heard it, and spoken."""
        self._waiting.sounds()
        if self.outage is not None:
            in_sentence = self.outage.during is During.AGENT_SPEAKS
            silent_since = max(had_played_until, caller_spoke_until)
            self.settled(max(now - (silent_since if in_sentence else max(silent_since, self.outage.since)), 0.0))

    def settled(self, gap_s: float | None) -> None:
        """For the caller as well it is over, if there is a connection. None: it isn't known how long they heard nothing."""
        if self.outage is not None and self.outage.took_s is not None:
            self._told.append(Tell(self.outage.over(gap_s)))
            self.outage = None

    def waits(self, silent_since: float, now: float) -> int | None:
        """The caller is owed sound: the number of the telling that it takes a moment, if it is time for one."""
        return self._waiting.due(silent_since, now)

    def lost_sound(self, lost_s: float) -> None:
        """So much of the caller's sound was thrown away in all."""
        if lost_s > self._lost_s:
            self.tell(Kind.DROPPED, Cause.OVERFLOW, lost_ms=round(1000 * (lost_s - self._lost_s)))
            self._lost_s = lost_s
