"""The times of a turn, as the worker sees them. Pure: events and `now` in seconds in, finished turns out.

`TurnClock` goes by Gemini's transcript, and knows whether anybody asked. `ResponseClock` goes by the caller's sound.
The caller's own wait is longer by the way through the network, there and back (docs/events.md).
"""

import math
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


class ResponseClock:
    """The response latency: from the end of the caller's speech to the start of the reply (docs/facts.md L450).

    By the rules of records/latency.py: the caller who goes on after a pause isn't answered yet, and nobody waits who has
    finished while the agent spoke. The end of speech is told some time after it, so an answer may have begun by then.
    """

    def __init__(self) -> None:
        self._waits_from = -math.inf
        """Time from which an end of speech counts: until then the agent spoke, or the model was asked in text."""
        self._began_at = -math.inf
        """The beginning of the caller's last speech."""
        self._ended_at: float | None = None
        """The end of speech that nothing has been said to; None: there is none, or the caller speaks."""
        self._sounded_at: float | None = None
        """The beginning of what the agent is saying; None: it is silent."""
        self._latency_s: float | None = None
        """Of what the agent is saying."""

    def speech_began(self, at: float) -> None:
        """The caller speaks since then."""
        self._began_at, self._ended_at = at, None
        if self._sounded_at is not None and at < self._sounded_at:
            self._latency_s = None

    def speech_ended(self, at: float) -> None:
        """The caller has been silent since then. A time before the speech's beginning: nothing in it was loud."""
        if at < max(self._began_at, self._waits_from):
            return
        if self._sounded_at is None:
            self._ended_at = at
        elif at <= self._sounded_at:
            self._latency_s = self._sounded_at - at

    def asked_in_text(self, now: float) -> None:
        """The caller has typed, or the worker has asked the model to speak: what is said next is no reply to speech."""
        self._waits_from, self._ended_at = now, None

    def sounded(self, now: float) -> None:
        """The agent's first sound goes out."""
        self._latency_s = None if self._ended_at is None else now - self._ended_at
        self._sounded_at, self._ended_at = now, None

    def silent(self, now: float) -> float | None:
        """The agent's sound ended. Returns its response latency; None: it was no reply to speech that was measured."""
        latency_s, self._latency_s = self._latency_s, None
        self._waits_from, self._sounded_at = now, None
        return latency_s
