"""The remedies for output that the service owes and that is late. Pure."""

import enum
from dataclasses import dataclass

from agent.gemini.events import Cause


class Step(enum.Enum):
    """The remedy for output that is late."""

    REMIND = enum.auto()
    ASK = enum.auto()
    """Ask the model in text about speech that the service has shown no sign of."""
    NEW_SOCKET = enum.auto()
    NEW_SESSION = enum.auto()
    GIVE_UP = enum.auto()
    LEAVE_ALONE = enum.auto()
    PING = enum.auto()
    END_TURN = enum.auto()
    """All of the answer has come and been played; only `turnComplete` is missing."""


@dataclass(frozen=True)
class Alarm:
    """A remedy that is due, and its cause."""

    step: Step
    cause: Cause
