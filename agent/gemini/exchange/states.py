"""The states of the exchange, each with its facts: what the model owes, what it has said, what the caller missed. Pure."""

import enum
import math
from dataclasses import dataclass, replace

from agent.gemini.exchange.overlap import Overlap

_CHARACTERS_PER_S = 15.0
"""The pace of speech, roughly: transcripts run ahead of the sound that they belong to (docs/facts.md G3)."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the model."""

    words: str
    """The caller's, as transcribed; empty where it was typed or asked by the worker."""
    addressed_to_model: bool
    """True if it was typed, or asked by the worker, or a tool has returned: it wasn't meant for somebody else in the room."""
    since: float
    """The time at which the first part was asked."""
    asked_at: float
    """The time at which the last part was asked."""
    reminders: int = 0
    """The number of reminders that the model was given."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The output of an answer so far. Empty: nothing has come that the conversation isn't done with."""

    began_at: float
    last_at: float
    """The time at which the last output came."""
    pieces: tuple[tuple[float, str], ...] = ()
    """Words, each with the seconds of sound before it."""
    sound_s: float = 0.0
    said_over: Request | None = None
    """The caller's words over this answer, which they don't interrupt: the service answers them when it is over."""
    heard_before: str = ""
    """Words of it that the caller has heard of another process; the conversation here doesn't know them."""

    @property
    def is_begun(self) -> bool:
        """Some of it has come, and the conversation takes it for open."""
        return self.sound_s > 0 or bool(self.pieces)

    @property
    def words(self) -> str:
        """All words that have come."""
        return self.heard_before + "".join(words for _, words in self.pieces)

    @property
    def spoken_words(self) -> str:
        """The words whose sound has come as well; rather too few than too many."""
        return self.words_within(self.sound_s)

    def words_within(self, sound_s: float) -> str:
        """The words in the first `sound_s` seconds of its sound; rather too few than too many."""
        found = self.heard_before
        for starts_s, words in self.pieces:
            fits = int((sound_s - starts_s) * _CHARACTERS_PER_S)
            if fits < len(words):
                return found + words[: max(fits, 0)].rpartition(" ")[0]
            found += words
        return found

    def goes_on(self, words: str, sound_s: float, now: float) -> "Answer":
        """More of it has come."""
        pieces = (*self.pieces, (self.sound_s, words)) if words else self.pieces
        began_at = self.began_at if self.is_begun else now
        return replace(self, began_at=began_at, last_at=now, pieces=pieces, sound_s=self.sound_s + sound_s)

    def closed(self) -> "Answer":
        """The conversation takes it for over."""
        return replace(self, pieces=(), sound_s=0.0)


@dataclass(frozen=True, slots=True)
class Quiet:
    """The state in which neither side waits for the other."""

    since: float = -math.inf


@dataclass(frozen=True, slots=True)
class Owed:
    """The model was asked, and nothing of an answer has come."""

    request: Request


@dataclass(frozen=True, slots=True)
class Answering:
    """The model speaks."""

    request: Request
    """The request that is being answered."""
    answer: Answer
    asked_since: Request | None = None
    """A request that came since the answer began, and may not be answered by it."""
    overlap: Overlap | None = None
    """The answer broke off before and goes on: words that come twice are to be left out.

    It is the only part of a state that changes in place, as words come.
    """


@dataclass(frozen=True, slots=True)
class Superseded:
    """The model has begun an answer and was asked something else since, which it owes as well."""

    request: Request
    """The request that came since."""
    answer: Answer
    trails_until: float
    """Output until then is still the old answer's (docs/facts.md G13)."""
    is_whole: bool
    """All of the old answer has come: what comes next is another."""
    overlap: Overlap | None = None


@dataclass(frozen=True, slots=True)
class PlayingOut:
    """All of the answer has come; `turnComplete` follows when it has been played (docs/facts.md G3)."""

    request: Request
    answer: Answer
    asked_since: Request | None = None


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """The answer has stopped in the middle: its connection was lost, or it may still go on by itself."""

    request: Request
    """The request that was being answered."""
    answer: Answer
    spoken_words: str
    """The last that the caller has heard of it."""
    overlap: Overlap
    since: float
    asked_since: Request | None = None
    """A request that came since the answer began, and may not be answered by it."""


@dataclass(frozen=True, slots=True)
class RestOwed:
    """The model is told to go on with an answer that broke off, and nothing has come yet."""

    request: Request
    answer: Answer
    spoken_words: str
    overlap: Overlap
    asked_since: Request | None = None


State = Quiet | Owed | Answering | Superseded | PlayingOut | BrokenOff | RestOwed
Requested = Owed | Answering | Superseded | PlayingOut | BrokenOff | RestOwed
"""States with a request."""
Answered = Answering | Superseded | PlayingOut | BrokenOff | RestOwed
"""States with an answer."""
Broken = BrokenOff | RestOwed
"""States with an answer that broke off."""
Awaited = Owed | Superseded | RestOwed
"""States in which the model is to begin something."""


def is_generating(state: State) -> bool:
    """The model is in the middle of an answer, or is to go on with one."""
    is_begun = isinstance(state, Superseded) and not state.is_whole
    return is_begun or isinstance(state, Answering | Broken)


def has_open_answer(state: State) -> bool:
    """The conversation takes an answer for open."""
    return isinstance(state, Answered) and state.answer.is_begun


def overlap_of(state: State) -> Overlap | None:
    """The words to leave out of those that come, if they go on with an answer that broke off."""
    return state.overlap if isinstance(state, Answering | Superseded | Broken) else None


class End(enum.Enum):
    """The end of an answer as the conversation hears of it."""

    TOLD = enum.auto()
    """By the service's own message."""
    CUT = enum.auto()
    """By an interruption: what had not been spoken wasn't said."""
    UNTOLD = enum.auto()
    """The service says nothing about it."""
