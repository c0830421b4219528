"""How long a call waits for what, and what it then ends with. Pure: events and `now` (seconds, one clock) in, an ending out.

Rules, the first that holds decides:

1. Nobody has joined in time, or a caller who was cut off has not come back: there is nobody to say goodbye to.
2. The call has reached its longest length: goodbye.
3. The model owes an answer for too long, to a text, a tool's result or the greeting: a goodbye would not come either.
4. Nobody has said anything for too long: goodbye. The agent's own speech counts, a running tool too. Words that are only
   spoken are no debt by themselves: the model may rightly hold its tongue while people talk to each other.
"""

import enum
from dataclasses import dataclass


class Ending(enum.Enum):
    """Why a call ends. The value is what the log and the room say."""

    NOBODY_JOINED = "nobody joined"
    CALLER_LOST = "the caller's connection was lost"
    CALLER_LEFT = "the caller left"
    TOO_LONG = "the call reached its longest length"
    NO_ANSWER = "the model did not answer"
    SILENCE = "nobody said anything"
    MODEL_FAILED = "the model's session failed"
    WORKER_FAILED = "something in the worker failed"
    HUNG_UP = "the agent ended the call"
    SHUT_DOWN = "the worker is shutting down"

    @property
    def with_goodbye(self) -> bool:
        return self in {Ending.TOO_LONG, Ending.SILENCE}


@dataclass(frozen=True)
class Limits:
    """All in seconds."""

    caller_join_s: float
    caller_return_s: float
    caller_silence_s: float
    answer_s: float
    longest_call_s: float


class Patience:
    """Keeps the times of one call."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._joined_at: float | None = None
        self._absent_since: float | None = now
        self._owed_since: float | None = None
        self._last_word_at = now
        self._unanswered = False
        self._busy = False

    def caller_came(self, now: float) -> None:
        """Joined, or came back."""
        self._joined_at = now if self._joined_at is None else self._joined_at
        self._absent_since = None
        self._last_word_at = now

    def caller_lost(self, now: float) -> None:
        if self._absent_since is None:
            self._absent_since = now

    def heard(self, now: float) -> None:
        """The caller has said something."""
        self._last_word_at = now
        self._unanswered = True

    def asked(self, now: float) -> None:
        """The model was asked to speak: by a text, a tool's result, or the worker."""
        self._last_word_at = now
        if self._owed_since is None:
            self._owed_since = now

    def agent_busy(self, now: float) -> None:
        """The agent speaks, or runs a tool: what was owed is on its way."""
        self._busy = True
        self._unanswered = False
        self._owed_since = None
        self._last_word_at = now

    def agent_done(self, now: float) -> None:
        """The agent has spoken."""
        if self._busy:
            self._last_word_at = now
        self._busy = False

    def deadlines(self) -> list[tuple[float, Ending]]:
        """What ends the call when, most important first."""
        limits = self._limits
        found: list[tuple[float, Ending]] = []
        if self._absent_since is not None and self._joined_at is None:
            return [(self._absent_since + limits.caller_join_s, Ending.NOBODY_JOINED)]
        if self._absent_since is not None:
            found.append((self._absent_since + limits.caller_return_s, Ending.CALLER_LOST))
        if self._joined_at is not None:
            found.append((self._joined_at + limits.longest_call_s, Ending.TOO_LONG))
        if self._owed_since is not None:
            found.append((self._owed_since + limits.answer_s, Ending.NO_ANSWER))
        if not self._busy and self._owed_since is None:
            silence = Ending.NO_ANSWER if self._unanswered else Ending.SILENCE
            found.append((self._last_word_at + limits.caller_silence_s, silence))
        return found

    def ending(self, now: float) -> Ending | None:
        """How the call must end now, if it must."""
        return next((ending for at, ending in self.deadlines() if at <= now), None)

    @property
    def next_at(self) -> float:
        """When `ending` is worth asking again, if nothing happens before."""
        return min(at for at, _ in self.deadlines())
