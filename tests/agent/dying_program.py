"""A program with a fork server and one process of it that never ends by itself: says `ready`, and waits for its own end."""

import signal
import sys
from multiprocessing.connection import Connection

from agent.worker.signals import SteadyForkServer, die_with_worker, leave_to_worker


def serve(pipe: Connection) -> None:
    """Look at nothing, as a process whose event loop is blocked."""
    leave_to_worker()
    die_with_worker()
    pipe.send("ready")
    while True:
        signal.pause()


def main() -> None:
    context = SteadyForkServer()
    context.set_forkserver_preload(["agent.worker.signals"])
    here, there = context.Pipe()
    context.Process(target=serve, args=(there,)).start()
    sys.stdout.write(f"{here.recv()}\n")
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    main()
