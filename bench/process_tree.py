"""CPU and memory of a program and all of its children."""

from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Usage:
    """CPU and memory at one moment, by process id."""

    cpu_s: dict[int, float]
    """User and system time."""
    private_mb: float
    """Unique set size: what nobody else shares."""

    def cpu_since(self, before: "Usage") -> float:
        """Seconds. A process that came in between counts from its begin; one that went is left out."""
        return sum(seconds - before.cpu_s.get(pid, 0.0) for pid, seconds in self.cpu_s.items())


def usage(pid: int) -> Usage:
    """The CPU and memory of a program and of everything it has started, now."""
    cpu_s, private = {}, 0
    root = psutil.Process(pid)
    for process in (root, *root.children(recursive=True)):
        try:
            times = process.cpu_times()
            private += process.memory_full_info().uss
            cpu_s[process.pid] = times.user + times.system
        except psutil.NoSuchProcess:
            continue  # it has just ended
    return Usage(cpu_s, private / 1e6)
