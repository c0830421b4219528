"""The lease of one call, as its parts see it. agent/call/stored_lease.py keeps it in a store."""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from failover.lease import Lease


@dataclass(frozen=True)
class LeaseAnswer:
    """The answer to a call that asks for the lease of its room."""

    is_held: bool
    """False: another process answers this call."""
    generation: int = 0
    """The lease's generation: above 1, another process had this call before. 0: there is no lease."""
    is_handed_over: bool = False
    """The process before has given the call to this one, and nobody is to notice."""
    checkpoint: bytes | None = None
    """The last checkpoint of the process that had the call before."""
    at: float = 0.0
    """The time of the answer, on the store's clock."""
    away_s: float = 0.0
    """Seconds since that process gave the call away, or since its loss was noticed."""
    came_at: float = 0.0
    """The time of the answer, on the clock of the event loop."""


@dataclass(frozen=True)
class Holder:
    """The process that asks for the lease."""

    room: str
    identity: str
    """The identity of its agent in the room: a new one for each job."""
    worker: str


@dataclass(frozen=True)
class LeaseEvents:
    """What a lease asks its call, and tells it."""

    checkpoint: Callable[[float], bytes | None]
    """Returns the call's checkpoint; it is given the time on the store's clock."""
    on_lost: Callable[[], None]
    """Called once when another process has the call after all."""
    on_asked: Callable[[], None] = lambda: None
    """Called each time the call is to be handed over."""


class OfferedLease(Protocol):
    """A lease that can be handed over to another process. Each method raises FailoverError or TimeoutError."""

    async def offer(self) -> None:
        """Let another process stand by for the call."""

    async def renewed(self) -> Lease:
        """Renew the lease, and return it as it is now."""

    async def withdraw(self) -> None:
        """Keep the call."""

    async def give(self) -> None:
        """Give the call, with its checkpoint of this moment, to the process that stands by. It has no lease after that."""


class CallLease(Protocol):
    """The lease of a call, and the way of its checkpoints. `async with` it: it is acquired meanwhile."""

    is_kept: bool
    """Whether checkpoints are written at all."""

    @property
    def offered_lease(self) -> OfferedLease | None:
        """The lease, to be handed over; None: no other process can have it."""

    async def __aenter__(self) -> Self:
        """Begin to acquire it."""

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """Renew it no more."""

    async def stands_by(self) -> bool:
        """Whether this process waits for a call that another one hands over. Known in bounded time."""

    async def read(self) -> bytes | None:
        """The checkpoint of the call that is handed over, as it is now."""

    def joined(self) -> None:
        """The room is joined, and the process can take the call that is handed over."""

    async def answer(self) -> LeaseAnswer:
        """Wait for the answer of the store: in bounded time, unless this process stands by."""

    def changed(self) -> None:
        """The call's checkpoint is another one now: it is written soon."""

    def look(self) -> None:
        """Another process may have the lease: find out at once."""

    async def leave(self) -> bool:
        """The process ends before its call does. Returns whether another worker has the call; in bounded time."""

    async def release(self) -> None:
        """The call has ended."""


class NoLease:
    """The lease of a call that no other process goes on with: FAILOVER is off, or it is in the console."""

    is_kept = False
    offered_lease = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """Nothing was begun."""

    async def stands_by(self) -> bool:
        return False

    async def read(self) -> bytes | None:
        return None

    def joined(self) -> None:
        """No other process has the call."""

    async def answer(self) -> LeaseAnswer:
        return LeaseAnswer(is_held=True)

    def changed(self) -> None:
        """No checkpoint is written."""

    def look(self) -> None:
        """No other process has the call."""

    async def leave(self) -> bool:
        return False

    async def release(self) -> None:
        """There is nothing to give back."""
