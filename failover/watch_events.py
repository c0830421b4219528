"""What a watch tells its listeners: each look, and each thing that it has done. Pure."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from failover.errors import FailoverError, StoreUnavailableError
from failover.lease import State


class LookedAt(enum.StrEnum):
    """What a watch looks at, again and again."""

    LEASES = "leases"
    """The leases that have lapsed."""
    ROOMS = "rooms"
    """All rooms, for callers without an agent: by one watch of the fleet."""


class LookResult(enum.StrEnum):
    """What became of a look."""

    DONE = "done"
    STORE_AWAY = "store_away"
    LIVEKIT_AWAY = "livekit_away"


class Act(enum.StrEnum):
    """What a watch does with a call or a room."""

    CLAIMED = "claimed"
    """A lost call is dispatched again."""
    ADOPTED = "adopted"
    """An agent is dispatched to a caller who had none."""
    DROPPED = "dropped"
    """A lost call is forgotten: nobody is in its room."""
    REMOVED = "removed"
    """A lost holder is put out of a room in which another process has the call."""
    GIVEN_UP = "given_up"
    """A call is ended, because no process has taken it."""


@dataclass(frozen=True)
class Looked:
    """A look has ended."""

    at: LookedAt
    result: LookResult
    took_s: float


@dataclass(frozen=True)
class Acted:
    """Something was done."""

    act: Act


@dataclass(frozen=True)
class LeasesSeen:
    """The number of the fleet's leases in each state. None: another watch looks at all of them."""

    states: Mapping[State, int] | None


WatchEvent = Looked | Acted | LeasesSeen
Listener = Callable[[WatchEvent], object]


def result_of(error: FailoverError | None) -> LookResult:
    """The result of a look that has failed so; None: it hasn't."""
    if error is None:
        return LookResult.DONE
    return LookResult.STORE_AWAY if isinstance(error, StoreUnavailableError) else LookResult.LIVEKIT_AWAY
