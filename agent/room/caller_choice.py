"""Decides which human in a room is the caller. Pure: facts and `now` (seconds, one clock) in, an identity out.

The caller is the first human who may publish sound, or who types. A human who only listens is audience. `Hold` says how firmly
the caller holds the call, and `TAKES` which humans take it from a caller with that hold:

* Until the caller has a microphone, a human who has one takes the call: the agent must not be deaf to who speaks.
* Until the caller has spoken or typed, a human who joined earlier, and may speak, takes the call back by typing.
* A caller who has spoken or typed keeps the call until they leave, hang up or can't be reached.
* A caller who can't be reached stays the caller until somebody who can be reached takes the call: listening costs nothing. If
  they had spoken or typed, they take it back when they can be reached again, unless the new caller has spoken or typed.

A call that nobody holds goes to the highest bid; among equal bids, to the first who joined.
"""

import enum
from dataclasses import dataclass

RETURNS_S = 2.0
"""A caller whose connection is being replaced is waited for this long, in seconds, before another human takes the call."""
MOST_HUMANS = 1000
"""Humans of one room that are remembered; more of them stay audience."""


class Claim(enum.IntEnum):
    """The part that a human in the room can play. Higher ones come first when nobody holds the call."""

    NONE = 0
    """A telephone that hasn't been answered."""
    LISTENS = 1
    """May not publish sound."""
    MAY_SPEAK = 2
    MICROPHONE = 3
    """Has published a microphone, open or muted."""


class Hold(enum.Enum):
    """The firmness with which the caller holds the call."""

    VACANT = enum.auto()
    """Nobody is the caller yet, or the last one is gone."""
    RETURNING = enum.auto()
    """The caller's connection is being replaced."""
    UNREACHABLE = enum.auto()
    """The room lists the caller, but they don't answer."""
    SILENT = enum.auto()
    """The caller has no microphone, and hasn't typed."""
    READY = enum.auto()
    """The caller has a microphone, and hasn't said anything yet."""
    ENGAGED = enum.auto()
    """The caller has spoken or typed."""


class Bid(enum.IntEnum):
    """The claim of a human other than the caller, by what they do. Higher ones come first when nobody holds the call."""

    UNREACHABLE = enum.auto()
    """Doesn't answer, and may speak or was the caller."""
    MAY_SPEAK = enum.auto()
    MICROPHONE = enum.auto()
    RETURNS = enum.auto()
    """Had spoken or typed as the caller, couldn't be reached, and can be again."""
    TYPES = enum.auto()
    TYPES_EARLIER = enum.auto()
    """Types, may speak, and joined before the caller."""


TAKES: dict[Hold, frozenset[Bid]] = {
    Hold.VACANT: frozenset(Bid),
    Hold.RETURNING: frozenset(),
    Hold.UNREACHABLE: frozenset(Bid) - {Bid.UNREACHABLE},
    Hold.SILENT: frozenset({Bid.MICROPHONE, Bid.RETURNS, Bid.TYPES_EARLIER}),
    Hold.READY: frozenset({Bid.RETURNS, Bid.TYPES_EARLIER}),
    Hold.ENGAGED: frozenset(),
}
"""Bids that take the call, by the hold of the caller who has it."""


@dataclass
class _Human:
    order: int
    """The place in the order of joining, from 1."""
    claim: Claim
    engaged: bool = False
    """Has spoken or typed as the caller, and has lost the call at most because they couldn't be reached."""
    reachable: bool = True

    @property
    def bid(self) -> Bid | None:
        if self.claim is Claim.NONE or not (self.engaged or self.claim >= Claim.MAY_SPEAK):
            return None
        if not self.reachable:
            return Bid.UNREACHABLE
        if self.engaged:
            return Bid.RETURNS
        return {Claim.MICROPHONE: Bid.MICROPHONE, Claim.MAY_SPEAK: Bid.MAY_SPEAK}.get(self.claim)


