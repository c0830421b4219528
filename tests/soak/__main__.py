"""`python -m tests.soak links` and `... calls`: many links, or three long calls, while the service breaks at random."""

import argparse
import asyncio
import logging
import random
import sys
import time

import uvloop

from configuration import argument_parser
from tests.progress import raw_output_in_file, steps
from tests.soak.calls import CallsPlan, soak_calls
from tests.soak.links import LinksPlan, soak_links
from tests.soak.report import calls_report, links_report

_EXAMPLES = (
    "python -m tests.soak links --links 50 --minutes 10",
    "python -m tests.soak calls --calls 3 --minutes 20",
    "python -m tests.soak calls --minutes 60       # an hour; each call takes 350 MB in TMPDIR meanwhile",
    "python -m tests.soak --seed 7 links            # the same faults as another time",
)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    what = "Hold many links, or three long calls, while the service breaks at random."
    parser = argument_parser("python -m tests.soak", what, _EXAMPLES)
    parser.add_argument(
        "--seed", type=int, default=random.randrange(1_000_000), help="of faults and callers (default: a new one)"
    )
    parts = parser.add_subparsers(dest="part", required=True)
    links = parts.add_parser("links", help="many links in one process, without WebRTC")
    links.add_argument("--links", type=int, default=50)
    links.add_argument("--minutes", type=float, default=10)
    calls = parts.add_parser("calls", help="real, recorded calls through livekit-server and a worker")
    calls.add_argument("--calls", type=int, default=3)
    calls.add_argument("--minutes", type=float, default=20)
    for part in (links, calls):
        part.add_argument("--rate", type=float, default=2.0, help="faults per link and minute (default 2)")
    return parser.parse_args(argv)


_TOLD_EVERY_S = {True: 1.0, False: 30.0}
"""Seconds between two signs of progress, on a terminal and without one."""


async def _shown(given: argparse.Namespace) -> tuple[str, list[str]]:
    """Soak, and show how much of the time has passed."""
    seconds, began_at = 60 * given.minutes, time.monotonic()

    async def tick() -> None:
        while True:
            await asyncio.sleep(_TOLD_EVERY_S[sys.stderr.isatty()])
            told.reach(min(round(time.monotonic() - began_at), seconds))

    with steps(f"soak {given.part}, seconds", seconds) as told:
        ticking = asyncio.create_task(tick(), name="progress")
        try:
            return await _soak(given)
        finally:
            ticking.cancel()


async def _soak(given: argparse.Namespace) -> tuple[str, list[str]]:
    """The tables, and what is wrong."""
    if given.part == "links":
        plan = LinksPlan(links=given.links, seconds=60 * given.minutes, seed=given.seed, faults_per_link_minute=given.rate)
        links = await soak_links(plan)
        return links_report(links), links.too_busy() + links.wrong()
    calls_plan = CallsPlan(calls=given.calls, seconds=60 * given.minutes, seed=given.seed, faults_per_call_minute=given.rate)
    calls = await soak_calls(calls_plan)
    return calls_report(calls), calls.wrong()


def main(argv: list[str] | None = None) -> int:
    """Run one part; returns the exit code."""
    arguments = _arguments(argv)
    logging.basicConfig(level=logging.CRITICAL)
    print(f"seed {arguments.seed}", flush=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, raw_output_in_file("soak"):
        report, wrong = runner.run(_shown(arguments))
    print(report)
    for each in wrong:
        print(f"\n{each}")
    if wrong:
        print(f"\nNot accounted for: {len(wrong)} things, above. `--seed {arguments.seed}` makes the same faults again.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
