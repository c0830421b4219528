"""Decides what becomes of calls that nobody answers. Pure: leases, rooms and `now` (seconds, one clock) in, actions out.

A lapsed lease is a call whose process is lost. What becomes of it depends on its room:

    the room of a lapsed lease           action
    isn't known at the moment            none: the next look decides
    is gone, or has no human             DropCall, after EMPTY_S
    has a human                          ClaimCall
    has a human, MOST_TAKEOVERS claims   GiveUp

A room without a lease has a caller who waits in vain if it asks for this fleet's agent (livekit-server lists a dispatch for the
agent's name), has a human who may speak, and has had none of these agents for ALONE_S:

    the room without a lease             action
    doesn't ask for this agent           none: it is somebody else's
    has an agent, or audience alone      none
    has a human and no agent             AdoptRoom, after ALONE_S

A lost holder is removed from the room with each claim. A process that was dispatched otherwise may take a lapsed lease without
one; then the lost holder is removed as soon as the next look at all leases shows the new one (RemoveGhost).

Several workers watch one fleet. The store lets one of them claim, drop or adopt; the others' actions do nothing. Rooms without
a lease, and holders to remove, are looked for by one worker alone, which the store chooses.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from failover.lease import LAPSES_S, MOST_TAKEOVERS, RENEWED_EVERY_S, Lease

ALONE_S = 6.0
"""A caller without an agent waits for so long before an agent is dispatched: a dispatch takes up to 4 s, and joining 1 s."""
EMPTY_S = 10.0
"""A lost call waits for its caller for so long: after a restart of livekit-server the room is empty until clients are back."""
SETTLES_S = 2 * RENEWED_EVERY_S
"""After a time without a look at the leases, their holders have this long to renew them: the store may have been away."""


@dataclass(frozen=True)
class WatchedRoom:
    """A room as livekit-server lists it."""

    name: str
    humans: frozenset[str] = frozenset()
    """Identities of callers, on telephones too, and of other people in the room."""
    telephones: frozenset[str] = frozenset()
    """Identities of those humans who are on a telephone."""
    audience: frozenset[str] = frozenset()
    """Identities of those humans who may not publish sound: an agent that came for them alone would wait in vain."""
    agents: frozenset[str] = frozenset()
    """Identities of the agents of this fleet."""
    asks: bool = False
    """Whether a dispatch for this fleet's agent name is listed."""


@dataclass(frozen=True)
class ClaimCall:
    """Claim the lease. If that succeeds: remove the lost holder from the room, and dispatch an agent into it."""

    lease: Lease


@dataclass(frozen=True)
class DropCall:
    """Forget the call: nobody is left to talk to."""

    lease: Lease


@dataclass(frozen=True)
class GiveUp:
    """Forget the call, and tell the room so: no process has answered it MOST_TAKEOVERS times in a row."""

    lease: Lease
    room: WatchedRoom


@dataclass(frozen=True)
class AdoptRoom:
    """Write down a claim for a room that nobody answers. If that succeeds: dispatch an agent into it."""

    room: str


@dataclass(frozen=True)
class RemoveGhost:
    """Put a lost holder out of its room: another process has the lease, and the lost one may only be slow."""

    room: str
    identity: str


Action = ClaimCall | DropCall | GiveUp | AdoptRoom | RemoveGhost


class Watch:
    """One worker's view of its fleet's calls."""

    def __init__(self, now: float) -> None:
        self._looked_at = now
        self._settled_at = now + SETTLES_S
        self._alone_since: dict[str, float] = {}
        """Times since which rooms that ask for this agent have had a human and no agent."""
        self._known: dict[str, Lease] = {}
        """All leases when they were last looked at, by room."""
        self._empty_since: dict[str, float] = {}
        """Times since which the rooms of lapsed leases have had no human."""

    def settled(self, lapsed: Iterable[Lease], now: float) -> list[Lease]:
        """Those of the store's lapsed leases, which were just read, whose rooms have to be looked at.

        There are none for SETTLES_S after a time without this question, LAPSES_S or longer: the store was away, or this process
        stood still. Holders that live couldn't renew, or their renewals weren't seen.
        """
        if now - self._looked_at >= LAPSES_S:
            self._settled_at = now + SETTLES_S
        self._looked_at = now
        return list(lapsed) if now >= self._settled_at else []

    def recover(self, lapsed: Iterable[Lease], rooms: Mapping[str, WatchedRoom | None], now: float) -> list[Action]:
        """The actions for lapsed leases.

        Args:
            lapsed: The leases of `settled`.
            rooms: Their rooms, by name; None for a room that is gone. A room that couldn't be asked about is left out.
            now: The time in seconds, on the clock of all calls.
        """
        known = [(lease, rooms[lease.room]) for lease in lapsed if lease.room in rooms]
        empty = [lease.room for lease, room in known if room is None or not room.humans]
        self._empty_since = {name: self._empty_since.get(name, now) for name in empty}
        actions: list[Action] = []
        for lease, room in known:
            if room is not None and room.humans:
                actions.append(ClaimCall(lease) if lease.takeovers < MOST_TAKEOVERS else GiveUp(lease, room))
            elif now - self._empty_since[lease.room] >= EMPTY_S:
                actions.append(DropCall(lease))
        return actions

    def forget_rooms(self) -> None:
        """Another worker looks for callers without an agent: what this one has seen is out of date when its turn comes."""
        self._alone_since, self._known = {}, {}

    def ghosts(self, leases: Iterable[Lease]) -> list[RemoveGhost]:
        """The lost holders of calls that were taken over since the last call of this.

        Args:
            leases: All leases of the fleet.
        """
        before, self._known = self._known, {lease.room: lease for lease in leases}
        taken = [(before[room], lease) for room, lease in self._known.items() if room in before]
        return [
            RemoveGhost(old.room, old.holder)
            for old, new in taken
            if old.holder not in {"", new.holder} and new.takeovers > old.takeovers
        ]

    def sweep(self, rooms: Iterable[WatchedRoom], leases: Iterable[Lease], now: float) -> list[Action]:
        """The actions for rooms without a lease.

        Args:
            rooms: All rooms that ask for this agent. Those with a lease may be left out.
            leases: All leases of the fleet.
            now: The time in seconds, on the clock of all calls.
        """
        answered = {lease.room for lease in leases}
        alone = {room.name for room in rooms if room.asks and room.humans - room.audience and not room.agents} - answered
        self._alone_since = {name: self._alone_since.get(name, now) for name in sorted(alone)}
        return [AdoptRoom(name) for name, since in self._alone_since.items() if now - since >= ALONE_S]
