"""`python -m bench.link`: what one link to Gemini costs, ours against the stock plugin's session and Google's SDK alone.

Each measurement is a process of its own (bench/link_load.py) that talks with bench/tone_model.py in another one: 20 ms frames
of 16 kHz in real time, the caller speaking as long as the agent. CPU is user and system time of that process, in ms for each
second of each call. "idle" does the same without any link, so it is what the harness itself costs; ratios are of what is above
it. All run on the same event loop. The repeats are interleaved. Prints a Markdown table; exit code 1 if the gate isn't met.
"""

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from bench.link_load import KINDS, TURN_S
from demo.parts import Program, running
from tests.e2e.stack import ROOT
from tests.progress import steps

MOST_OF_STOCK = 0.5
ENOUGH_HEARD = 0.9
NAMES = {
    "idle": "nothing but the frames",
    "genai": "google-genai `AsyncSession`",
    "stock": "plugin `RealtimeSession`",
    "ours": "ours, `EarshotModel.session()`",
}


@dataclass(frozen=True)
class Case:
    """A measurement, which runs in one process."""

    kind: str
    calls: int
    chunk_ms: int

    def argv(self, url: str, ca_file: Path, asked: argparse.Namespace) -> list[str]:
        argv = [sys.executable, "-m", "bench.link_load", self.kind, "--url", url, "--ca-file", str(ca_file)]
        argv += ["--calls", str(self.calls), "--chunk-ms", str(self.chunk_ms)]
        return [*argv, "--cycles", str(asked.cycles), "--loop", asked.loop]


Found = dict[Case, list[float]]


def _hide(_line: str) -> None:
    return None


async def measured(argv: list[str]) -> float:
    """Run one process; returns its milliseconds per call-second.

    Raises:
        RuntimeError: the link was not alive, so that its CPU means nothing.
    """
    async with running(Program("load", argv, None, re.compile(r"^\{"), 300, folder=ROOT, show=_hide)) as load:
        found = json.loads(await load.ready())
    if "idle" not in argv and found["heard_of_expected"] < ENOUGH_HEARD:
        raise RuntimeError(f"{argv[3]} heard {found['heard_of_expected']:.0%} of the answers")
    return float(found["ms_per_call_s"])


async def measure(asked: argparse.Namespace) -> Found:
    """All cases, one after the other, and again."""
    kinds = [(kind, 20) for kind in asked.kinds] + [(kind, 10) for kind in asked.kinds if kind in {"idle", "ours"}]
    cases = [Case(kind, calls, chunk_ms) for calls in asked.calls for kind, chunk_ms in kinds]
    found: Found = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        ca_file = Path(folder) / "ca.pem"
        argv = [sys.executable, "-m", "bench.tone_model", "--ca-file", str(ca_file), "--answer-s", str(TURN_S)]
        async with running(Program("model", argv, None, re.compile("^ready "), folder=ROOT, show=_hide)) as model:
            url = (await model.ready()).split()[1]
            with steps("measurements", asked.repeats * len(cases)) as told:
                for number in range(asked.repeats):
                    for case in cases[number % len(cases) :] + cases[: number % len(cases)]:
                        found[case].append(await measured(case.argv(url, ca_file, asked)))
                        told.step(f"{case}: {found[case][-1]:.1f}")
    return found


def above_idle(found: Found, case: Case) -> float:
    """Median, without what the harness costs."""
    return statistics.median(found[case]) - statistics.median(found[Case("idle", case.calls, case.chunk_ms)])


def table(found: Found, asked: argparse.Namespace) -> list[str]:
    """Markdown."""
    columns = [f"{calls} {'call' if calls == 1 else 'calls'} | x stock" for calls in asked.calls]
    lines = [f"| ms per call-second, median (range) of {asked.repeats} | {' | '.join(columns)} |"]
    lines.append("|---" * (1 + 2 * len(asked.calls)) + "|")
    for kind, chunk_ms in dict.fromkeys((case.kind, case.chunk_ms) for case in found):
        cells = [cell for calls in asked.calls for cell in _cells(found, Case(kind, calls, chunk_ms))]
        lines.append(f"| {NAMES[kind]}, {chunk_ms} ms | {' | '.join(cells)} |")
    return lines


def _cells(found: Found, case: Case) -> tuple[str, str]:
    values = found[case]
    shown = f"**{statistics.median(values):.1f}** ({min(values):.1f}-{max(values):.1f})"
    stock = Case("stock", case.calls, 20)
    if case.kind == "idle" or stock not in found:
        return shown, "-"
    return shown, f"{above_idle(found, case) / above_idle(found, stock):.2f}"


def gate(found: Found, asked: argparse.Namespace) -> bool:
    """Check that ours takes less than half of stock's CPU, for each number of calls; prints the verdict."""
    met = True
    for calls in asked.calls:
        ratio = above_idle(found, Case("ours", calls, 20)) / above_idle(found, Case("stock", calls, 20))
        print(f"gate, {calls} call(s): ours {ratio:.2f} x stock, at most {MOST_OF_STOCK}: {_word(ratio <= MOST_OF_STOCK)}")
        met = met and ratio <= MOST_OF_STOCK
    return met


def _word(met: bool) -> str:  # noqa: FBT001
    return "met" if met else "NOT MET"


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.link", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 8], help="in one process")
    parser.add_argument("--cycles", type=int, default=4, help="of 4.8 s, measured in each process")
    parser.add_argument("--kinds", choices=KINDS, nargs="+", default=list(KINDS))
    parser.add_argument("--loop", choices=["uvloop", "asyncio"], default="uvloop", help="for all alike")
    asked = parser.parse_args()
    if "idle" not in asked.kinds:
        parser.error("--kinds needs idle: everything is counted from there")
    found = asyncio.run(measure(asked))
    print(*table(found, asked), "", sep="\n")
    return 0 if not {"ours", "stock"} <= set(asked.kinds) or gate(found, asked) else 1


if __name__ == "__main__":
    sys.exit(main())
