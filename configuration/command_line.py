"""The command line of each program: `--version`, and examples at the end of `--help`. Pure."""

import argparse
import textwrap
from collections.abc import Sequence

VERSION = "0.1.0"
"""The project's version; a test holds it to pyproject.toml."""
_WIDTH = 100


def argument_parser(prog: str, description: str, examples: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of a program.

    Args:
        prog: the command, such as `python -m emulator`.
        description: what the program does, in a sentence or two.
        examples: command lines, each with a comment after `#` if it needs one.
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        description=textwrap.fill(description, _WIDTH),
        epilog="\n".join(["examples:", *(f"  {example}" for example in examples)]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"{prog.removeprefix('python ').removeprefix('-m ')} {VERSION} (Earshot)"
    )
    return parser
