"""Many links in one process, without a room, on an emulator that breaks them: `soak_links`."""

import asyncio
import gc
import logging
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from agent.gemini import ApiKey, Endpoint
from speech import synthesize
from tests.e2e.stack import until
from tests.soak.account import Book
from tests.soak.faults import NAMES, Mischief
from tests.soak.footprint import Footprint, Sample, sample, slope, typical
from tests.soak.service import MODEL, SPOKEN, Service, service
from tests.soak.talker import RATE_HZ, Talker, microphones

_WARM_UP_S = 60.0
_TORN_DOWN_S = 1.0
_LATE_S = 0.5
"""Later than this, the machine loses to the load, and what is late is the machine's."""
_OBJECTS_PER_LINK_MINUTE = 300.0
"""A conversation keeps its history: seven questions and answers a minute, as the plugin's objects, are some 180."""
_GROWTH_KB_PER_LINK_MINUTE = 80.0
"""Those are 30 KB; the allocators take as much again in the first quarter of an hour, for what they don't give back."""


@dataclass(frozen=True)
class LinksPlan:
    """What is soaked, and for how long."""

    links: int = 50
    seconds: float = 600.0
    seed: int = 1
    faults_per_link_minute: float = 2.0
    time_scale: float = 0.03
    """A connection lives 18 s then, and its GoAway comes 1.5 s before the end."""
    patience_s: float = 60.0
    names: tuple[str, ...] = NAMES


@dataclass
class SoakedLinks:
    """What came of it."""

    plan: LinksPlan
    books: list[Book]
    footprint: Footprint = field(default_factory=Footprint)
    lags_s: list[float] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    logged: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Warnings and errors of the libraries and of ours: level and message."""
    left: list[str] = field(default_factory=list)
    """What was still there after the end."""
    took_s: float = 0.0

    def settled(self) -> list[Sample]:
        """Samples from when everything has been used once."""
        return self.footprint.settled(min(_WARM_UP_S, self.plan.seconds / 3))

    def too_busy(self) -> list[str]:
        """Whether the machine was: then what is wrong may be its fault."""
        late_s = float(np.percentile(self.lags_s, 95)) if self.lags_s else 0.0
        return [f"the machine was too busy: microphones were {late_s:.1f} s late (95th percentile)"] if late_s > _LATE_S else []

    def wrong(self) -> list[str]:
        """Everything that isn't accounted for, in sentences."""
        found = [each for book in self.books for each in book.wrong] + self.left
        found += [
            f"logged: {level} {message} ({count}x)" for (level, message), count in self.logged.items() if level != "WARNING"
        ]
        settled = self.settled()
        if self.plan.seconds < 3 * _WARM_UP_S or not settled:
            return found  # too short to tell growth from a beginning
        grown_kb = 1024 * slope(settled, lambda each: each.memory_mb) / self.plan.links
        objects = slope(settled, lambda each: each.objects) / self.plan.links
        if objects > _OBJECTS_PER_LINK_MINUTE:
            found.append(f"{objects:.0f} objects more per link and minute; {_OBJECTS_PER_LINK_MINUTE:.0f} are allowed")
        if grown_kb > _GROWTH_KB_PER_LINK_MINUTE:
            found.append(f"memory grows by {grown_kb:.0f} KB per link and minute; {_GROWTH_KB_PER_LINK_MINUTE:.0f} are allowed")
        for name, of in {"tasks": lambda each: each.tasks, "file descriptors": lambda each: each.files}.items():
            first, last = typical(settled, of)
            if last > 1.1 * first + 5:
                found.append(f"{name} grow: {first:.0f} in the first third, {last:.0f} in the last")
        return found


class _Listening(logging.Handler):
    """Counts what is logged as a warning or worse."""

    def __init__(self, counts: Counter[tuple[str, str]]) -> None:
        super().__init__(logging.WARNING)
        self._counts = counts

    def emit(self, record: logging.LogRecord) -> None:
        self._counts[record.levelname, f"{record.name}: {str(record.msg).splitlines()[0][:120]}"] += 1


async def soak_links(plan: LinksPlan) -> SoakedLinks:
    """Run it to its end. The seed gives the faults and what callers do; sockets have their own time."""
    soaked = SoakedLinks(plan, [Book(f"link {number}", plan.patience_s) for number in range(plan.links)])
    listening = _Listening(soaked.logged)
    logging.getLogger().addHandler(listening)
    before = _held_now()
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            async with service(Path(folder), plan.time_scale) as model:
                await _run(soaked, model)
                gc.collect()
                with suppress(TimeoutError):  # a socket that is torn down is gone a moment later
                    await until(lambda: _held_now().sockets <= before.sockets, within_s=_TORN_DOWN_S)
                soaked.left += _left(before, _held_now(), await model.held())
    finally:
        logging.getLogger().removeHandler(listening)
    soaked.took_s = time.monotonic() - began
    return soaked


async def _run(soaked: SoakedLinks, model: Service) -> None:
    plan = soaked.plan
    endpoint = Endpoint(MODEL, ApiKey("key"), base_url=model.gemini.url, ca_file=model.gemini.ca_file)
    sounds = [synthesize(text, sample_rate_hz=RATE_HZ).tobytes() for text in SPOKEN]
    mischief = Mischief(
        model.control_url,
        plan.seed,
        every_s=60 / (plan.links * plan.faults_per_link_minute),
        names=plan.names,
    )
    async with AsyncExitStack() as connected:
        talkers = [
            await connected.enter_async_context(Talker(book, endpoint, sounds, seed=plan.seed * 1000 + number))
            for number, book in enumerate(soaked.books)
        ]
        await _talk(soaked, mischief, talkers)


async def _talk(soaked: SoakedLinks, mischief: Mischief, talkers: list[Talker]) -> None:
    plan = soaked.plan
    process, loop = psutil.Process(), asyncio.get_running_loop()
    background = [
        asyncio.create_task(microphones(talkers, soaked.lags_s)),
        asyncio.create_task(
            soaked.footprint.follow(lambda: sample(process, len(asyncio.all_tasks(loop)), sys.getallocatedblocks()))
        ),
    ]
    try:
        async with asyncio.timeout(60):
            await asyncio.gather(*(talker.start() for talker in talkers))
        until = loop.time() + plan.seconds
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(mischief.make(plan.seconds))
            for talker in talkers:
                tasks.create_task(talker.talk(until))
    finally:
        closing = await asyncio.gather(*(talker.aclose() for talker in talkers), return_exceptions=True)
        soaked.left += [f"hanging up failed: {error!r}" for error in closing if isinstance(error, BaseException)]
        for task in background:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*background)
    soaked.asked, soaked.happened = mischief.asked, mischief.happened


@dataclass(frozen=True)
class _Held:
    tasks: int
    files: int
    sockets: int


def _held_now() -> _Held:
    process = psutil.Process()
    tcp = [each for each in process.net_connections("tcp") if each.status == psutil.CONN_ESTABLISHED]
    return _Held(len(asyncio.all_tasks()), process.num_fds(), len(tcp))


def _left(before: _Held, after: _Held, sessions: int) -> list[str]:
    found = []
    if after.tasks > before.tasks + 1:  # the emulator's output is read by one
        found.append(f"{after.tasks - before.tasks - 1} tasks are left: {[task.get_name() for task in asyncio.all_tasks()]}")
    if after.sockets > before.sockets:
        found.append(f"{after.sockets - before.sockets} sockets are left open")
    if sessions:
        found.append(f"the service still holds {sessions} sessions")
    return found
