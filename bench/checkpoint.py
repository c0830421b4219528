"""`python -m bench.checkpoint`: what a call pays for its lease and its checkpoints, with each store.

A call renews its lease each second, and writes a checkpoint of 20 KB with each turn, here every five seconds. The table says
how much of a core that is for the call's process (`time.process_time`, with uvloop as in a worker), and for Redis; and what a
look of the watch costs with so many calls. Nothing waits for real time: operations follow each other.
"""

import argparse
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import uvloop
from cryptography.fernet import Fernet

from demo.parts import Program, running
from failover.opening import StoreConfig, open_store
from failover.private_folder import default_folder
from failover.store import Store
from tests.ports import free_port

CHECKPOINT = os.urandom(20_000)
TURN_S = 5.0


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one operation, of this process and of Redis."""

    process_s: float
    redis_s: float


class Meter:
    """Runs an operation many times; `redis` is the server's process if there is one."""

    def __init__(self, times: int, redis: psutil.Process | None) -> None:
        self._times = times
        self._redis = redis

    def _redis_s(self) -> float:
        return 0.0 if self._redis is None else sum(self._redis.cpu_times()[:2])

    async def cost(self, operation: Callable[[], Awaitable[object]]) -> Cost:
        process_s, redis_s = time.process_time(), self._redis_s()
        for _ in range(self._times):
            await operation()
        return Cost((time.process_time() - process_s) / self._times, (self._redis_s() - redis_s) / self._times)


async def measured(store: Store, meter: Meter, calls: int) -> str:
    """The table's cells after the store's name."""
    leases = [await store.acquire(f"call-{number}", f"agent-{number}", "worker") for number in range(calls)]
    [lease, *_] = leases
    assert lease is not None
    for each in leases:
        assert each is not None
        await store.write(each, CHECKPOINT)
    renewal = await meter.cost(lambda: store.renew(lease))
    writing = await meter.cost(lambda: store.write(lease, CHECKPOINT))
    look = await meter.cost(store.lapsed)
    share = renewal.process_s + writing.process_s / TURN_S
    redis_share = renewal.redis_s + writing.redis_s / TURN_S
    return (
        f"{renewal.process_s * 1e6:.0f} | {writing.process_s * 1e6:.0f} | **{share:.3%}** | {redis_share:.3%} | "
        f"{look.process_s * 1e3:.2f}"
    )


@asynccontextmanager
async def redis_server() -> AsyncIterator[tuple[str, psutil.Process]]:
    program, port = shutil.which("redis-server"), free_port()
    assert program is not None, "there is no redis-server; `sh scripts/packages` says how to get it"
    argv = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    async with running(Program("redis", argv, None, re.compile("Ready to accept"), show=lambda _: None)) as part:
        await part.ready()
        yield f"redis://127.0.0.1:{port}/0", psutil.Process(part.pid)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=2000, help="operations of each kind")
    parser.add_argument("--calls", type=int, default=25, help="calls that are there at once")
    arguments = parser.parse_args()
    print("| store | a renewal, µs | a checkpoint, µs | of a core for a call | and of Redis | a watch's look, ms |")
    print("|---|---|---|---|---|---|")
    parent = default_folder(os.environ.get("XDG_RUNTIME_DIR"))
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        async with redis_server() as (url, process):
            for name, keys in (("", ()), (", encrypted", (Fernet.generate_key().decode(),))):
                in_folder = StoreConfig(Path(folder), None, keys, f"folder{name}", b"secret")
                in_redis = StoreConfig(None, url, keys, f"redis{name}", b"secret")
                for kind, config, redis in (("folder", in_folder, None), ("Redis", in_redis, process)):
                    async with open_store(config) as store:
                        print(f"| {kind}{name} | {await measured(store, Meter(arguments.times, redis), arguments.calls)} |")


if __name__ == "__main__":
    uvloop.run(main())
