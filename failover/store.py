"""Where leases and checkpoints are kept. A directory and Redis have the same few operations."""

from typing import Protocol

from failover.lease import Lease


class Store(Protocol):
    """Leases and checkpoints of one fleet: the workers of one LiveKit server with one agent name.

    Every method raises StoreUnavailableError within two seconds if the store doesn't answer.
    """

    async def acquire(self, room: str, holder: str, worker: str) -> Lease | None:
        """Begin or go on with the call in a room: its generation is 1, or higher. None: another process answers it."""

    async def renew(self, lease: Lease) -> Lease:
        """Keep the lease. Raises LeaseLostError: another process has it."""

    async def write(self, lease: Lease, checkpoint: bytes) -> Lease:
        """Keep the call's checkpoint, in place of the one before, and the lease. Raises LeaseLostError."""

    async def read(self, room: str) -> bytes | None:
        """The call's last checkpoint."""

    async def ask(self, room: str, holder: str) -> bool:
        """Ask the holder to hand its call over, which it sees at its next renewal. False: it doesn't have it, or does so."""

    async def offer(self, lease: Lease) -> Lease:
        """Let another process stand by for the call. Raises LeaseLostError."""

    async def stand_by(self, room: str, holder: str) -> Lease | None:
        """Stand by for a call that is offered, as an agent in its room. None: it isn't offered, or another one stands by."""

    async def withdraw(self, lease: Lease) -> Lease:
        """Keep a call that was offered. Raises LeaseLostError."""

    async def give(self, lease: Lease, checkpoint: bytes) -> Lease:
        """Give the call, with its last checkpoint, to the process that stands by. Raises LeaseLostError."""

    async def succeed(self, room: str, holder: str, worker: str) -> Lease | None:
        """Take a call that was given to this process. None: it wasn't."""

    async def release(self, lease: Lease) -> None:
        """The call has ended: lease and checkpoint go. No error if they aren't the holder's any more."""

    async def lapse(self, room: str, holder: str) -> None:
        """The holder is known to be dead. Nothing happens if another holds the call."""

    async def claim(self, lease: Lease) -> Lease | None:
        """Take charge of having a lapsed call dispatched. None: somebody else does, it lives, or it is the fourth time."""

    async def adopt(self, room: str, worker: str) -> Lease | None:
        """Take charge of having an agent dispatched into a room that has no lease. None: it has one."""

    async def drop(self, lease: Lease) -> bool:
        """Forget a lapsed or claimed call, and its checkpoint. False: it has changed since, and stays."""

    async def find(self, room: str) -> Lease | None:
        """The lease of a room, with the state that it has now."""

    async def lapsed(self) -> list[Lease]:
        """All leases of the fleet that are LAPSED: their time is over (failover/lease.py), or their process is dead."""

    async def leases(self) -> list[Lease]:
        """All leases of the fleet, each with the state that it has now."""

    async def may_sweep(self, sweeper: str, for_s: float) -> bool:
        """Whether this sweeper alone looks at the fleet's rooms for so long, in seconds. False: another one does."""
