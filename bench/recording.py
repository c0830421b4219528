"""`python -m bench.recording`: what recording takes of the CPU of a call's process, in calls through livekit-server.

Each round has two calls side by side in one worker (`python agent.py start`) with RECORD=audio,transcript,timeline. The
dispatch of one says `{"record": false}`: it is as with RECORD off. Each call has a new process, whose user and system time are
taken from the beginning of a question to the end of an answer. Both callers ask at the same moment, so that whatever else the
machine does disturbs both alike. Caller and agent each speak for 45 % of the time. Which call begins first takes turns.

Before that it measures recording's own work (bench/recording_work.py), which is the sharper figure: calls that run side by side
differ by several percent. Prints Markdown; exit code 1 if that work is 3 % or more of what a call takes.
"""

import argparse
import asyncio
import dataclasses
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import psutil

from bench.peers import RECORD, RECORDED, Peer, peer, servers
from bench.recording_work import RecordingWork, recording_work
from bench.talk import ANSWER_S, Heard, exchange, in_call
from demo.parts import Part
from tests.e2e.stack import Sfu
from tests.progress import raw_output_in_file, steps

OFF = "off"
_NOT_RECORDED = json.dumps({"record": False})
_MOST = 0.03
_SETTLED_S = 3.0
_EXCHANGE_S = 9.0
"""A question and an answer of 4 s, and the silences after them."""
_LOGGED_WITHIN_S = 5.0


@dataclass
class RecordingCost:
    """The measurements of all rounds: CPU of the processes of the two calls, in ms per second, and what may explain them."""

    work: RecordingWork
    off: list[float] = field(default_factory=list)
    recorded: list[float] = field(default_factory=list)
    heard: Heard = field(default_factory=Heard)
    load: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """The ratio of each round's two calls."""
        return [recorded / off for off, recorded in zip(self.off, self.recorded, strict=True)]

    @property
    def is_met(self) -> bool:
        """Whether recording's own work is less than 3 % of what a call takes."""
        return self.share < _MOST

    @property
    def share(self) -> float:
        """The part of a call's CPU that is recording's own work."""
        return self.work.cpu_ms_per_s / statistics.median(self.off)

    def table(self) -> str:
        """The table for docs/numbers.md."""
        rows = [
            f"| {OFF} | {shown(self.off, 1)} | 1 |",
            f"| {RECORD} | {shown(self.recorded, 1)} | {shown(self.ratios, 3)} |",
        ]
        return "\n".join(["| RECORD | CPU of a call's process, ms per s | ratio |", "|---|---|---|", *rows])

    def verdict(self) -> str:
        """The gate, and what may explain the figures."""
        load = f"1-min load {min(self.load):.1f}-{max(self.load):.1f}, {self.heard.unanswered} questions unanswered"
        share = f"{self.share:.1%} of a call's CPU; less than {_MOST:.0%}: {'met' if self.is_met else '**not met**'}"
        return f"{self.work.text()}; {share}; {load}"


def shown(values: Sequence[float], digits: int) -> str:
    """The median, and the range."""
    low, middle, high = (f"{each:.{digits}f}" for each in (min(values), statistics.median(values), max(values)))
    return f"**{middle}** ({low}-{high})"


async def one_round(one: Peer, server: Sfu, number: int, exchanges: int, cost: RecordingCost) -> None:
    """Two calls, one of them recorded."""
    off = dataclasses.replace(one, token=lambda room: server.token(room, "caller", metadata=_NOT_RECORDED))
    rooms = {f"bench-{number}-{OFF}": off, f"bench-{number}-{RECORDED}": one}
    first_to_last = list(rooms)[:: -1 if number % 2 else 1]
    async with AsyncExitStack() as calls:
        callers = [
            await calls.enter_async_context(in_call(rooms[room], server.url, room, cost.heard)) for room in first_to_last
        ]
        processes = [await call_process(one.part, room) for room in rooms]
        await asyncio.sleep(_SETTLED_S)
        before, began_at = [cpu_s(process) for process in processes], time.monotonic()
        for _ in range(exchanges):
            await asyncio.gather(*(exchange(caller, cost.heard) for caller in callers))
        after, took_s = [cpu_s(process) for process in processes], time.monotonic() - began_at
    for values, begin, end in zip((cost.off, cost.recorded), before, after, strict=True):
        values.append(1000 * (end - begin) / took_s)
    cost.load.append(os.getloadavg()[0])


async def call_process(part: Part, room: str) -> psutil.Process:
    """The process that has the call in a room, which is recorded or not, as the room's name says."""
    line = await part.says(re.compile(f'"call started".*"room": "{room}"'), within_s=_LOGGED_WITHIN_S)
    recorded = re.compile(f'"the call is recorded".*"room": "{room}"')
    if room.endswith(RECORDED):
        await part.says(recorded, within_s=_LOGGED_WITHIN_S)
    elif any(recorded.search(each) for each in part.lines):
        raise RuntimeError(f"the call in {room} is recorded")
    return psutil.Process(json.loads(line)["pid"])


def cpu_s(process: psutil.Process) -> float:
    """The CPU time of a process and its threads so far."""
    times = process.cpu_times()
    return times.user + times.system


async def measure(rounds: int, exchanges: int) -> RecordingCost:
    """All rounds."""
    cost = RecordingCost(recording_work())
    with raw_output_in_file("recording"), steps("rounds", rounds) as told:
        async with servers(ANSWER_S) as (server, model), peer(RECORDED, server, model, ANSWER_S) as one:
            for number in range(rounds):
                await one_round(one, server, number, exchanges, cost)
                told.step(f"{cost.off[-1]:.1f} ms per s; recorded {cost.recorded[-1]:.1f}")
    return cost


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.recording", description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument(
        "--seconds", type=float, default=27.0, help="of each round that are measured, in whole exchanges of 9 s"
    )
    asked = parser.parse_args()
    if asked.rounds < 1:
        parser.error("--rounds: at least 1")
    cost = asyncio.run(measure(asked.rounds, max(round(asked.seconds / _EXCHANGE_S), 1)))
    print(f"\n{cost.table()}\n\n{cost.verdict()}")
    return 0 if cost.is_met else 1


if __name__ == "__main__":
    sys.exit(main())
