"""How long a call waits for what, and what it then ends with. Pure: events and `now` (seconds, one clock) in, an ending out.

Rules, the first that holds decides:

1. Nobody has joined in time, or nobody has come back after the caller left or was cut off: there is nobody to say goodbye to.
2. The call has reached its longest length: goodbye.
3. The model owes words for too long, to a text, a tool's result or the worker: a goodbye would not come either.
4. Nobody has said anything for too long: goodbye. Words that are only spoken are no debt by themselves: the model may rightly
   hold its tongue while people talk to each other.

While the agent or the caller speaks, a tool runs or the link to the model is down, 3 and 4 rest; what is still owed then is
counted from the end of that. A tool that runs when another agent takes over may wait for that one to finish with the caller, so
it is not waited for any more. (The link knows itself when it is of no more use, and ends the call: agent/gemini/link.py.) A
caller is taken for speaking for two minutes at most: whose microphone closes in mid-sentence is never heard to end it.
Before 4, once in each silence, the caller may be asked whether they are still there.
"""

import math
from dataclasses import dataclass

from agent.call.endings import Ending

_LONGEST_SPEECH_S = 120.0


@dataclass(frozen=True)
class Limits:
    """All in seconds."""

    caller_join_s: float
    caller_return_s: float
    caller_silence_s: float
    still_there_s: float
    answer_s: float
    longest_call_s: float
    caller_left_s: float = 3.0
    """After a caller who has left, somebody may come: the same human with a reloaded page has a new identity."""


class Patience:
    """Keeps the times of one call."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._joined_at: float | None = None
        self._absent_since: float | None = now
        self._left = False
        self._owed_since: float | None = None
        self._last_word_at = now
        self._unanswered = False
        self._asked_back = False
        self._speaking = False
        self._tools: set[str] = set()
        self._link_lost_at: float | None = None
        self._caller_speaks_until = -math.inf

    def caller_came(self, now: float) -> None:
        """Joined, or came back."""
        self._joined_at = now if self._joined_at is None else self._joined_at
        self._absent_since = None
        self._left = False
        self._last_word_at = now
        self._asked_back = False

    def caller_lost(self, now: float, *, left: bool = False) -> None:
        """The caller is gone; `left`: on purpose, and not because the connection broke."""
        if self._absent_since is None or (left and not self._left):
            self._absent_since = now
        self._left = self._left or left

    def caller_speaks(self, now: float) -> None:
        """The model hears a voice."""
        self._caller_speaks_until = now + _LONGEST_SPEECH_S
        self._asked_back = False

    def caller_pauses(self, now: float) -> None:
        self._caller_speaks_until = -math.inf
        self._rested(now)

    def heard(self, now: float) -> None:
        """The caller has said something, in words."""
        self._last_word_at = now
        self._unanswered = True
        self._asked_back = False

    def typed(self, now: float) -> None:
        """The caller has typed, or pressed keys."""
        self._asked_back = False
        self.asked(now)

    def asked(self, now: float) -> None:
        """The model was asked to speak, by a text or by the worker."""
        self._last_word_at = now
        if self._owed_since is None:
            self._owed_since = now

    def agent_speaks(self, now: float) -> None:
        self._speaking = True
        self._paid(now)

    def agent_silent(self, now: float) -> None:
        self._speaking = False
        self._rested(now)

    def tool_started(self, now: float, call_id: str) -> None:
        self._tools.add(call_id)
        self._paid(now)

    def agent_changed(self, now: float) -> None:
        """Another agent talks to the caller, whatever tools run."""
        self._tools.clear()
        self._rested(now)

    def tool_ended(self, now: float, call_id: str, *, owes_words: bool) -> None:
        """A tool is done; with a result, the model has something to say about it."""
        self._tools.discard(call_id)
        self._rested(now)
        if owes_words:
            self.asked(now)

    def link_lost(self, now: float) -> None:
        """The model hears and says nothing before `link_restored`."""
        self._link_lost_at = now

    def link_restored(self, now: float) -> None:
        self._link_lost_at = None
        self._rested(now)

    @property
    def link_is_down(self) -> bool:
        return self._link_lost_at is not None

    def _paid(self, now: float) -> None:
        self._owed_since = None
        self._unanswered = False
        self._last_word_at = now

    def _rested(self, now: float) -> None:
        self._last_word_at = now
        if self._owed_since is not None:
            self._owed_since = now

    def deadlines(self) -> list[tuple[float, Ending]]:
        """What ends the call when, most important first."""
        limits = self._limits
        found: list[tuple[float, Ending]] = []
        if self._absent_since is not None and self._joined_at is None:
            return [(self._absent_since + limits.caller_join_s, Ending.NOBODY_JOINED)]
        if self._absent_since is not None and self._left:
            found.append((self._absent_since + limits.caller_left_s, Ending.CALLER_LEFT))
        elif self._absent_since is not None:
            found.append((self._absent_since + limits.caller_return_s, Ending.CALLER_LOST))
        if self._joined_at is not None:
            found.append((self._joined_at + limits.longest_call_s, Ending.TOO_LONG))
        if self._speaking or self._tools or self.link_is_down:
            return found
        if self._owed_since is not None:
            found.append((self._quiet_since(self._owed_since) + limits.answer_s, Ending.NO_ANSWER))
        else:
            silence = Ending.NO_ANSWER if self._unanswered else Ending.SILENCE
            found.append((self._quiet_since(self._last_word_at) + limits.caller_silence_s, silence))
        return found

    def _quiet_since(self, since: float) -> float:
        return max(since, self._caller_speaks_until)

    def ending(self, now: float) -> Ending | None:
        """How the call must end now, if it must."""
        return next((ending for at, ending in self.deadlines() if at <= now), None)

    def asks_back(self, now: float) -> bool:
        """Whether to ask now if the caller is still there; true once in each silence."""
        if self._asks_back_at is None or now < self._asks_back_at:
            return False
        self._asked_back = True
        return True

    @property
    def next_at(self) -> float:
        """When `ending` and `asks_back` are worth asking again, if nothing happens before."""
        ending_at = min(at for at, _ in self.deadlines())
        return ending_at if self._asks_back_at is None else min(ending_at, self._asks_back_at)

    @property
    def _asks_back_at(self) -> float | None:
        silent = not (self._speaking or self._tools or self.link_is_down) and self._owed_since is None
        if self._absent_since is not None or self._asked_back or not silent:
            return None
        return self._quiet_since(self._last_word_at) + self._limits.still_there_s
