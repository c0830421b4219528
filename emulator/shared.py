"""The state that all connections of one emulator share."""

from dataclasses import dataclass, field
from typing import Protocol

from emulator.answers import Answers
from emulator.faults.asked import Faults
from emulator.journal import Journal
from emulator.profile import Profile
from emulator.sessions import Sessions
from emulator.tokens import Tokens
from emulator.voice import Voices


class OpenConnection(Protocol):
    """A client's connection, as the server sees it."""

    async def end(self, code: int) -> None:
        """Close the socket with that code."""


@dataclass
class Emulator:
    """The settings of one emulator, and its state that outlives a connection."""

    answers: Answers
    journal: Journal
    api_key: str | None = None
    """The only key that is taken; without it any key is."""
    fallback: Profile | None = None
    """The profile of models that the table doesn't know; without it they are refused."""
    time_scale: float = 1.0
    """Multiplies all limits on how long connections and sessions last."""
    sessions: Sessions = field(default_factory=Sessions)
    voices: Voices = field(default_factory=Voices)
    tokens: Tokens = field(default_factory=Tokens)
    faults: Faults = field(default_factory=Faults)
    connections: set[OpenConnection] = field(default_factory=set)
    """The connections that are open, those whose upgrade isn't answered yet among them."""

    def answer_with(self, answers: Answers) -> None:
        """Change the answers of the sessions that connect from now on."""
        self.answers = answers
