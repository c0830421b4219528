"""What processes hold, over time, and whether that grows."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import psutil

_EVERY_S = 2.0
_MB = 2**20


@dataclass(frozen=True)
class Sample:
    t: float
    memory_mb: float
    """Private: USS."""
    files: int
    """File descriptors."""
    tasks: int = 0
    objects: int = 0
    """Python's allocated blocks."""


def sample(process: psutil.Process, tasks: int = 0, objects: int = 0) -> Sample:
    """What a process holds now; tasks and objects only it knows itself.

    Raises:
        psutil.Error: it has ended.
    """
    return Sample(time.monotonic(), process.memory_full_info().uss / _MB, process.num_fds(), tasks, objects)


@dataclass
class Footprint:
    """One process's, sample after sample."""

    samples: list[Sample] = field(default_factory=list)

    async def follow(self, look: Callable[[], Sample]) -> None:
        """Until cancelled, or until the process ends."""
        while True:
            try:
                self.samples.append(await asyncio.to_thread(look))
            except psutil.Error:
                return
            await asyncio.sleep(_EVERY_S)

    def settled(self, warm_up_s: float) -> list[Sample]:
        """Without the first so many seconds, in which everything is new."""
        return [each for each in self.samples if each.t - self.samples[0].t >= warm_up_s]


def slope(samples: list[Sample], of: Callable[[Sample], float]) -> float:
    """How much it grows in a minute: the line through all samples. 0 for fewer than ten."""
    if len(samples) < 10:
        return 0.0
    minutes = np.array([each.t for each in samples]) / 60
    return float(np.polyfit(minutes - minutes[0], [of(each) for each in samples], 1)[0])


def typical(samples: list[Sample], of: Callable[[Sample], float]) -> tuple[float, float]:
    """The medians of the first third and of the last."""
    third = max(len(samples) // 3, 1)
    first, last = samples[:third], samples[-third:]
    return float(np.median([of(each) for each in first])), float(np.median([of(each) for each in last]))
