"""What `python agent.py --help` and `--version` print. LiveKit's command line takes the options that it describes. Pure."""

import argparse
from collections.abc import Sequence

from configuration import argument_parser

_ASKS = {"-h", "--help", "--version"}
_EXAMPLES = (
    "python agent.py dev                            # takes calls, and reloads saved changes",
    "python agent.py start                          # takes calls: for servers",
    "python agent.py console --text                 # a conversation in this terminal",
    "python agent.py connect --room my-room         # joins one room, without a dispatch",
    "PERSONA=boxing_coach python agent.py dev",
)
_SERVER = (
    ("--url URL", "LiveKit's address; wins over LIVEKIT_URL"),
    ("--api-key KEY", "wins over LIVEKIT_API_KEY"),
    ("--api-secret SECRET", "wins over LIVEKIT_API_SECRET; other users of this machine can read it, so better set that"),
)
_LOG_LEVEL = ("--log-level LEVEL", "trace, debug, info, warn, error or critical")
_COMMANDS = {
    "start": (
        "take calls, with a log in JSON, for servers. SIGTERM or Ctrl-C lets the running calls end",
        (
            *_SERVER,
            _LOG_LEVEL,
            ("--drain-timeout S", "how long the running calls may last after SIGTERM; wins over DRAIN_TIMEOUT_S"),
            ("--reload", "start a new worker when a file is saved (docs/reload.md)"),
            ("--health-ports PORT,...", "with --reload: the ports of the workers' health servers"),
        ),
    ),
    "dev": (
        "take calls, with a log for people; a saved change counts from the next call on (docs/reload.md)",
        (*_SERVER, _LOG_LEVEL, ("--no-reload", "run one worker, whatever is saved")),
    ),
    "console": (
        "hold one conversation at this machine's microphone and loudspeaker, without LiveKit; needs PortAudio",
        (
            ("--text", "in text, without sound"),
            ("--input-device NAME", "the microphone, by its number or a part of its name"),
            ("--output-device NAME", "the loudspeaker, by its number or a part of its name"),
            ("--list-devices", "print the microphones and loudspeakers"),
            ("--record", "save the conversation below console-recordings/"),
            _LOG_LEVEL,
        ),
    ),
    "connect": (
        "join one room, without a dispatch",
        (
            ("--room NAME", "the room; it is made if it isn't there"),
            ("--participant-identity NAME", "the agent's identity in the room (default: a random one)"),
            *_SERVER,
            _LOG_LEVEL,
        ),
    ),
}


def asks_for_usage(words: Sequence[str]) -> bool:
    """Whether a command line wants to be told how it is used: it has no words, or one of `--help`, `-h` and `--version`."""
    return not words or not _ASKS.isdisjoint(words)


def show_usage(words: Sequence[str]) -> None:
    """Print the help or the version, and end the program with exit code 0."""
    parser = _parser()
    if not words:
        parser.print_help()
        parser.exit()
    parser.parse_args([word for word in words if word in _COMMANDS or word in _ASKS])


def _parser() -> argparse.ArgumentParser:
    description = (
        "The worker: takes calls from LiveKit and answers them with Gemini. It reads its settings from the environment, .env "
        "and .env.local; .env.example has them all. Exit codes: 0 after the last call, 1 if LiveKit can't be reached any more, "
        "2 for a setting or a persona that can't be used."
    )
    parser = argument_parser("python agent.py", description, _EXAMPLES)
    commands = parser.add_subparsers(metavar="start|dev|console|connect", required=True)
    for name, (does, options) in _COMMANDS.items():
        examples = [example for example in _EXAMPLES if f"agent.py {name}" in example]
        command = commands.add_parser(
            name,
            help=does,
            description=f"{does[0].upper()}{does[1:]}.",
            epilog="\n".join(["examples:", *(f"  {example}" for example in examples)]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for option, meaning in options:
            flag, _, metavar = option.partition(" ")
            if metavar:
                command.add_argument(flag, metavar=metavar, help=meaning)
            else:
                command.add_argument(flag, action="store_true", help=meaning)
    return parser
