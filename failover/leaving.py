"""Leaves a call to another worker: its process ends, and the caller is still there."""

import asyncio

from failover.lease import Lease
from failover.store import Store

TAKEN_WITHIN_S = 1.5
"""The watch of another worker claims a lapsed lease within so long: it looks every 0.5 s, and then asks livekit-server."""
_LOOKS_EVERY_S = 0.05


async def is_taken(store: Store, lease: Lease) -> bool:
    """Let the lease lapse, and wait for another worker's watch. Returns whether one has the call; if none, the lease is gone.

    Args:
        store: Of the leases of the fleet.
        lease: Held by this process, which says nothing more in its room and renews no more.
    """
    await store.lapse(lease.room, lease.holder)
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + TAKEN_WITHIN_S
    while loop.time() < ends_at:
        found = await store.find(lease.room)
        if found is None or found.generation != lease.generation:
            return True
        await asyncio.sleep(_LOOKS_EVERY_S)
    return not await store.drop(lease)
