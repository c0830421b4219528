"""`python -m tests.chaos`: a fleet is killed part by part under talking callers; `make chaos` writes docs/chaos.md."""

import argparse
import asyncio
import datetime
import logging
import os
import random
import signal
import sys
import tempfile
from pathlib import Path

from caller import CallerError
from configuration import argument_parser
from tests.chaos.fleet import fleet
from tests.chaos.kills import KINDS
from tests.chaos.report import report, stock_report
from tests.chaos.run import ChaosPlan, chaos
from tests.chaos.stock import stock_silence_s
from tests.chaos.words import MOST_CALLERS

_BEGIN, _END = "<!-- measured: `make chaos` writes from here -->", "<!-- to here -->"
_EXAMPLES = (
    "python -m tests.chaos --seed 7 --callers 4",
    "python -m tests.chaos --minutes 5 --callers 2 --kinds job        # nothing but the processes of calls",
    "python -m tests.chaos --directory --workers 2                     # leases in a directory instead of Redis",
)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    what = "Kill parts of a fleet at random while callers talk to it, and say what the callers noticed."
    parser = argument_parser("python -m tests.chaos", what, _EXAMPLES)
    parser.add_argument(
        "--seed", type=int, default=random.randrange(1_000_000), help="of kills and callers (default: a new one)"
    )
    parser.add_argument("--minutes", type=float, default=10, help="(default 10)")
    parser.add_argument(
        "--callers", type=int, default=4, help=f"at once, at most {MOST_CALLERS} (default 4: as many as two cores hold)"
    )
    parser.add_argument("--workers", type=int, default=3, help="(default 3)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="what is killed (default: all)")
    parser.add_argument("--directory", action="store_true", help="leases and checkpoints in a directory instead of Redis")
    parser.add_argument("--stock", action="store_true", help="kill a call of LiveKit's own example, too")
    parser.add_argument("--document", type=Path, help="write the tables between the marks of this file")
    given = parser.parse_args(argv)
    if not 1 <= given.callers <= MOST_CALLERS:
        parser.error(f"argument --callers: {given.callers} is not between 1 and {MOST_CALLERS}, which have a tone of their own")
    return given


async def _measured(given: argparse.Namespace, folder: Path) -> tuple[str, list[str]]:
    """The text of the document, and what is wrong."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # the programs end as well
    plan = ChaosPlan(
        given.seed, 60 * given.minutes, given.callers, given.workers, tuple(given.kinds), with_redis=not given.directory
    )
    stock = []
    if given.stock:
        (folder / "stock").mkdir()
        async with fleet(folder / "stock", workers=0, with_redis=False) as made:
            try:
                stock = [stock_report(await stock_silence_s(made))]
            except CallerError as error:
                stock = [f"LiveKit's own example was not measured: {error}."]
    (folder / "ours").mkdir()
    result = await chaos(plan, folder / "ours", lambda told: print(told, file=sys.stderr, flush=True))
    today, load = datetime.datetime.now(datetime.UTC), os.getloadavg()[1]
    parts = [f"{today:%d %B %Y}, {os.cpu_count()} cores, load {load:.1f} at the end.", report(result), *stock]
    return "\n\n".join(parts), result.wrong


def main(argv: list[str] | None = None) -> int:
    """Run it; returns the exit code."""
    given = _arguments(argv)
    logging.basicConfig(level=logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="earshot-chaos-"))
    print(f"seed {given.seed}; the logs of all programs are in {folder}", file=sys.stderr, flush=True)
    try:
        text, wrong = asyncio.run(_measured(given, folder))
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    print(text)
    if given.document:
        before, _, rest = given.document.read_text(encoding="utf-8").partition(_BEGIN)
        _, _, after = rest.partition(_END)
        given.document.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
