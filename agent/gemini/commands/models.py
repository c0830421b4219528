"""`models`: print which settings of a `[live]` table each model takes."""

import argparse
from typing import Any

from agent.gemini.model_table import table


def add_to(commands: Any) -> None:
    """Add the subcommand to argparse's."""
    parser = commands.add_parser("models", help="print which settings each model takes", description=__doc__)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    del arguments
    print(table())  # noqa: T201  what was asked for
