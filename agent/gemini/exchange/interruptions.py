"""What the caller's voice and written turns say about the service's messages. Pure.

Whether `interrupted` is true, what the next `turnComplete` ends, and whether words that come were said before the last answer.
"""

import enum
import math

from agent.gemini.exchange.caller_voice import CallerVoice
from agent.gemini.exchange.states import Answered
from agent.gemini.exchange.stopped import StoppedAnswer

_NEAR_S = 1.5
"""An interruption has the caller's voice, or a written turn, so shortly before it (docs/facts.md G4, G13)."""
_UNANSWERED_S = 0.3
"""Speech that ended earlier than this before an answer is what it answers, and no interruption (docs/facts.md G4)."""
_LATE_WORDS_S = 5.0
"""Words that come later after the beginning of an answer are another question's; no bound is known (docs/facts.md G190)."""


class NextEnd(enum.Enum):
    """The turn that the service's next `turnComplete` ends."""

    ANSWER = enum.auto()
    INTERRUPTED = enum.auto()
    """The turn that was interrupted: it says nothing about what was asked since (docs/facts.md G4)."""
    WITHHELD = enum.auto()
    """A turn that the conversation doesn't know to be over, since its interruption was withheld as well."""


class Interruptions:
    """The interruptions of one conversation. `interrupted` was seen in answers that nobody spoke into (docs/facts.md G27).

    Args:
        by_voice: the service lets the caller's voice interrupt the model.
        by_dot: a lone "." ends what the model says.
    """

    def __init__(self, *, by_voice: bool, by_dot: bool) -> None:
        self._by_voice = by_voice
        self.stopped = StoppedAnswer(by_dot=by_dot)
        """The answer that the application has stopped last."""
        self.next_end = NextEnd.ANSWER
        self._asked_at = -math.inf
        """The time of the last message to the model that interrupts it."""
        self._answer_began_at = -math.inf

    def asked(self, now: float, *, waits: bool = False) -> None:
        """A message that wants an answer was written to the model. `waits`: it may wait for the end of what is being said."""
        self._asked_at = now
        self.stopped.asked(now, interrupts=not waits)

    def stop(self, state: Answered, now: float, *, called_at: float) -> None:
        """The application stops the answer of that state. `called_at`: the time of the model's last call of a function."""
        self.stopped.stops(state, now, called_at=called_at)
        self.next_end = NextEnd.ANSWER

    def lost(self) -> None:
        """The connection has ended."""
        self.stopped.lost()
        self.next_end = NextEnd.ANSWER

    def answers(self, began_at: float) -> None:
        """The model speaks, since then."""
        self._answer_began_at = began_at

    def are_real(self, voice: CallerVoice, now: float) -> bool:
        """Whether somebody may have interrupted the model just now."""
        said_at = max(voice.last_at, self._asked_at) if self._by_voice else self._asked_at
        return (self._by_voice and voice.may_speak) or (
            now - said_at <= _NEAR_S and said_at > self._answer_began_at - _UNANSWERED_S
        )

    def precede_answer(self, voice: CallerVoice, now: float) -> bool:
        """Whether words of the caller's that come now, after an answer, were said before it: nothing was said since it began.

        Of a caller who was never loud enough to be heard here, that isn't known.
        """
        return -math.inf < voice.last_at <= self._answer_began_at and now - self._answer_began_at <= _LATE_WORDS_S

    def happened(self) -> None:
        """The model was interrupted."""
        self.next_end = NextEnd.INTERRUPTED

    def withheld(self) -> None:
        """The conversation isn't told of an interruption, nor of the end of that turn."""
        self.next_end = NextEnd.WITHHELD

    def ended(self) -> NextEnd:
        """`turnComplete` has come. Returns what it ends."""
        ends, self.next_end = self.next_end, NextEnd.ANSWER
        return ends
