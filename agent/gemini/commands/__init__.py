"""The subcommands of `python -m agent.gemini`, a module for each."""

import argparse
from collections.abc import Callable, Sequence

from agent.gemini.commands import models


def main(argv: Sequence[str] | None = None) -> int:
    """Run the subcommand that the command line names; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m agent.gemini", description="Gemini from the command line, without a call.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (models,):
        command.add_to(commands)
    arguments = parser.parse_args(argv)
    run: Callable[[argparse.Namespace], None] = arguments.run
    run(arguments)
    return 0
