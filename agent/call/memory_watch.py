"""Measures the memory of a call's process, so that another process may go on with the call before LiveKit kills this one."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import psutil

from agent.call.memory_limit import MemoryLimit

_EVERY_S = 5.0

logger = logging.getLogger("earshot.call")


class MemoryWatch:
    """Calls `on_memory_over` when the process uses more memory than `limit_mb`."""

    def __init__(self, limit_mb: int, killed_at_mb: float, on_memory_over: Callable[[], object]) -> None:
        self._limit_mb = limit_mb
        self._killed_at_mb = killed_at_mb
        self._on_memory_over = on_memory_over

    async def run(self) -> None:
        """Measure every five seconds, until cancelled. A thread reads: the kernel takes some milliseconds to count pages."""
        limit, process = MemoryLimit(self._limit_mb), psutil.Process()
        while True:
            used_mb = await asyncio.to_thread(memory_mb, process)
            if limit.is_exceeded(used_mb, time.monotonic()):
                figures = {"used_mb": round(used_mb), "limit_mb": self._limit_mb, "killed_at_mb": round(self._killed_at_mb)}
                logger.warning("the call's process uses more memory than JOB_MEMORY_MB", extra=figures)
                self._on_memory_over()
            await asyncio.sleep(_EVERY_S)


def memory_mb(process: psutil.Process) -> float:
    """The memory of a process in MB, as LiveKit's limit counts it (docs/facts.md L323): shared pages count by their share."""
    try:
        info: Any = process.memory_full_info()
    except (psutil.AccessDenied, NotImplementedError):
        info = process.memory_info()
    used: int = getattr(info, "pss", 0) or getattr(info, "uss", 0) or info.rss
    return used / (1024 * 1024)
