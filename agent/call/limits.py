"""Limits of the time that a call waits for its caller and its model. Pure: events and `now` in seconds in, an
`Ending` out.

Rules, the first that holds decides:

1. Nobody has joined in time, or nobody has come back after the caller left or was cut off: there is nobody to say goodbye to.
2. The call has reached its longest length: goodbye.
3. The model owes a reply for too long, to a text, a tool's result or the worker: a goodbye would not come either.
4. Nobody has said anything for too long: goodbye. Words that are only spoken don't require a reply by themselves: the model may
   rightly say nothing while people talk to each other. A model that stays silent on purpose (proactive audio) is asked for that
   goodbye; from another, which has left the last words unanswered, none would come either.

While the agent or the caller speaks, the caller holds the talk button, a tool runs or the link to the model is down, rules 3
and 4 rest; a reply that is still owed then is counted from the end of that. A tool that runs when another agent takes over may
wait for that one to finish with the caller, so it is not waited for any more. (The link finds out by itself when it has failed
for good: agent/gemini.) A caller is taken for speaking for two minutes at most: if the microphone closes in mid-sentence,
nobody hears the sentence end. A talk button has a limit of its own (agent/room/talk_button.py).
Before rule 4 holds, the caller may be asked once in each silence whether they are still there.
"""

import math
from dataclasses import dataclass

from agent.call.endings import Ending
from agent.persona import Persona
from agent.settings import Settings

_LONGEST_SPEECH_S = 120.0


@dataclass(frozen=True)
class CallLimits:
    """The limits of a call, in seconds. agent/settings.py says what each one is."""

    caller_join_s: float
    caller_return_s: float
    caller_silence_s: float
    still_there_s: float
    answer_s: float
    longest_call_s: float
    caller_left_s: float = 3.0
    """Time in which somebody may come after a caller who has left: the same human with a reloaded page has a new identity."""


def limits_of(settings: Settings, persona: Persona) -> CallLimits:
    """The limits of a call with this persona."""
    asks_still_there = persona.still_there and not persona.translates
    return CallLimits(
        caller_join_s=settings.caller_join_s,
        caller_return_s=settings.caller_return_s,
        caller_silence_s=settings.caller_silence_s,
        still_there_s=settings.still_there_s if asks_still_there else math.inf,
        answer_s=settings.answer_s,
        longest_call_s=settings.longest_call_s,
    )


@dataclass(frozen=True)
class CallTimes:
    """The times of a call that another process needs to go on with it."""

    lasted_s: float
    """Seconds since the call began."""
    with_caller_s: float | None = None
    """Seconds since its first caller came; None: nobody has."""
    reply_owed: bool = False
    """The model owes words: to a typed line, a tool's result, or the worker."""


