"""Faults of sockets and frames."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from emulator import wire
from emulator.faults.channel import Frame, audio_s
from emulator.faults.fault import Fault, TurnFault, Upgrade, UpgradeFault
from emulator.faults.moments import Moment, MomentFault
from emulator.messages import Json


@dataclass(kw_only=True, eq=False)
class SlowHandshake(UpgradeFault):
    name = "slow_handshake"
    what = "lets the upgrade to a WebSocket wait"
    evidence = "G"

    seconds: float = 12.0

    def upgrade(self) -> Upgrade:
        return Upgrade(delay_s=self.seconds)


@dataclass(kw_only=True, eq=False)
class UpgradeRefused(UpgradeFault):
    name = "upgrade_refused"
    what = "answers the upgrade with an HTTP status, as proxies do"
    evidence = "C S9"

    status: int = field(default=503, metadata={"least": 400, "most": 599})

    def upgrade(self) -> Upgrade:
        return Upgrade(status=self.status)


@dataclass(kw_only=True, eq=False)
class SlowPong(Fault):
    name = "slow_pong"
    what = "answers pings late, on a whole connection (8-30 s: the client's keepalive gives up)"
    evidence = "U S14"

    seconds: float = 30.0

    slow = False

    def pong_delay_s(self) -> float:
        self.slow = self.slow or self.happens()
        return self.seconds if self.slow else 0.0


@dataclass(kw_only=True, eq=False)
class StalledSocket(MomentFault):
    name = "stalled_socket"
    what = "neither reads nor writes any more, for `seconds` (0: for good); TCP stays open"
    evidence = "R S12"

    seconds: float = 0.0

    def due(self) -> None:
        if self.reads:
            self.strike()
        else:
            self.reads = self.writes = True

    def strike(self) -> None:
        if self.happens():
            self.reads = self.writes = False
            end = self.channel.now + self.seconds if self.seconds else math.inf
            self.frozen_until = self.due_at = end


@dataclass(kw_only=True, eq=False)
class FrameOver1MiB(TurnFault):
    name = "frame_over_1MiB"
    what = "pads the first audio frame of a turn with white space beyond 1 MiB: the SDK's client closes 1009"
    evidence = "O"

    frame_bytes: int = field(default=1_100_000, metadata={"least": 1, "most": 64 * 1024 * 1024})

    def sends(self, message: Json) -> Iterable[Frame]:
        if audio_s(message) and not self.spoiling and self.spoils():
            return (wire.encode(message).ljust(self.frame_bytes),)
        return (message,)


@dataclass(kw_only=True, eq=False)
class UnknownMessage(MomentFault):
    name = "unknown_message"
    what = "sends a message with a top-level key that the SDK doesn't know: its receive() raises TypeError"
    evidence = "O"

    at: Moment = "audio"
    key: str = "somethingNew"

    def strike(self) -> None:
        if self.happens():
            self.channel.send({self.key: {}})


@dataclass(kw_only=True, eq=False)
class MalformedMessage(MomentFault):
    name = "malformed_message"
    what = "sends a frame that is no message: cut off JSON, an array, no UTF-8, or nothing"
    evidence = "G"

    at: Moment = "audio"
    form: Literal["cut", "array", "binary", "empty"] = "cut"

    def strike(self) -> None:
        if self.happens():
            self.channel.send(_MALFORMED[self.form])


_MALFORMED = {"cut": b'{"serverContent":{"modelTu', "array": b"[]", "binary": b"\xff\xfe\x00\x80", "empty": b""}


class KeepaliveFlood(Fault):
    name = "keepalive_flood"
    what = "sends `{}` before each message, on a whole connection"
    evidence = "R"

    floods = False

    def sends(self, message: Json) -> Iterable[Frame]:
        self.floods = self.floods or self.happens()
        return ({}, message) if self.floods else (message,)
