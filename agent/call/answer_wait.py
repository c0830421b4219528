"""Whether the caller waits for an answer, from the sound and the words of both sides. Pure: events and `now` in seconds in.

The caller's turn is over when the service says so, or after the silence that ends a turn. Until the caller's words have come,
or the service has said that it heard somebody, the sound may have been a noise: then the wait is short.
"""

import math

PAUSE_S = 0.4
"""The silence after which the link takes the caller's sound for quiet (agent/gemini/exchange/caller_voice.py)."""
SHORTEST_SPEECH_S = 0.3
"""Shorter sounds are coughs and clicks, unless words come of them."""
UNCONFIRMED_S = 3.0
"""The longest wait after a sound of which no words have come. The service shows within this that it has heard somebody."""
LONGEST_S = 15.0
"""The longest wait. A model that is later has been reminded, or has nothing to say."""
LONGEST_OPTIONAL_S = 4.0
"""The longest wait for a model that may leave words unanswered on purpose."""


class AnswerWait:
    """Decides for one call.

    Args:
        turn_silence_s: the silence that ends the caller's turn.
        may_stay_silent: the model may leave words unanswered on purpose.
    """

    def __init__(self, *, turn_silence_s: float, may_stay_silent: bool = False) -> None:
        self._silence_left_s = max(turn_silence_s - PAUSE_S, 0.0)
        self._longest_s = LONGEST_OPTIONAL_S if may_stay_silent else LONGEST_S
        self._begins_at = math.inf
        self._ends_at = math.inf
        self._loud_since: float | None = None
        self._agent_speaks = False
        self._has_words = False
        """True if words of the caller's came while they spoke."""
        self._is_answered = True
        """True if the agent has answered since the caller was loud last."""

    def waits(self, now: float) -> bool:
        """Whether the caller waits for an answer."""
        return self._begins_at <= now < self._ends_at

    def next_at(self, now: float) -> float:
        """The time at which `waits` changes by itself; infinity for never."""
        return min((at for at in (self._begins_at, self._ends_at) if at > now), default=math.inf)

    def caller_loud(self, now: float, *, is_loud: bool) -> None:
        """The caller's sound has become loud enough for speech, or has been quiet for PAUSE_S."""
        if is_loud:
            self._stop()
            self._loud_since, self._has_words, self._is_answered = now, False, False
            return
        since, self._loud_since = self._loud_since, None
        if since is None or self.waits(now):
            return
        if self._has_words:
            self._wait(now + self._silence_left_s, self._longest_s)
        elif now - since - PAUSE_S >= SHORTEST_SPEECH_S and not self._agent_speaks:
            self._wait(now + self._silence_left_s, min(UNCONFIRMED_S, self._longest_s))

    def caller_said(self, now: float) -> None:
        """Words of the caller's have come. Those that come after the answer has begun are late."""
        if self._loud_since is not None:
            self._has_words = True
        elif self.waits(now) or not self._is_answered:
            # while the agent speaks they may be late words of what it answers
            longest_s = min(UNCONFIRMED_S, self._longest_s) if self._agent_speaks else self._longest_s
            self._wait(min(self._begins_at, now), longest_s)

    def caller_finished(self, now: float) -> None:
        """The service says that the caller's turn is over."""
        self._is_answered = False
        self._wait(now, self._longest_s)

    def caller_typed(self, now: float) -> None:
        """The caller has typed, or pressed keys."""
        self.caller_finished(now)

    def agent_speaks(self, *, begins: bool) -> None:
        """An answer of the model's begins to be heard, or has ended."""
        self._agent_speaks = begins
        if begins:
            self._is_answered = True
            self._stop()

    def _wait(self, begins_at: float, longest_s: float) -> None:
        self._begins_at, self._ends_at = begins_at, begins_at + longest_s

    def _stop(self) -> None:
        self._begins_at = self._ends_at = math.inf
