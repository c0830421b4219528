"""`python -m bench.leases`: what the lease and the checkpoints of a call cost its process, with either store.

Each lease is renewed once a second, and its checkpoint of 20 KB is written as often as in a call of two sides that speak in
turns (scripts/scale_tables.py). What a process does without any lease is taken away. Rounds are interleaved. Prints Markdown.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
from cryptography.fernet import Fernet

from failover.opening import StoreConfig, open_store
from failover.private_folder import default_folder
from failover.store import Store
from scripts.scale_tables import CHECKPOINT_BYTES, RENEWED_EVERY_S, TURN_S, WRITES_PER_TURN, WRITTEN_EVERY_S
from tests.telephony.stack import redis

_WRITES_PER_S = WRITES_PER_TURN / TURN_S + 1 / WRITTEN_EVERY_S
_STORES = ("directory", "directory, CHECKPOINT_KEY", "Redis", "Redis, CHECKPOINT_KEY")


@asynccontextmanager
async def store_of(name: str, folder: Path, redis_url: str) -> AsyncIterator[Store]:
    """One of the stores."""
    keys = (Fernet.generate_key().decode(),) if "KEY" in name else ()
    is_redis = name.startswith("Redis")
    config = StoreConfig(None if is_redis else folder, redis_url if is_redis else None, keys, name, b"secret")
    async with open_store(config) as store:
        yield store


async def keep(store: Store, number: int, until: float) -> None:
    """The lease of one call."""
    lease = await store.acquire(f"room-{number}", f"agent-{number}", "worker")
    checkpoint, owed = os.urandom(CHECKPOINT_BYTES), number % 10 / 10
    assert lease is not None
    while time.monotonic() < until:
        owed += _WRITES_PER_S * RENEWED_EVERY_S
        if owed >= 1:
            owed -= 1
            lease = await store.write(lease, checkpoint)
        else:
            lease = await store.renew(lease)
        await asyncio.sleep(RENEWED_EVERY_S)
    await store.release(lease)


async def cpu_ms_per_call(store: Store | None, calls: int, seconds: float) -> float:
    """CPU of this process in ms a second, divided by the number of calls. Without a store: of tasks that sleep."""
    until, process = time.monotonic() + seconds, psutil.Process()
    before, began_at = sum(process.cpu_times()[:2]), time.monotonic()
    if store is None:
        await asyncio.sleep(seconds)
    else:
        await asyncio.gather(*(keep(store, number, until) for number in range(calls)))
    return 1000 * (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began_at) / calls


async def measure(rounds: int, calls: int, seconds: float) -> dict[str, list[float]]:
    """The costs by store, a figure for each round."""
    found: dict[str, list[float]] = {name: [] for name in _STORES}
    with tempfile.TemporaryDirectory(dir=default_folder(os.environ.get("XDG_RUNTIME_DIR"))) as folder:
        async with redis() as port:
            for _ in range(rounds):
                idle = await cpu_ms_per_call(None, calls, seconds / 2)
                for name in _STORES:
                    async with store_of(name, Path(folder), f"redis://127.0.0.1:{port}/0") as store:
                        found[name].append(await cpu_ms_per_call(store, calls, seconds) - idle)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.leases", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=15.0, help="for each store and round")
    asked = parser.parse_args()
    found = asyncio.run(measure(asked.rounds, asked.calls, asked.seconds))
    print(f"| leases and checkpoints in | CPU of a call's process, ms per s: **median** (least-most), {asked.rounds} rounds |")
    print("|---|---|")
    for name, values in found.items():
        print(f"| {name} | **{statistics.median(values):.2f}** ({min(values):.2f}-{max(values):.2f}) |")


if __name__ == "__main__":
    main()
