"""Faults that strike at a moment of the conversation, or some time after it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from emulator.faults.channel import Frame, audio_s, content
from emulator.faults.fault import Fault
from emulator.messages import ClientMessage, Json, ToolResponse

Moment = Literal[
    "start", "setup", "speech", "thinking", "audio", "generated", "interrupted", "turn_complete", "tool_call", "tool_response"
]
"""start: the setup, or the fault's being asked for; setup: setupComplete; speech: the caller begins to speak; thinking: the
caller has spoken or typed; audio: the first of a turn; the rest are messages of these names."""

_NO_TURN = -1


@dataclass(kw_only=True, eq=False)
class MomentFault(Fault):
    """A fault that strikes `after_s` seconds after a moment, once for each turn."""

    at: Moment = "start"
    after_s: float = 0.0
    turn: int = 0
    """The model's turn that the moment is in, by its number; 0 is any. Speech and thinking belong to the turn they lead to."""

    awaited_turn = _NO_TURN

    def strike(self) -> None:
        """Hook: it is `after_s` seconds after the moment."""
        raise NotImplementedError

    def due(self) -> None:
        self.strike()

    def begins(self) -> None:
        if self.at == "start":
            self.due_at = self.channel.now + self.after_s

    def receives(self, message: ClientMessage) -> ClientMessage | None:
        if isinstance(message, ToolResponse):
            self._moment("tool_response", self.channel.turn)
        return message

    def caller_begins(self) -> None:
        self._moment("speech", self.channel.turn + 1)

    def caller_ends(self) -> None:
        self._moment("thinking", self.channel.turn + 1)

    def sends(self, message: Json) -> Iterable[Frame]:
        for moment in _moments(message):
            self._moment(moment, self.channel.turn)
        return (message,)

    def _moment(self, moment: Moment, turn: int) -> None:
        if moment == self.at and turn != self.awaited_turn and (moment == "setup" or self.turn in {0, turn}):
            self.awaited_turn = turn
            self.due_at = self.channel.now + self.after_s


def _moments(message: Json) -> Iterable[Moment]:
    said = content(message)
    if "setupComplete" in message:
        yield "setup"
    if "toolCall" in message:
        yield "tool_call"
    if audio_s(message):
        yield "audio"
    if said.get("generationComplete"):
        yield "generated"
    if said.get("interrupted"):
        yield "interrupted"
    if said.get("turnComplete"):
        yield "turn_complete"
