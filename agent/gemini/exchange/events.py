"""What changes who owes what, in the conversation with Gemini. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Something that changes who owes what."""

    now: float


class Asked(Event):
    """A message that wants an answer was written to the model: typed by the caller, or by the worker."""


class ToolsReturned(Event):
    """The model was given results that it is to speak about."""


@dataclass(frozen=True)
class CallerSaid(Event):
    """The service has understood words of the caller's."""

    words: str
    is_played: bool
    """All sound of the model's has been played by now."""


@dataclass(frozen=True)
class Output(Event):
    """The model speaks."""

    words: str
    sound_s: float


class OtherAnswer(Event):
    """The beginning of another answer has come, and nobody has said that the one before is over."""


class Generated(Event):
    """`generationComplete`: all of the answer has come."""


class TurnComplete(Event):
    """`turnComplete`, of an answer that is to be taken for over."""


class Interrupted(Event):
    """`interrupted`, and somebody did."""


class BargedIn(Event):
    """The caller talks over sound that still plays, and no service is there to say so."""


class Reminded(Event):
    """The model was told what it owes."""


class LeftAlone(Event):
    """No answer is expected any more."""


class EndMissing(Event):
    """The answer has been played, and `turnComplete` doesn't come."""


class WaitTold(Event):
    """The caller is told that it takes a moment: the answer is over for the conversation, so that this can be said."""


class Lost(Event):
    """The connection has ended."""


@dataclass(frozen=True)
class Opened(Event):
    """There is a connection."""

    is_reminded: bool
    """The model was told what it owes."""
