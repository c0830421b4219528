"""`python -m bench.calls`: whole calls through livekit-server, by the caller's ear: ours, stock, and the least a call can be.

The peers are ours (`python agent.py start`), stock (bench/stock_agent.py) and a floor without a model (bench/floor_agent.py).
They take turns, each round in a freshly started program, all on one livekit-server and one model that takes no time
(bench/tone_model.py): an answer begins 300 ms after the question for all three, and what is more than the floor's is the
worker's. In each round one call is timed turn by turn, every other answer interrupted; then CPU and memory of the peer's whole
process tree are taken with one call and with `--calls`, both sides speaking 45 % of the time. "Per further call" is the
difference between the two, divided. The floor holds all calls in one process, as the gates have it; the peer `apart` is the
same with a process for each call, which a worker that isolates its calls can reach. The peers `off` and `redis` are ours
with FAILOVER=off and with leases and checkpoints in Redis: `--peers ours off redis` shows what the failover costs. The peer
`recorded` is ours with recorded calls, of which bench/recording.py tells more.

Turns in which the caller's own clock was late are left out and counted. Prints Markdown; exit code 1 if a gate isn't met.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from bench.peers import APART, FLOOR, MOST_APART, OFF, OURS, RECORDED, REDIS, STOCK, Peer, peer, servers
from bench.process_tree import usage
from bench.talk import ANSWER_S, Heard, Punctuality, in_call, talk, timed_turns
from tests.e2e.stack import Gemini, Sfu
from tests.progress import raw_output_in_file, steps

_SETTLED_S = 3.0


@dataclass
class Found:
    """The measurements of one peer, over all rounds."""

    heard: Heard = field(default_factory=Heard)
    cpu: dict[int, list[float]] = field(default_factory=dict)
    """CPU time of the peer's process tree in ms per second, by number of calls."""
    private_mb: dict[int, list[float]] = field(default_factory=dict)
    load: list[float] = field(default_factory=list)

    def per_further_call(self, values: dict[int, list[float]]) -> list[float]:
        """The cost of a further call, in each round."""
        most = max(values)
        if most <= 1:
            return []
        return [(many - one) / (most - 1) for one, many in zip(values[1], values[most], strict=True)]


@dataclass(frozen=True)
class Row:
    """A line of the table, with its gate for ours."""

    name: str
    values: dict[str, list[float]]
    scale: float = 1.0
    digits: int = 0
    most: float | None = None
    """The gate: of the ratio to the floor, or of the value itself (`absolute`)."""
    absolute: bool = False

    def cell(self, name: str) -> str:
        values = [value * self.scale for value in self.values.get(name, [])]
        if not values:
            return "-"
        low, high, highest = spread(values)
        shown = [f"{value:.{self.digits}f}" for value in (low, statistics.median(values), high, highest)]
        return f"{shown[0]} / **{shown[1]}** / {shown[2]} / {shown[3]}{self._times(name)}"

    def ratio(self, name: str) -> float | None:
        """The ratio of a peer's median to the floor's."""
        if not self.values.get(name) or not self.values.get(FLOOR):
            return None
        floor = statistics.median(self.values[FLOOR])
        return statistics.median(self.values[name]) / floor if floor > 0 else None

    def _times(self, name: str) -> str:
        ratio = self.ratio(name)
        return "" if name == FLOOR or self.absolute or ratio is None else f" (x{ratio:.2f})"

    def verdict(self) -> tuple[str, bool]:
        """The gate's words, and whether it is met. What can't be measured isn't met."""
        if self.most is None or not self.values.get(OURS):
            return ("", True) if self.most is None else ("not measured", False)
        value = statistics.median(self.values[OURS]) * self.scale if self.absolute else self.ratio(OURS)
        met = value is not None and value <= self.most
        return f"<= {self.most:g}{'' if self.absolute else ' x'}: {'met' if met else '**not met**'}", met