class CallTimer:
    """Keeps the times of one call, and knows which limit it reaches when."""

    def __init__(self, limits: CallLimits, now: float) -> None:
        self._limits = limits
        self._began_at = now
        self._joined_at: float | None = None
        self._absent_since: float | None = now
        self._left = False
        self._reply_owed_since: float | None = None
        self._last_word_at = now
        self._words_unanswered = False
        self._asked_still_there = False
        self._agent_speaks = False
        self._tools: set[str] = set()
        self._link_lost_at: float | None = None
        self._caller_speaks_until = -math.inf
        self._holds_button = False

    def times(self, now: float) -> CallTimes:
        """The times of the call so far."""
        joined_at = self._joined_at
        with_caller_s = None if joined_at is None else now - joined_at
        return CallTimes(now - self._began_at, with_caller_s, self._reply_owed_since is not None)

    def go_on(self, times: CallTimes, now: float) -> None:
        """This is a call that another process has begun. Its silence is counted from now."""
        self._began_at = now - times.lasted_s
        self._joined_at = None if times.with_caller_s is None else now - times.with_caller_s
        self._reply_owed_since = now if times.reply_owed else None

    def caller_joined(self, now: float) -> None:
        """A caller has joined, or has come back."""
        self._joined_at = now if self._joined_at is None else self._joined_at
        self._absent_since = None
        self._left = False
        self._last_word_at = now
        self._asked_still_there = False

    def caller_gone(self, now: float, *, left: bool = False) -> None:
        """The caller is gone; `left`: on purpose, and not because the connection broke."""
        if self._absent_since is None or (left and not self._left):
            self._absent_since = now
        self._left = self._left or left

    def caller_starts_speaking(self, now: float) -> None:
        """The model hears the caller's voice."""
        self._caller_speaks_until = now + _LONGEST_SPEECH_S
        self._asked_still_there = False

    def caller_stops_speaking(self, now: float) -> None:
        """The model hears the caller's voice end."""
        self._caller_speaks_until = -math.inf
        self._count_from(now)

    def caller_presses(self, now: float) -> None:
        """The caller holds the talk button: they are there, and speak or are about to."""
        self._holds_button = True
        self._asked_still_there = False
        self._last_word_at = now

    def caller_releases(self, now: float) -> None:
        """The caller has released the talk button."""
        self._holds_button = False
        self._count_from(now)

    def caller_said_words(self, now: float, *, wants_answer: bool = True) -> None:
        """A transcript of the caller's words has come. `wants_answer`: the model answers all that it hears."""
        self._last_word_at = now
        self._words_unanswered = wants_answer
        self._asked_still_there = False

    def caller_typed(self, now: float) -> None:
        """The caller has typed a line, or pressed keys."""
        self._asked_still_there = False
        self.reply_requested(now)

    def reply_requested(self, now: float) -> None:
        """The model was asked to speak, by a text or by the worker."""
        self._last_word_at = now
        if self._reply_owed_since is None:
            self._reply_owed_since = now

    def agent_starts_speaking(self, now: float) -> None:
        """The model's voice goes out to the caller."""
        self._agent_speaks = True
        self._reply_given(now)

    def agent_stops_speaking(self, now: float) -> None:
        """The model's voice has ended, or was interrupted."""
        self._agent_speaks = False
        self._count_from(now)

    def tool_started(self, now: float, call_id: str) -> None:
        """A tool runs: the model has answered by calling it."""
        self._tools.add(call_id)
        self._reply_given(now)

    def tool_ended(self, now: float, call_id: str, *, reply_required: bool) -> None:
        """A tool is done; if it returned something, the model has to speak about it."""
        self._tools.discard(call_id)
        self._count_from(now)
        if reply_required:
            self.reply_requested(now)

    def agent_handed_off(self, now: float) -> None:
        """Another agent talks to the caller from now on, whatever tools run."""
        self._tools.clear()
        self._count_from(now)

    def link_lost(self, now: float) -> None:
        """The model hears and says nothing before `link_restored`."""
        self._link_lost_at = now

    def link_restored(self, now: float) -> None:
        """The model can hear and speak again."""
        self._link_lost_at = None
        self._count_from(now)

    @property
    def link_is_down(self) -> bool:
        """Whether the connection to the model is lost at the moment."""
        return self._link_lost_at is not None

    def deadlines(self) -> list[tuple[float, Ending]]:
        """The times at which limits are reached if nothing happens before; the most important limit first."""
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
        if self._is_busy():
            return found
        if self._reply_owed_since is not None:
            found.append((self._silent_since(self._reply_owed_since) + limits.answer_s, Ending.NO_ANSWER))
        else:
            silence = Ending.NO_ANSWER if self._words_unanswered else Ending.SILENCE
            found.append((self._silent_since(self._last_word_at) + limits.caller_silence_s, silence))
        return found

    def ending(self, now: float) -> Ending | None:
        """The ending that the call must have now; None if it may go on."""
        return next((ending for at, ending in self.deadlines() if at <= now), None)

    def asks_still_there(self, now: float) -> bool:
        """Whether to ask now if the caller is still there. True once in each silence."""
        at = self.asks_still_there_at
        if at is None or now < at:
            return False
        self._asked_still_there = True
        return True

    @property
    def asks_still_there_at(self) -> float | None:
        """The time at which `asks_still_there` is true, if nothing happens before."""
        if self._absent_since is not None or self._asked_still_there or self._is_busy() or self._reply_owed_since is not None:
            return None
        return self._silent_since(self._last_word_at) + self._limits.still_there_s

    @property
    def next_at(self) -> float:
        """The time at which `ending` or `asks_still_there` may change, if nothing happens before."""
        ending_at = min(at for at, _ in self.deadlines())
        return ending_at if self.asks_still_there_at is None else min(ending_at, self.asks_still_there_at)

    def _is_busy(self) -> bool:
        return self._agent_speaks or self._holds_button or bool(self._tools) or self.link_is_down

    def _silent_since(self, since: float) -> float:
        return max(since, self._caller_speaks_until)

    def _reply_given(self, now: float) -> None:
        self._reply_owed_since = None
        self._words_unanswered = False
        self._last_word_at = now

    def _count_from(self, now: float) -> None:
        """Count the silence, and a reply that is owed, from now."""
        self._last_word_at = now
        if self._reply_owed_since is not None:
            self._reply_owed_since = now
