"""Faults in the order of a turn's messages."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from emulator.faults.channel import COMPLETE, GENERATED, INTERRUPTED, Frame, content, says_something
from emulator.faults.fault import Fault, TurnFault
from emulator.faults.moments import Moment, MomentFault
from emulator.messages import ClientMessage, Json, Text, ToolResponse

_MOST_HELD = 1000
_PIECE_S = 0.1


class EmptyTurn(TurnFault):
    name = "empty_turn"
    what = "completes a turn at once, without any content"
    evidence = "C S3"

    begun_turn = 0
    """The turn that was being spoken when the fault was asked for: it has content already."""

    def begins(self) -> None:
        self.begun_turn = self.channel.turn if self.channel.turn_open else 0

    def sends(self, message: Json) -> Iterable[Frame]:
        if says_something(message) and self.channel.turn != self.begun_turn and self.spoils():
            self.hastens = True
            return ()
        return (message,)


class EarlyTurnComplete(TurnFault):
    name = "early_turn_complete"
    what = "sends turnComplete with generationComplete, long before the sound has been played"
    evidence = "G"

    def sends(self, message: Json) -> Iterable[Frame]:
        if content(message).get("generationComplete") and self.spoils():
            self.hastens = True
        return (message,)


@dataclass(kw_only=True, eq=False)
class LateTurnComplete(TurnFault):
    name = "late_turn_complete"
    what = "holds turnComplete for `seconds` beyond the end of the sound"
    evidence = "C S2"

    seconds: float = 10.0

    def sends(self, message: Json) -> Iterable[Frame]:
        if content(message).get("generationComplete") and self.spoils():
            self.frozen_until = self.channel.now + self.seconds
        return (message,)


class NeverTurnComplete(TurnFault):
    name = "never_turn_complete"
    what = "leaves out the turnComplete of a turn"
    evidence = "C S2"

    def sends(self, message: Json) -> Iterable[Frame]:
        return () if content(message).get("turnComplete") and self.spoils() else (message,)


@dataclass(kw_only=True, eq=False)
class PhantomInterrupted(MomentFault):
    name = "phantom_interrupted"
    what = "interrupts the model although nobody spoke"
    evidence = "G"

    at: Moment = "audio"
    after_s: float = 0.5

    def strike(self) -> None:
        if self.channel.turn_open and self.happens():
            self.channel.interrupt()


class EarlyInterruptNoTurn(TurnFault):
    name = "early_interrupt_no_turn"
    what = "sends `interrupted` and turnComplete without content before a turn begins"
    evidence = "C S3"

    def sends(self, message: Json) -> Iterable[Frame]:
        if says_something(message) and not self.spoiling and self.spoils():
            return (INTERRUPTED, COMPLETE, message)
        return (message,)


class VertexDoubleTurn(Fault):
    name = "vertex_double_turn"
    what = "completes the turn after a tool response, before the answer to it, which is a turn of its own"
    evidence = "R S10"

    responded = False

    def receives(self, message: ClientMessage) -> ClientMessage | None:
        self.responded = self.responded or isinstance(message, ToolResponse)
        return message

    def sends(self, message: Json) -> Iterable[Frame]:
        if not (self.responded and says_something(message)):
            return (message,)
        self.responded = False
        return (GENERATED, COMPLETE, message) if self.happens() else (message,)


class EchoTextAsTranscription(Fault):
    name = "echo_text_as_transcription"
    what = "sends a realtimeInput.text back as inputTranscription"
    evidence = "U S15"

    def receives(self, message: ClientMessage) -> ClientMessage | None:
        if isinstance(message, Text) and self.happens():
            self.channel.send({"serverContent": {"inputTranscription": {"text": message.text}}})
        return message


@dataclass(kw_only=True, eq=False)
class LateTranscript(Fault):
    name = "late_transcript"
    what = "holds the caller's words of a turn for `seconds`, and then sends a piece every 0.1 s, into the answer or after it"
    evidence = "G S5"

    seconds: float = 1.0

    held: deque[Json] = field(init=False, default_factory=lambda: deque(maxlen=_MOST_HELD))
    """Pieces that wait; of more than `_MOST_HELD` the oldest are lost."""

    def sends(self, message: Json) -> Iterable[Frame]:
        if "inputTranscription" not in content(message) or not (self.held or self.happens()):
            return (message,)
        if not self.held:
            self.due_at = self.channel.now + self.seconds
        self.held.append(message)
        return ()

    def due(self) -> None:
        self.channel.send(self.held.popleft())
        if self.held:
            self.due_at = self.channel.now + _PIECE_S
