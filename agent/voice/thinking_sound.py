"""The times at which a soft sound plays, for a caller who would take the silence for a dead line. Pure.

The sound begins when a tool runs and nobody has been heard for `QUIET_S`, or when the model thinks and nobody has been heard
for `THINKS_S`. The voice of the agent or of the caller ends it. After the last tool the sound goes on until the answer begins,
for `ANSWER_S` at most; after that the worker's recorded voice speaks (agent/gemini/exchange/situation.py).
"""

import math

QUIET_S = 0.7
"""A tool that is quicker, and a pause between two sentences, are no silence to fill."""
THINKS_S = 1.2
"""Longer than most models think, counted from the end of the caller's turn, so that most answers come without the sound."""
ANSWER_S = 3.0


class ThinkingSound:
    """Decides for one call. `now` is in seconds on any one clock."""

    def __init__(self) -> None:
        self._tools: set[str] = set()
        self._answer_until = -math.inf
        self._quiet_since = -math.inf
        self._agent_speaks = False
        self._caller_speaks = False
        self._thinks_since: float | None = None
        """The time since which the model has been thinking, without a tool that runs; None: it doesn't think."""

    def plays_between(self) -> tuple[float, float] | None:
        """The times from which and until which the sound plays, if nothing happens; None: it doesn't play."""
        if self._agent_speaks or self._caller_speaks:
            return None
        until = math.inf if self._tools else self._answer_until
        begins_at = self._quiet_since + QUIET_S
        if begins_at < until:
            return begins_at, until
        if self._thinks_since is not None:
            return max(self._thinks_since, self._quiet_since) + THINKS_S, math.inf
        return None

    def agent_state(self, now: float, *, before: str, after: str) -> None:
        """The state of LiveKit's session changes.

        LiveKit's own change to `speaking` comes from `listening`, although agent/call/thinking_state.py has told `thinking`.
        """
        if "speaking" in (before, after):
            self.agent_speaks(now, begins=after == "speaking")
        self.model_thinks(now, begins=after == "thinking")

    def model_thinks(self, now: float, *, begins: bool) -> None:
        """The caller begins to wait for an answer of the model's, or doesn't wait any more."""
        self._thinks_since = now if begins else None

    def tool_started(self, call_id: str, now: float) -> None:
        """The model has called a tool, and it runs."""
        if not self._tools and now >= self._answer_until:
            self._quiet_since = now
        self._tools.add(call_id)

    def tool_ended(self, call_id: str, now: float, *, is_answered: bool) -> None:
        """A tool has returned. `is_answered`: the model will speak about its result."""
        if call_id not in self._tools:
            return
        self._tools.discard(call_id)
        plays = now >= self._quiet_since + QUIET_S
        self._answer_until = now + ANSWER_S if is_answered and plays else now

    def agent_handed_off(self) -> None:
        """Another agent talks to the caller from now on, whatever tools run."""
        self._tools.clear()
        self._answer_until = -math.inf

    def agent_speaks(self, now: float, *, begins: bool) -> None:
        """A voice of the worker's goes out to the caller, or has ended."""
        self._agent_speaks = begins
        self._heard(now)

    def caller_speaks(self, now: float, *, begins: bool) -> None:
        """The caller's sound becomes loud enough for speech, or quiet again."""
        self._caller_speaks = begins
        self._heard(now)

    def _heard(self, now: float) -> None:
        self._quiet_since = now
        self._answer_until = -math.inf
