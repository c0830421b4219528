"""The worker: its command line, what it checks before it starts, and the server that takes calls."""

import importlib


def main() -> None:
    """Run the command line, `python agent.py start`."""
    # imported here: the fork server and the processes of calls import single modules of this package, and nothing else of it
    importlib.import_module("agent.worker.command_line").main()
