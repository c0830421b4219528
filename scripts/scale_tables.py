"""`python -m scripts.scale_tables`: the tables of docs/scale.md, from constants and measured costs. A test compares them.

All figures are for calls with two sides that speak in turns, and for a store in Redis.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agent.settings import Settings

CALLS_PER_WORKER: int = Settings.model_fields["calls_per_worker"].default
FLEETS = (100, 500, 1000, 2000, 10_000)
"""Calls at once."""

# The times of failover/lease.py, failover/watching.py and agent/call/call_lease.py.
RENEWED_EVERY_S = 1.0
WRITTEN_EVERY_S = 10.0
LOOKS_EVERY_S = 0.5
SWEEPS_EVERY_S = 2.0
READS_PER_SWEEP = 2
"""A sweep, which one worker does for the fleet, reads all leases before and after it asks livekit-server for all rooms."""

# How people talk, assumed.
TURN_S = 12.0
"""From one question to the next."""
WRITES_PER_TURN = 4
"""What was heard, the answer's begin and end, a new handle."""
CALL_S = 300.0
CHECKPOINT_BYTES = 20_000
"""Encrypted. Most of it is what was said."""

# docs/numbers.md, "Whole calls".
CORES_PER_CALL = 0.100
MEMORY_PER_CALL_MB = 36.6
MEMORY_PER_WORKER_MB = 500
"""A worker without calls: its own process, the fork server and two idle processes. Rounded up, not measured."""

GEMINI_UP_BYTES_PER_S = 16_000 * 2 * 4 / 3
"""16-bit sound at 16 kHz in base64."""
GEMINI_DOWN_BYTES_PER_S = 24_000 * 2 * 4 / 3 / 2
"""At 24 kHz, half of the time."""


@dataclass(frozen=True)
class Cost:
    """What one operation costs Redis: measured with 2,000 leases (docs/scale.md says how)."""

    cpu_us: float
    in_bytes: float
    out_bytes: float


RENEWAL = Cost(100, 630, 28)
WRITE = Cost(180, 20_730, 28)
LOOK = Cost(30, 182, 33)
TURN = Cost(30, 156, 5)
LISTED_LEASE = Cost(7.3, 0, 251)
LEASE_MEMORY_BYTES = 900


@dataclass(frozen=True)
class Fleet:
    """A number of calls at once, and the workers that have them."""

    calls: int

    @property
    def workers(self) -> int:
        return -(-self.calls // CALLS_PER_WORKER)

    @property
    def operations_per_s(self) -> dict[str, tuple[float, Cost]]:
        """How often in a second each operation is done, and its cost, by what it is for."""
        listed = Cost(*(self.calls * each for each in (LISTED_LEASE.cpu_us, 0, LISTED_LEASE.out_bytes)))
        return {
            "each call renews its lease": (self.calls / RENEWED_EVERY_S, RENEWAL),
            "each call writes its checkpoint": (self.calls * (WRITES_PER_TURN / TURN_S + 1 / WRITTEN_EVERY_S), WRITE),
            "each worker looks for lapsed leases": (self.workers / LOOKS_EVERY_S, LOOK),
            "each worker asks whether it sweeps": (self.workers / SWEEPS_EVERY_S, TURN),
            "one worker reads all leases": (READS_PER_SWEEP / SWEEPS_EVERY_S, listed),
        }

    def sum_of(self, part: Callable[[Cost], float]) -> float:
        """The sum over all operations of one second."""
        return sum(rate * part(cost) for rate, cost in self.operations_per_s.values())

    @property
    def redis_cores(self) -> float:
        return self.sum_of(lambda cost: cost.cpu_us) / 1e6

    @property
    def redis_memory_mb(self) -> float:
        return self.calls * (CHECKPOINT_BYTES + LEASE_MEMORY_BYTES) / 1e6

    @property
    def rooms_listed_per_s(self) -> float:
        """Rooms that livekit-server lists in a second, for the worker that sweeps."""
        return self.calls / SWEEPS_EVERY_S


def tables() -> str:
    """The three tables, in Markdown."""
    return "\n\n".join("\n".join(lines) for lines in (_redis_by_operation(), _by_fleet(), _machines()))


def _redis_by_operation() -> Iterator[str]:
    yield "| Redis, 10,000 calls | operations a second | MB a second in / out | cores |"
    yield "|---|---|---|---|"
    for name, (rate, cost) in Fleet(10_000).operations_per_s.items():
        flow = f"{rate * cost.in_bytes / 1e6:,.1f} / {rate * cost.out_bytes / 1e6:,.1f}"
        yield f"| {name} | {rate:,.0f} | {flow} | {rate * cost.cpu_us / 1e6:.2f} |"


def _by_fleet() -> Iterator[str]:
    yield "| calls | workers | operations of Redis a second | MB a second in / out | cores | MB kept | rooms listed a second |"
    yield "|---|---|---|---|---|---|---|"
    for fleet in map(Fleet, FLEETS):
        rate = sum(rate for rate, _ in fleet.operations_per_s.values())
        flow = f"{fleet.sum_of(lambda cost: cost.in_bytes) / 1e6:,.1f} / {fleet.sum_of(lambda cost: cost.out_bytes) / 1e6:,.1f}"
        yield (
            f"| {fleet.calls:,} | {fleet.workers:,} | {rate:,.0f} | {flow} | {fleet.redis_cores:.2f} "
            f"| {fleet.redis_memory_mb:,.0f} | {fleet.rooms_listed_per_s:,.0f} |"
        )


def _machines() -> Iterator[str]:
    yield "| calls | cores of workers | GB of workers | Gbit/s to / from Gemini | new calls a second |"
    yield "|---|---|---|---|---|"
    for fleet in map(Fleet, FLEETS):
        memory_gb = (fleet.calls * MEMORY_PER_CALL_MB + fleet.workers * MEMORY_PER_WORKER_MB) / 1000
        flow = " / ".join(f"{fleet.calls * each * 8 / 1e9:.2f}" for each in (GEMINI_UP_BYTES_PER_S, GEMINI_DOWN_BYTES_PER_S))
        cores, begin_per_s = fleet.calls * CORES_PER_CALL, fleet.calls / CALL_S
        yield f"| {fleet.calls:,} | {cores:,.0f} | {memory_gb:,.0f} | {flow} | {begin_per_s:.1f} |"


if __name__ == "__main__":
    print(tables())  # noqa: T201
