"""The subcommands of `python -m agent.gemini`, a module for each.

Exit codes: 0, 1 when Google isn't reachable, 2 for wrong usage or what Google or a setting refuses.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from agent.errors import AgentError
from agent.gemini.commands import models, token
from configuration import FileError, argument_parser

_EXAMPLES = (
    "python -m agent.gemini models                  # the models that are known, and their settings",
    "python -m agent.gemini token --help",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the subcommand that the command line names; returns its exit code."""
    parser = argument_parser("python -m agent.gemini", "Gemini from the command line, without a call.", _EXAMPLES)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (models, token):
        command.add_to(commands)
    arguments = parser.parse_args(argv)
    run: Callable[[argparse.Namespace], None] = arguments.run
    try:
        run(arguments)
    except (AgentError, FileError) as error:
        print(error, file=sys.stderr)  # noqa: T201  a program
        return 2
    except ConnectionError as error:
        print(error, file=sys.stderr)  # noqa: T201  a program
        return 1
    return 0
