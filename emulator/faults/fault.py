"""A fault: a named way to break, with parameters, hooks into one connection, and a count of its happening.

Whoever asks for a fault makes a prototype. Each connection gets a copy, and what a copy knows of its connection stands in
attributes that are no parameters. All copies share the `Tally`. The fields of a fault's dataclass are its parameters:
`emulator.faults.catalogue` reads them from text, TOML and JSON.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self

from emulator.faults.channel import Channel, Frame
from emulator.messages import ClientMessage, Json

_MOST_HANDLES = 1000


@dataclass(frozen=True)
class Upgrade:
    """The effect of faults on the HTTP request of a connection."""

    delay_s: float = 0.0
    status: int | None = None
    """The HTTP status that refuses the upgrade; None lets it through."""


class Tally:
    """The count of one fault that was asked for, over all connections, and its memory from one connection to the next."""

    def __init__(self, fault: "Fault") -> None:
        self.fault = fault
        self.happened = 0
        self.withdrawn = False
        self._connections = 0
        self._by_handle: dict[str, object] = {}

    def selects(self, model: str) -> bool:
        """Whether the fault is meant for a new connection of that model."""
        if self.fault.model not in {"", model}:
            return False
        self._connections += 1
        return self.fault.connection in {0, self._connections}

    @property
    def left(self) -> bool:
        """Whether the fault is to happen again."""
        return not self.withdrawn and (not self.fault.times or self.happened < self.fault.times)

    def withdraw(self) -> None:
        """Ask for the fault no more."""
        self.withdrawn = True

    def happens(self) -> bool:
        """Count that the fault happens; returns False when it has happened often enough."""
        if not self.left:
            return False
        self.happened += 1
        return True

    def remember(self, handle: str, value: object) -> None:
        """Keep something for a later connection; beyond a thousand handles the oldest is forgotten."""
        self._by_handle.pop(handle, None)
        self._by_handle[handle] = value
        if len(self._by_handle) > _MOST_HANDLES:
            del self._by_handle[next(iter(self._by_handle))]

    def recall(self, handle: str | None) -> object:
        return None if handle is None else self._by_handle.get(handle)


@dataclass(kw_only=True, eq=False)
class Fault:
    """Base of all faults. A hook does nothing unless a fault overrides it; `self.channel` is the connection."""

    name: ClassVar[str]
    what: ClassVar[str]
    evidence: ClassVar[str]
    """R recorded, U reported, C read from clients' code, O observed with the SDK, G guessed; then the source."""

    times: int = 1
    """The number of times that the fault happens, over all connections; 0 is always."""
    connection: int = 0
    """The number of the connection that the fault is for, counted since it was asked for; 0 is any."""
    model: str = ""
    """The model whose connections the fault is for, as `python -m emulator profiles` names it; empty is any."""

    tally: Tally = field(init=False, repr=False)
    channel: Channel = field(init=False, repr=False)

    due_at = math.inf
    """The time at which `due` is called."""
    frozen_until = -math.inf
    """The conversation's own time stands still until then."""
    hastens = False
    """The conversation's own time runs on to its next act at once."""
    reads = True
    writes = True

    def copy(self, tally: Tally) -> Self:
        """Make a copy of the fault for a connection."""
        copied = type(self)(**self.parameters())
        copied.tally = tally
        return copied

    def start(self, channel: Channel) -> None:
        """Begin on a connection."""
        self.channel = channel
        self.begins()

    def run_due(self) -> None:
        """Do what was planned for `due_at`."""
        self.due_at = math.inf
        self.due()

    def stop_hastening(self) -> None:
        """Let the conversation's own time pass as everybody's."""
        self.hastens = False

    def parameters(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self) if each.init}

    def happens(self) -> bool:
        """Count the fault, at the very moment at which it changes something; on False nothing may be changed."""
        return self.tally.happens()

    def begins(self) -> None:
        """Hook: the setup was received, or the fault was asked for on a running connection."""

    def receives(self, message: ClientMessage) -> ClientMessage | None:
        """Hook: what the conversation gets of a client's message; None is nothing."""
        return message

    def caller_begins(self) -> None:
        """Hook: the caller is heard to speak."""

    def caller_ends(self) -> None:
        """Hook: the caller has stopped to speak, or has typed a turn."""

    def sends(self, message: Json) -> Iterable[Frame]:
        """Hook: what goes out in place of a server message."""
        return (message,)

    def turn_ended(self) -> None:
        """Hook: the model's turn was interrupted or is complete."""

    def due(self) -> None:
        """Hook: it is `due_at`, which has been reset."""

    def pong_delay_s(self) -> float:
        """Hook: by how many seconds the pong to a ping has to wait."""
        return 0.0

    def forgets(self, _handle: str) -> bool:
        """Hook: whether the service has forgotten the session that is resumed."""
        return False


@dataclass(kw_only=True, eq=False)
class UpgradeFault(Fault):
    """A fault of the HTTP request, when neither model nor session is known."""

    model: str = field(default="", init=False)

    def upgrade(self) -> Upgrade:
        raise NotImplementedError


@dataclass(kw_only=True, eq=False)
class TurnFault(Fault):
    """A fault that spoils a whole turn of the model."""

    turn: int = 0
    """The number of the model's turn on the connection that is spoilt; 0 is any."""

    spoilt_turn = 0

    def spoils(self) -> bool:
        """Whether the connection's turn is one to spoil; the first time is counted."""
        if self.spoiling:
            return True
        if self.turn not in {0, self.channel.turn} or not self.happens():
            return False
        self.spoilt_turn = self.channel.turn
        return True

    @property
    def spoiling(self) -> bool:
        """Whether the connection's turn is spoilt already."""
        return 0 < self.spoilt_turn == self.channel.turn

    def turn_ended(self) -> None:
        self.hastens = False
        self.frozen_until = -math.inf


def without(message: Json, *keys: str) -> Json:
    """A message without some fields of its serverContent."""
    kept: Mapping[str, Any] = {key: value for key, value in message["serverContent"].items() if key not in keys}
    return {**message, "serverContent": kept}
