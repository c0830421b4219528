"""The worker: its command line, what it checks before it starts, and the server that takes calls."""

import importlib
import sys
from pathlib import Path


def main() -> None:
    """Run the command line, `python agent.py start`."""
    # imported here: the fork server and the processes of calls import single modules of this package, and nothing else of it
    try:
        options = importlib.import_module("agent.worker.reload_plan").reload_options(sys.argv[1:])
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201  the one sentence, before there is a log
        sys.exit(2)
    if options is not None:
        sys.exit(importlib.import_module("agent.worker.reload").run_reloading(options, Path(sys.argv[0])))
    importlib.import_module("agent.worker.command_line").main()
