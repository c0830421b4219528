"""A program with a fork server and one process of it: says `ready`, and after SIGTERM to the group how that process is."""

import signal
import subprocess
import sys
from multiprocessing.connection import Connection

from agent.worker.signals import SteadyForkServer, leave_to_worker


def serve(pipe: Connection) -> None:
    """Answer each message with how a program ends that this process starts and ends by SIGTERM."""
    leave_to_worker()
    pipe.send("ready")
    while pipe.recv() != "end":
        started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        started.terminate()
        pipe.send(started.wait())


def main() -> None:
    context = SteadyForkServer()
    context.set_forkserver_preload(["agent.worker.signals"])
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,))
    process.start()
    here.recv()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    signal.sigwait([signal.SIGUSR1])
    here.send("how do programs end?")
    sys.stdout.write(f"{here.recv()}\n")
    here.send("end")
    process.join()
    sys.stdout.write(f"{process.exitcode}\n")


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    main()
