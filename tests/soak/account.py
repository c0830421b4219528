"""The books of one link, or one call: what was asked, what came of it, what happened to the connection. Pure.

What doesn't add up is in `wrong`, each in a sentence, with what had happened before it.
"""

from collections import Counter, deque
from dataclasses import dataclass, field

from agent.gemini import Cause, Kind, LinkEvent

ENDING = "to its end"
"""The last words of every answer of the script's: who hears them has heard an answer whole."""
_SHOWN = 40
_PLANNED = {Cause.GOAWAY, Cause.AGE, Cause.SETTINGS}
_BREAKS = 1008
"""A close that the link takes for a broken session: the second in a row is final, and rightly so."""


@dataclass
class Question:
    """Something that the caller wants an answer to."""

    number: int
    how: str
    """spoken, typed or tool."""
    asked_at: float
    heard: str = ""
    """The answer's words so far."""
    tool_runs: int = 0

    @property
    def is_answered(self) -> bool:
        return ENDING in self.heard


@dataclass
class Book:
    """One caller's. `patience_s`: who waits for longer is stuck."""

    name: str
    patience_s: float
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    interrupted: int = 0
    """Answers that the caller talked over."""
    twice: int = 0
    """Answers whose end was heard twice."""
    waits_s: list[float] = field(default_factory=list)
    """From each question to the end of its answer's words."""
    events: Counter[tuple[Kind, Cause]] = field(default_factory=Counter)
    gaps_ms: list[int] = field(default_factory=list)
    """Silence that the caller heard at each loss and handover, as the link tells it."""
    wrong: list[str] = field(default_factory=list)
    is_over: bool = False
    """The link has said that it is."""
    question: Question | None = None
    """The one that is open."""
    _lost: LinkEvent | None = None
    _lost_at: float = 0.0
    _breaks: int = 0
    _diary: deque[str] = field(default_factory=lambda: deque(maxlen=_SHOWN))

    # The conversation

    def asks(self, how: str, now: float) -> None:
        """The caller has finished a question."""
        self.asked[how] += 1
        self.question = Question(self.asked.total(), how, now)
        self.note(f"asks {self.question.number} ({how})", now)

    def hears(self, words: str, now: float) -> None:
        """Words of the model's."""
        self._breaks = 0
        if self.question is not None:
            self.question.heard += words
        self.note(f"hears {words!r}", now)

    def runs_tool(self, now: float) -> None:
        self.note("runs the tool", now)
        if self.question is None:
            return
        self.question.tool_runs += 1
        if self.question.tool_runs > 1:
            self.misses(f"ran the tool of question {self.question.number} {self.question.tool_runs} times", now)

    def settles(self, now: float) -> None:
        """The answer has been heard to its end, or talked over."""
        question, self.question = self.question, None
        if question is None:
            return
        self.answered[question.how] += question.is_answered
        self.interrupted += not question.is_answered
        self.twice += question.heard.count(ENDING) > 1
        self.note(f"settles {question.number}: {question.heard!r}", now)

    def waited(self, now: float) -> None:
        """The last words of the answer have come."""
        if self.question is not None:
            self.waits_s.append(now - self.question.asked_at)

    def is_stuck(self, now: float) -> bool:
        """The caller waits for too long. It is told once; the question is given up."""
        question = self.question
        if question is None or now - question.asked_at <= self.patience_s:
            return False
        self.waits_s.append(now - question.asked_at)
        self.misses(f"question {question.number} ({question.how}) has no answer after {self.patience_s:g} s", now)
        self.question = None
        return True

    # The connection

    def happens(self, event: LinkEvent, now: float) -> None:
        """What the link tells."""
        self.events[event.kind, event.cause] += 1
        self.note(f"link: {' '.join(f'{name}={value}' for name, value in event.facts().items())}", now)
        if event.gap_ms is not None:
            self.gaps_ms.append(event.gap_ms)
        if self.is_over:
            self.misses(f"the link tells {event.kind} after its end", now)
        match event.kind:
            case Kind.LOST:
                self._loses(event, now)
            case Kind.RESTORED | Kind.HANDED_OVER:
                self._goes_on(event, now)
            case Kind.FAILED:
                self._fails(event, now)

    def _loses(self, event: LinkEvent, now: float) -> None:
        if self._lost is not None:
            self.misses("a connection was lost again before it was told to be restored", now)
        self._lost, self._lost_at = event, now
        self._breaks += event.code == _BREAKS

    def _goes_on(self, event: LinkEvent, now: float) -> None:
        planned = event.kind is Kind.HANDED_OVER or (self._lost is None and event.cause in _PLANNED)
        if planned and self._lost is not None:
            self.misses(f"a handover was told within a loss ({self._lost.cause})", now)
        if not planned and (self._lost is None or self._lost.cause is not event.cause):
            self.misses(f"what was restored ({event.cause}) had not been lost", now)
        self._lost = None

    def _fails(self, event: LinkEvent, now: float) -> None:
        self.is_over, self._lost, self.question = True, None, None
        if not (event.cause is Cause.CLOSED and self._breaks >= 2):
            self.misses(f"the link gave up: {event.cause} {event.code or ''} {event.reason or ''}".rstrip(), now)

    def close(self, now: float) -> None:
        """The call ends, and everybody has had the time to finish."""
        if self.question is not None:
            self.misses(f"question {self.question.number} is still open", now)
        if self._lost is not None and now - self._lost_at > self.patience_s:
            self.misses(f"a connection that was lost ({self._lost.cause}) was never told to be restored", now)

    # What a reader needs when something is wrong

    def note(self, what: str, now: float) -> None:
        """Remember what happened; the oldest of forty such lines goes."""
        self._diary.append(f"{now:9.2f}  {what}")

    def misses(self, what: str, now: float) -> None:
        """Something doesn't add up."""
        before = "\n".join(f"    {line}" for line in self._diary)
        self.wrong.append(f"{self.name} at {now:.1f} s: {what}. Before it:\n{before}")
