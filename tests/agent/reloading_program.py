"""A program with reload, for the files of a folder. Its workers run `agent/tool.py` of that folder, and hold a call.

A worker prints `registered worker`, its process id and the port of its health server. At SIGTERM it prints `drains`, and ends
at the next signal, as if its call ended then.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

PORTS = (7001, 7002, 7003)
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


def work(root: Path) -> None:
    """Be a worker."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    tool = root / "agent" / "tool.py"
    names: dict[str, object] = {}
    exec(compile(tool.read_text(), str(tool), "exec"), names)
    say(f"registered worker {names['VERSION']} pid={os.getpid()} port={os.environ['HEALTH_PORT']}")
    signal.sigwait(SIGNALS)
    say(f"{names['VERSION']} drains")
    signal.sigwait(SIGNALS)
    say(f"{names['VERSION']} ends")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(kind: str, root: Path) -> int:
    if kind == "work":
        work(root)
        return 0
    from agent.worker.reload import Reloader  # noqa: PLC0415 - not for each of the workers

    return asyncio.run(Reloader([sys.executable, __file__, "work", str(root)], root, PORTS).run())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
