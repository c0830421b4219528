"""The share of the memory that is in use: the machine's, or the container's where it has a limit that is nearer.

A container's memory is that of its cgroup without the files that the kernel may drop at any time (`inactive_file`): what
Kubernetes calls the working set, and what counts before the kernel kills a process for it (docs/facts.md L321).
"""

from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")
_V2 = ("memory.max", "memory.current", "memory.stat", "inactive_file")
_V1 = ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file")
"""Names of files in the two versions of cgroups: the limit, what is in use, the details, and the line of dropped files."""


def memory_in_use(cgroup: Path = CGROUP) -> float:
    """The share of the memory in use, 0 to 1. `cgroup`: the folder in which the kernel shows the container's."""
    machine = psutil.virtual_memory()
    return max(1.0 - machine.available / machine.total, *(_container(cgroup, names, machine.total) for names in (_V2, _V1)))


def _container(cgroup: Path, names: tuple[str, str, str, str], machine_bytes: int) -> float:
    """The share of the container's memory in use; 0 without a limit."""
    limit, current, details, dropped = names
    try:
        limit_bytes = int((cgroup / limit).read_text())  # `max` is no number, and says that there is no limit
        used_bytes = int((cgroup / current).read_text())
        lines = dict(line.split(maxsplit=1) for line in (cgroup / details).read_text().splitlines())
        used_bytes -= int(lines.get(dropped, "0"))
    except (OSError, ValueError):
        return 0.0
    # cgroups of version 1 without a limit tell a number that no machine has
    return min(1.0, max(0.0, used_bytes / limit_bytes)) if 0 < limit_bytes < machine_bytes else 0.0
