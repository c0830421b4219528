"""The calls of a fleet as a table for people or JSON for programs. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from failover.lease import Lease


@dataclass(frozen=True)
class ListedCall:
    """One call with a lease."""

    room: str
    state: str
    """`held`: a process answers it; `lapsed`: its process is lost; `claimed`: it was dispatched again; `asked`, `offered`,
    `ready`, `given`: it is handed over to another process."""
    age_s: int | None
    """Seconds since the room was made; None: livekit-server lists no such room, or doesn't answer."""
    takeovers: int
    """How often the call was given to another process because one was lost."""
    worker: str
    """The id of the worker whose process has the call, or had it last."""
    agent: str
    """That process's identity in the room."""


def listed(leases: Sequence[Lease], created_at_s: Mapping[str, float], now_s: float) -> list[ListedCall]:
    """The calls, the oldest room first.

    Args:
        leases: All leases of the fleet.
        created_at_s: When each room was made, by its name, in seconds since 1970.
        now_s: The time in seconds since 1970.
    """
    order = sorted(leases, key=lambda lease: (created_at_s.get(lease.room, now_s), lease.room))
    ages = {name: max(0, round(now_s - at_s)) for name, at_s in created_at_s.items()}
    return [
        ListedCall(lease.room, lease.state.value, ages.get(lease.room), lease.takeovers, lease.worker, lease.holder)
        for lease in order
    ]


def as_json(calls: Sequence[ListedCall]) -> str:
    """The calls as a list of objects."""
    return json.dumps([asdict(call) for call in calls], indent=2, ensure_ascii=False)


def as_text(calls: Sequence[ListedCall]) -> str:
    """The calls as a table, and how many there are of each worker."""
    if not calls:
        return "no calls"
    rows = [("room", "state", "age", "takeovers", "worker", "agent")]
    rows += [(call.room, call.state, _duration(call.age_s), str(call.takeovers), call.worker, call.agent) for call in calls]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    workers = sorted({call.worker for call in calls})
    counts = [f"{worker or '(none)'}: {sum(call.worker == worker for call in calls)}" for worker in workers]
    return "\n".join([*(line for line in lines), "", f"calls: {len(calls)}; by worker: {', '.join(counts)}"])


def _duration(seconds: int | None) -> str:
    if seconds is None:
        return "?"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02}:{seconds % 60:02}"
