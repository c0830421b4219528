"""The times of a turn, as the worker sees them. Pure: events and `now` in seconds in, finished turns out.

The worker learns that the caller has finished from Gemini's transcript; the caller's own wait is longer by the silence that the
service listens for and by the way through the network. The caller and the page measure that (docs/events.md).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class TurnTimes:
    """One answer. Seconds."""

    heard_to_sound_s: float | None
    """Time from the caller's finished words to the agent's first sound; None if nobody had asked."""
    spoke_s: float
    interrupted: bool


class TurnClock:
    def __init__(self) -> None:
        self._asked_at: float | None = None
        self._sounded_at: float | None = None
        self._waited_s: float | None = None
        self._asked_over_at: float | None = None
        """The time of words over an answer that they don't interrupt."""

    def asked(self, now: float, *, over_answer: bool = False) -> None:
        """The caller's words are there; further words of the same turn don't move the time.

        `over_answer`: if the agent speaks, they don't interrupt it, and are the next question.
        """
        if over_answer and self._sounded_at is not None:
            self._asked_over_at = now if self._asked_over_at is None else self._asked_over_at
        else:
            self._asked_at = now if self._asked_at is None else self._asked_at

    def sounded(self, now: float) -> None:
        """The agent's first sound goes out: the answer to what was asked so far."""
        self._waited_s = None if self._asked_at is None else now - self._asked_at
        self._asked_at = None
        self._sounded_at = now

    def silent(self, now: float, *, interrupted: bool) -> TurnTimes | None:
        """The agent's sound ended. Returns the turn, if there was sound.

        Words that came meanwhile are the next question if they interrupted; else they are the late transcript of what has
        been answered.
        """
        if self._sounded_at is None:
            return None
        times = TurnTimes(self._waited_s, now - self._sounded_at, interrupted)
        self._sounded_at = None
        if not interrupted:
            self._asked_at = None
        if self._asked_over_at is not None:
            self._asked_at, self._asked_over_at = self._asked_over_at, None
        return times