class CallerChoice:
    """Keeps who is in the room and who the caller is."""

    def __init__(self) -> None:
        self._humans: dict[str, _Human] = {}
        self._joined = 0
        self._caller = ""
        self._returns_until: float | None = None

    @property
    def caller(self) -> str:
        """The caller's identity; the last one's while nobody holds the call, and empty before the first."""
        return self._caller

    @property
    def hold(self) -> Hold:
        human = self._humans.get(self._caller)
        if human is None:
            return Hold.VACANT if self._returns_until is None else Hold.RETURNING
        if human.bid is None:
            return Hold.VACANT
        if not human.reachable:
            return Hold.UNREACHABLE
        if human.engaged:
            return Hold.ENGAGED
        return Hold.READY if human.claim is Claim.MICROPHONE else Hold.SILENT

    @property
    def due_at(self) -> float | None:
        """The time at which `elapse` has something to do; None: never."""
        return self._returns_until

    def rivals(self) -> bool:
        """Whether somebody would take the call if the caller couldn't be reached."""
        takes = TAKES[Hold.UNREACHABLE]
        return any(human.bid in takes for identity, human in self._humans.items() if identity != self._caller)

    def unreached(self) -> set[str]:
        """Identities of the humans who didn't answer when they were asked last."""
        return {identity for identity, human in self._humans.items() if not human.reachable}

    def humans(self) -> set[str]:
        """Identities of the humans who are in the room."""
        return set(self._humans)

    def audience(self) -> set[str]:
        """Identities of the humans whom the agent doesn't hear."""
        present = {identity for identity, human in self._humans.items() if human.claim is not Claim.NONE}
        return present if self.hold is Hold.VACANT else present - {self._caller}

    def update(self, identity: str, claim: Claim) -> None:
        """A human has joined, or what they can do has changed."""
        human = self._humans.get(identity)
        if human is None and len(self._humans) < MOST_HUMANS:
            self._joined += 1
            self._humans[identity] = _Human(self._joined, claim)
        elif human is not None:
            human.claim = claim
        if identity == self._caller:
            self._returns_until = None
        self._settle()

    def remove(self, identity: str, now: float, *, returns: bool = False) -> None:
        """A human has left. `returns`: because a new connection of theirs takes the old one's place."""
        if self._humans.pop(identity, None) is not None and identity == self._caller and returns:
            self._returns_until = now + RETURNS_S
        self._settle()

    def elapse(self, now: float) -> None:
        """Time has passed."""
        if self._returns_until is not None and now >= self._returns_until:
            self._returns_until = None
            self._settle()

    def unreachable(self, identity: str) -> None:
        """A human who is still listed in the room doesn't answer any more."""
        if identity in self._humans:
            self._humans[identity].reachable = False
            self._settle()

    def reachable(self, identity: str) -> None:
        """A human has answered, or has done something."""
        human = self._humans.get(identity)
        if human is not None and not human.reachable:
            human.reachable = True
            self._settle()

    def spoke(self, identity: str) -> None:
        """A human's voice was heard."""
        self.reachable(identity)
        if identity == self._caller and identity in self._humans:
            self._humans[identity].engaged = True

    def go_on(self, identity: str) -> None:
        """That human was the caller, and has spoken or typed, when another process had this call."""
        human = self._humans.get(identity)
        if human is not None and human.claim is not Claim.NONE:
            human.engaged = True
            self._settle()

    def typed(self, identity: str) -> bool:
        """A human has typed a line. Returns whether they are the caller, and so the line is for the agent."""
        human = self._humans.get(identity)
        if human is None or human.claim is Claim.NONE:
            return False
        self.reachable(identity)
        earlier = human.claim >= Claim.MAY_SPEAK and human.order < self._order(self._caller)
        bid = Bid.TYPES_EARLIER if earlier else Bid.TYPES
        if identity != self._caller and bid in TAKES[self.hold]:
            self._take(identity)
        if identity == self._caller:
            human.engaged = True
        return identity == self._caller

    def _order(self, identity: str) -> int:
        human = self._humans.get(identity)
        return self._joined + 1 if human is None else human.order

    def _settle(self) -> None:
        """Give the call to whoever has the best bid that takes it."""
        takes = TAKES[self.hold]
        others = ((identity, human) for identity, human in self._humans.items() if identity != self._caller)
        bids = [
            (bid, human.claim, -human.order, identity)
            for identity, human in others
            if (bid := human.bid) is not None and bid in takes
        ]
        if bids:
            self._take(max(bids)[3])

    def _take(self, identity: str) -> None:
        before = self._humans.get(self._caller)
        if before is not None and before.reachable:
            before.engaged = False
        self._caller = identity
        self._returns_until = None
