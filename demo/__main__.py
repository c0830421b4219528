"""`python -m demo`, which `make demo` runs. Exit codes are those of demo/program.py; 130 for Ctrl-C before it has begun."""

import importlib
import os
import signal
import sys


def main() -> int:
    """Run the demo; returns the exit code."""
    # before the slow imports, in which a KeyboardInterrupt would be a traceback; until the first part runs nothing needs an end
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    return int(importlib.import_module("demo.program").main())


if __name__ == "__main__":
    sys.exit(main())
