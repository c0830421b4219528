"""The command line: `python -m agent.gemini models` prints which settings each model takes."""

import argparse

from agent.gemini.model_table import table


def main() -> None:
    """Run the subcommand that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m agent.gemini", description="What Gemini's Live models take.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("models", help="which settings of a [live] table each model takes")
    parser.parse_args()
    print(table())  # noqa: T201  what the command is for


if __name__ == "__main__":
    main()
