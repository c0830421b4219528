"""The operations of a `Store`, each as one event of the lease's table. What is left to a store is where the lease is kept."""

import abc

from failover.errors import LeaseLostError
from failover.lease import (
    Acquire,
    Adopt,
    Ask,
    Claim,
    Drop,
    Event,
    Give,
    Lapse,
    Lease,
    Offer,
    Refusal,
    Release,
    Renew,
    StandBy,
    Succeed,
    Withdraw,
)


class LeaseOperations(abc.ABC):
    """Acquire, renew, write and the others, on top of `apply`."""

    @abc.abstractmethod
    async def apply(
        self, room: str, event: Event, *, known: Lease | None = None, checkpoint: bytes | None = None
    ) -> Lease | Refusal | None:
        """Change the lease of a room in one step, and its checkpoint with it if that isn't None.

        Args:
            room: the name of the room.
            event: what has happened.
            known: the lease as the caller of this method saw it last, which saves a look at it.
            checkpoint: what is kept with the lease, unless the event is refused.

        Raises:
            StoreUnavailableError: the store can't be reached or written.
        """

    async def acquire(self, room: str, holder: str, worker: str) -> Lease | None:
        return _lease(await self.apply(room, Acquire(room, holder, worker)))

    async def succeed(self, room: str, holder: str, worker: str) -> Lease | None:
        return _lease(await self.apply(room, Succeed(holder, worker)))

    async def renew(self, lease: Lease) -> Lease:
        return _kept(await self.apply(lease.room, Renew(lease), known=lease))

    async def write(self, lease: Lease, checkpoint: bytes) -> Lease:
        return _kept(await self.apply(lease.room, Renew(lease), known=lease, checkpoint=checkpoint))

    async def offer(self, lease: Lease) -> Lease:
        return _kept(await self.apply(lease.room, Offer(lease.holder, lease.generation), known=lease))

    async def withdraw(self, lease: Lease) -> Lease:
        return _kept(await self.apply(lease.room, Withdraw(lease.holder, lease.generation), known=lease))

    async def give(self, lease: Lease, checkpoint: bytes) -> Lease:
        event = Give(lease.holder, lease.generation)
        return _kept(await self.apply(lease.room, event, known=lease, checkpoint=checkpoint))

    async def stand_by(self, room: str, holder: str) -> Lease | None:
        return _lease(await self.apply(room, StandBy(holder)))

    async def ask(self, room: str, holder: str) -> bool:
        return _lease(await self.apply(room, Ask(holder))) is not None

    async def release(self, lease: Lease) -> None:
        await self.apply(lease.room, Release(lease.holder, lease.generation), known=lease)

    async def lapse(self, room: str, holder: str) -> None:
        await self.apply(room, Lapse(holder))

    async def claim(self, lease: Lease) -> Lease | None:
        return _lease(await self.apply(lease.room, Claim(lease.generation)))

    async def adopt(self, room: str, worker: str) -> Lease | None:
        return _lease(await self.apply(room, Adopt(room, worker)))

    async def drop(self, lease: Lease) -> bool:
        return await self.apply(lease.room, Drop(lease.generation)) is None


def _lease(after: Lease | Refusal | None) -> Lease | None:
    return after if isinstance(after, Lease) else None


def _kept(after: Lease | Refusal | None) -> Lease:
    if not isinstance(after, Lease):
        raise LeaseLostError
    return after
