"""The state of the current turn as the link sees it: what the model owes, what it has said, until when that plays. Pure."""

import enum
import math

from agent.gemini.messages import Received
from agent.gemini.news import During

_TRAIL_S = 1.0
"""A message interrupts an answer within 0.1 s (docs/facts.md G13); what was on its way comes first."""
_CHARACTERS_PER_S = 15.0
"""Of speech, roughly: transcripts run ahead of the sound that they belong to."""


class State(enum.Enum):
    IDLE = enum.auto()
    OWED = enum.auto()
    """Somebody has said something to the model, or a tool has returned."""
    SPEAKING = enum.auto()
    SPOKEN = enum.auto()
    """All of the answer has come; `turnComplete` follows when it has been played."""


class Turn:
    def __init__(self) -> None:
        self.state = State.IDLE
        self.owed_since = self.indebted_since = -math.inf
        self.certain = False
        """What is owed was certainly meant for the model: it was typed, or asked by the worker, or a tool has returned."""
        self.question = ""
        """The caller's words that are owed an answer, as transcribed."""
        self.ended_at = -math.inf
        self.began_at = -math.inf
        """When the answer began to come."""
        self.output_at = -math.inf
        """When the last of the answer came."""
        self.plays_until = -math.inf
        """When the sound that has come will have been played."""
        self.is_generated = False
        """All of the answer has come; more may have been asked since."""
        self._pieces: list[tuple[float, str]] = []
        self._sound_s = 0.0
        self._written_into_at = -math.inf

    @property
    def said(self) -> str:
        """All words of the answer that have come."""
        return "".join(words for _, words in self._pieces)

    @property
    def heard(self) -> str:
        """The words of the answer whose sound has come as well; rather too few than too many."""
        found = ""
        for starts_s, words in self._pieces:
            fits = int((self._sound_s - starts_s) * _CHARACTERS_PER_S)
            if fits < len(words):
                return found + words[: max(fits, 0)].rpartition(" ")[0]
            found += words
        return found

    @property
    def has_sound(self) -> bool:
        return self._sound_s > 0

    @property
    def is_begun(self) -> bool:
        """Some of the answer has come, and it is not over."""
        return self.has_sound or bool(self._pieces)

    @property
    def is_left_open(self) -> bool:
        """All of the answer has come, or will ever come by this connection; but nobody has said that it is over."""
        return self.state is State.SPOKEN or (self.state is State.OWED and self.is_begun)

    def is_followed_by(self, received: Received) -> bool:
        """All of the answer has come, and this is the beginning of another."""
        return self.is_generated and (bool(received.pcm) or (received.is_output and self.state is State.OWED))

    def written(self, now: float) -> None:
        """Somebody has typed; into the answer, if there is one."""
        if self.state is State.SPEAKING:
            self._written_into_at = now
        self.asked(now)

    def asked(self, now: float, *, certain: bool = True) -> None:
        """Words that want an answer were sent."""
        self.certain = certain
        self._owe(now)

    def caller_said(self, words: str, now: float) -> None:
        """The service has understood words of the caller's."""
        was_played = self.state is State.SPOKEN and now >= self.plays_until  # and nobody has said that it is over
        if self.state in {State.IDLE, State.OWED} or was_played:
            self.question = words if was_played else self.question + words
            self._owe(now)

    def _owe(self, now: float) -> None:
        if self.state is not State.OWED:
            self.indebted_since = now
        self.owed_since = now
        self.state = State.OWED

    def trails(self, now: float) -> bool:
        """It was written into just now, and what comes is still the old answer's."""
        return self.state is State.OWED and not self.is_generated and now - self._written_into_at <= _TRAIL_S

    def output(self, received: Received, now: float) -> None:
        """The model speaks."""
        if not self.is_begun:
            self.began_at = now
        if not self.trails(now):
            self.state = State.SPEAKING
        self.output_at = now
        if received.words:
            self._pieces.append((self._sound_s, received.words))
        if received.pcm:
            self._sound_s += received.duration_s
            self.plays_until = max(self.plays_until, now) + received.duration_s

    def complete_generation(self) -> None:
        self.is_generated = self.is_begun
        if self.state is State.SPEAKING:
            self.state = State.SPOKEN

    def drop_answer(self) -> None:
        """The answer is over because more was asked: that is still owed."""
        self.state = State.OWED
        self._clear()

    def end(self, now: float) -> None:
        """The turn is over: complete, or interrupted."""
        self.state, self.certain, self.question = State.IDLE, False, ""
        self.ended_at = now
        self._clear()

    def _clear(self) -> None:
        self._pieces, self._sound_s, self.is_generated = [], 0.0, False
        self._written_into_at = -math.inf

    def silence(self, now: float) -> None:
        """What has come isn't played any further."""
        self.plays_until = min(self.plays_until, now)

    def during(self, *, caller_speaks: bool, tool_runs: bool) -> During:
        """What a loss now falls into."""
        if self.state in {State.SPEAKING, State.SPOKEN}:
            return During.AGENT_SPEAKS
        if caller_speaks:
            return During.CALLER_SPEAKS
        return During.OWED if tool_runs or self.state is State.OWED else During.IDLE