def spread(values: Iterable[float]) -> tuple[float, float, float]:
    """10th, 90th and 95th percentile; of few values the least and the greatest."""
    ordered = sorted(values)
    return ordered[len(ordered) // 10], ordered[-1 - len(ordered) // 10], ordered[-1 - len(ordered) // 20]


async def one_round(name: str, rooms: Iterable[str], pair: tuple[Sfu, Gemini], asked: argparse.Namespace, found: Found) -> None:
    """Start the peer, time one call, then load it."""
    server, model = pair
    rooms = iter(rooms)
    clock = Punctuality()
    async with peer(name, server, model, ANSWER_S) as one, AsyncExitStack() as calls, asyncio.TaskGroup() as tasks:
        ticking = [tasks.create_task(clock.run())]
        await asyncio.sleep(_SETTLED_S)
        await window(one, 0, asked.window_s, found)
        caller = await calls.enter_async_context(in_call(one, server.url, next(rooms), found.heard))
        await timed_turns(caller, asked.turns, found.heard, clock)
        ticking.append(tasks.create_task(talk(caller, found.heard)))
        await asyncio.sleep(_SETTLED_S)
        await window(one, 1, asked.window_s, found)
        for room in list(rooms)[: asked.calls - 1]:
            caller = await calls.enter_async_context(in_call(one, server.url, room, found.heard))
            ticking.append(tasks.create_task(talk(caller, found.heard)))
        if asked.calls > 1:
            await asyncio.sleep(_SETTLED_S)
            await window(one, asked.calls, asked.window_s, found)
        for task in ticking:
            task.cancel()


async def window(one: Peer, calls: int, seconds: float, found: Found) -> None:
    """Take the tree's CPU over a while, and its memory at the end of it."""
    before, began_at = usage(one.part.pid), time.monotonic()
    await asyncio.sleep(seconds)
    after = usage(one.part.pid)
    found.cpu.setdefault(calls, []).append(1000 * after.cpu_since(before) / (time.monotonic() - began_at))
    found.private_mb.setdefault(calls, []).append(after.private_mb)
    found.load.append(os.getloadavg()[0])


async def measure(asked: argparse.Namespace) -> dict[str, Found]:
    """All rounds; each begins with another peer."""
    found = {name: Found() for name in asked.peers}
    with raw_output_in_file("calls"), steps("rounds", asked.rounds * len(asked.peers)) as told:
        async with servers(ANSWER_S) as (server, model):
            for number in range(asked.rounds):
                turned = number % len(asked.peers)
                for name in [*asked.peers[turned:], *asked.peers[:turned]]:
                    rooms = [f"bench-{number}-{name}-{index}" for index in range(asked.calls)]
                    await one_round(name, rooms, (server, model), asked, found[name])
                    told.step(f"round {number + 1}: {name}")
    return found


def rows(found: dict[str, Found], calls: int) -> list[Row]:
    """The table's lines."""

    def heard(what: str) -> dict[str, list[float]]:
        return {name: getattr(one.heard, what) for name, one in found.items()}

    def tree(what: str, number: int) -> dict[str, list[float]]:
        return {name: getattr(one, what).get(number, []) for name, one in found.items()}

    def further(what: str) -> dict[str, list[float]]:
        return {name: one.per_further_call(getattr(one, what)) for name, one in found.items()}

    gated = [
        Row("response latency, ms", heard("answers"), 1000, most=1.05),
        Row("response latency at arrival, ms", heard("answers_at_arrival"), 1000),
        Row("barge-in -> silent, ms", heard("barge_ins"), 1000, most=1.1),
        Row("dispatch -> agent's track, s", heard("tracks"), digits=2, most=0.40, absolute=True),
        Row("greeting latency, s", heard("greetings"), digits=2, absolute=True),
        Row("CPU per further call, ms per s", further("cpu"), most=1.3),
        Row("private memory per further call, MB", further("private_mb"), digits=1, most=40, absolute=True),
    ]
    numbers = sorted({number for one in found.values() for number in one.cpu})
    shown = [Row(f"CPU of the tree, {number} of {calls} calls, ms per s", tree("cpu", number)) for number in numbers]
    return [*gated, *shown, *(Row(f"private memory of the tree, {n} calls, MB", tree("private_mb", n)) for n in numbers)]


def report(found: dict[str, Found], asked: argparse.Namespace) -> bool:
    """Print the table; returns whether every gate of ours is met."""
    print(f"\n| p10 / **median** / p90 / p95 (x floor), {asked.rounds} rounds | {' | '.join(found)} | gate for ours |")
    print("|---" * (2 + len(found)) + "|")
    met = True
    for row in rows(found, asked.calls):
        words, kept = row.verdict() if OURS in found else ("", True)
        met = met and kept
        print(f"| {row.name} | {' | '.join(row.cell(name) for name in found)} | {words} |")
    counted = (
        f"{len(one.heard.answers)} ({len(one.heard.barge_ins)}) / {one.heard.left_out} / {one.heard.unanswered}"
        for one in found.values()
    )
    print(f"| answers (barge-ins) / turns left out / unanswered | {' | '.join(counted)} | |")
    loads = (f"{min(one.load):.1f}-{max(one.load):.1f}" for one in found.values())
    print(f"| 1-min load | {' | '.join(loads)} | |")
    return met


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.calls", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=4, choices=range(1, MOST_APART + 1), help="at most at a time")
    parser.add_argument(
        "--peers", nargs="+", choices=[FLOOR, APART, STOCK, OURS, OFF, REDIS, RECORDED], default=[FLOOR, STOCK, OURS]
    )
    parser.add_argument("--turns", type=int, default=8, help="timed in each round; half of them are interrupted")
    parser.add_argument("--window-s", type=float, default=27.0, help="for CPU: three questions and answers")
    asked = parser.parse_args()
    return 0 if report(asyncio.run(measure(asked)), asked) else 1


if __name__ == "__main__":
    sys.exit(main())
