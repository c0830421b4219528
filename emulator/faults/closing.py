"""Faults that end the connection: closes at any moment, and what goes wrong around GoAway."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from emulator.closes import GO_AWAY_IGNORED, IDLE, INVALID_ARGUMENT, SESSION_LOCKED, Close
from emulator.faults.channel import Frame
from emulator.faults.fault import Fault
from emulator.faults.moments import Moment, MomentFault
from emulator.lifetime import duration
from emulator.messages import ClientMessage, Json

_DEADLINE = Close(1011, "Deadline expired before operation could complete.")
_REASONS = {close.code: close.reason for close in (INVALID_ARGUMENT, IDLE, SESSION_LOCKED)}

CloseCode = Literal[1008, 1011]


@dataclass(kw_only=True, eq=False)
class CloseAt(MomentFault):
    name = "close"
    what = "closes with any code (1006: no close frame) at any moment; `at=setup` closes in place of setupComplete"
    evidence = "R"

    code: int = field(default=1011, metadata={"least": 1000, "most": 4999})
    reason: str = ""
    """The close frame's reason; an empty one becomes what the service says with that code."""

    def sends(self, message: Json) -> Iterable[Frame]:
        super().sends(message)
        instead = self.at == "setup" and "setupComplete" in message
        return () if instead else (message,)

    def strike(self) -> None:
        if self.happens():
            self.channel.shut(Close(self.code, self.reason or _REASONS.get(self.code, "")))


class Abrupt1006(MomentFault):
    name = "abrupt_1006"
    what = "resets the TCP connection at any moment, without a close frame"
    evidence = "U"

    def strike(self) -> None:
        if self.happens():
            self.channel.shut(Close(1006, ""))


@dataclass(kw_only=True, eq=False)
class GoAway(MomentFault):
    name = "goaway"
    what = "announces the end with `seconds` left, goes on as usual, and closes when they are over"
    evidence = "R S20"

    after_s: float = 5.0
    seconds: float = 10.0
    code: CloseCode = 1008

    announced = False

    def _moment(self, moment: Moment, turn: int) -> None:
        if not self.announced:  # the end that was announced stays where it is
            super()._moment(moment, turn)

    def due(self) -> None:
        if self.announced:
            self.channel.shut(GO_AWAY_IGNORED if self.code == 1008 else _DEADLINE)
        else:
            self.strike()

    def strike(self) -> None:
        if self.happens():
            self.announced = True
            self.channel.send({"goAway": {"timeLeft": duration(self.seconds)}})
            self.due_at = self.channel.now + self.seconds


class GoAwaySilent(GoAway):
    name = "goaway_silent"
    what = "announces the end with `seconds` left, and nothing more comes until the close"
    evidence = "U"

    def sends(self, message: Json) -> Iterable[Frame]:
        super().sends(message)
        return () if self.announced else (message,)


@dataclass(kw_only=True, eq=False)
class GoAwayMissing(MomentFault):
    name = "goaway_missing"
    what = "closes as at the end of a connection's time, without a GoAway before it"
    evidence = "R S12 U"

    after_s: float = 15.0
    code: CloseCode = 1008

    def strike(self) -> None:
        if self.happens():
            self.channel.shut(GO_AWAY_IGNORED if self.code == 1008 else _DEADLINE)


@dataclass(kw_only=True, eq=False)
class IdleAbort(Fault):
    name = "idle_abort"
    what = "closes 1008 after `seconds` without any input"
    evidence = "R U S16"

    seconds: float = field(default=150.0, metadata={"least": 0.05})

    def begins(self) -> None:
        self.due_at = self.channel.now + self.seconds

    def receives(self, message: ClientMessage) -> ClientMessage | None:
        self.begins()
        return message

    def due(self) -> None:
        if self.happens():
            self.channel.shut(IDLE)
