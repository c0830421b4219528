"""Kills at random moments: planned by a seed, done to a fleet, written down with the calls that they concern."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.chaos.fleet import Fleet

JOB, WORKER, REDIS, LIVEKIT, GEMINI = "job", "worker", "redis", "livekit-server", "Gemini"
KINDS = (JOB, WORKER, REDIS, LIVEKIT, GEMINI)
WHAT = {
    JOB: "kill -9 of the process of a call",
    WORKER: "kill -9 of a worker with all its calls; started again after 3 s",
    REDIS: "kill -9 of Redis; started again after 3 s, empty",
    LIVEKIT: "kill -9 of livekit-server; started again after 3 s",
    GEMINI: "all connections to Gemini reset; new ones refused for up to 2 s",
}
_WEIGHTS = {JOB: 8, WORKER: 3, REDIS: 2, LIVEKIT: 1, GEMINI: 3}
_APART_S = {JOB: (10.0, 16.0), WORKER: (18.0, 24.0), REDIS: (15.0, 20.0), LIVEKIT: (35.0, 40.0), GEMINI: (10.0, 14.0)}
"""The time from a kill of each kind to the next one of any kind: what follows belongs to one of them."""
_MOST_LOSSES = 3
"""A call that has lost so many processes is told that it can't go on: other calls are killed instead, if there are any."""


@dataclass(frozen=True)
class PlannedKill:
    """A kill that is due so many seconds after the beginning."""

    at_s: float
    kind: str


@dataclass(frozen=True)
class Kill:
    """A kill that was done."""

    kind: str
    at: float
    """On the monotonic clock."""
    rooms: frozenset[str]
    """The rooms of the calls that it concerns."""


def plan(dice: random.Random, seconds: float, kinds: tuple[str, ...] = KINDS) -> Iterator[PlannedKill]:
    """Kills at random moments, for so long. Each kind is there once before any is there again at random."""
    once = list(dice.sample(kinds, len(kinds)))
    at_s = dice.uniform(2, 6)
    while at_s < seconds:
        kind = once.pop() if once else dice.choices(kinds, [_WEIGHTS[each] for each in kinds])[0]
        yield PlannedKill(at_s, kind)
        at_s += dice.uniform(*_APART_S[kind])


@dataclass
class Killer:
    """Does the kills of a plan."""

    fleet: Fleet
    calls: dict[str, object]
    """The rooms in which a caller is at the moment."""
    dice: random.Random
    done: list[Kill] = field(default_factory=list)
    losses: Counter[str] = field(default_factory=Counter)
    """How many processes each call has lost, by its room."""

    async def run(self, planned: list[PlannedKill], tell: Callable[[str], None]) -> None:
        """Do all of it, each at its time, and tell so."""
        began_at = time.monotonic()
        for kill in planned:
            await asyncio.sleep(max(began_at + kill.at_s - time.monotonic(), 0))
            done = await self.kill(kill.kind)
            tell(f"{kill.kind}: {', '.join(sorted(done.rooms)) if done else 'there is none at the moment'}")

    async def kill(self, kind: str) -> Kill | None:
        """Do one. None: there is nothing of that kind at the moment."""
        rooms = frozenset(self.calls)
        match kind:
            case "job":
                return self._kill_job()
            case "worker":
                return self._kill_worker()
            case "redis":
                if self.fleet.redis is None:
                    return None
                done = self._did(kind, rooms)
                self.fleet.redis.kill()
            case "livekit-server":
                done = self._did(kind, rooms)
                self.fleet.livekit.kill()
            case _:
                done = self._did(kind, rooms)
                async with self.fleet.gemini.away():
                    await asyncio.sleep(self.dice.choice((0.0, 2.0)))
        return done

    def _kill_job(self) -> Kill | None:
        alive = [room for room in self.calls if room in self.fleet.answering and _is_alive(self.fleet.answering[room][1])]
        if not alive:
            return None
        fewest = min(self.losses[room] for room in alive)
        room = self.dice.choice([room for room in alive if self.losses[room] == fewest])
        done = self._did(JOB, frozenset({room}))
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.fleet.answering[room][1], signal.SIGKILL)
        return done

    def _kill_worker(self) -> Kill | None:
        up = [number for number, worker in enumerate(self.fleet.workers) if worker.is_up]
        if len(up) < min(2, len(self.fleet.workers)):
            return None  # another one must be there to go on with the calls
        rooms = {number: [room for room in self.fleet.rooms_of(number) if room in self.calls] for number in up}
        fewest = min(up, key=lambda number: (not rooms[number], max((self.losses[room] for room in rooms[number]), default=0)))
        done = self._did(WORKER, frozenset(rooms[fewest]))
        self.fleet.workers[fewest].kill()
        return done

    def _did(self, kind: str, rooms: frozenset[str]) -> Kill:
        if kind in {JOB, WORKER}:
            self.losses.update(rooms)
        done = Kill(kind, time.monotonic(), rooms)
        self.done.append(done)
        return done


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
