"""`python -m emulator`: serve the Gemini Live API on loopback until SIGINT or SIGTERM. Exit code 2 on wrong usage."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from emulator.errors import EmulatorError
from emulator.journal import Journal
from emulator.profiles import PROFILES
from emulator.script import load
from emulator.server import Emulator, serving
from emulator.tls import server_context

_HOST = "127.0.0.1"
_AUTO = Path(__file__).parent / "scripts" / "auto.toml"


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m emulator", description="The Gemini Live API, offline.")
    parser.add_argument("--port", type=int, default=0, choices=range(65536), metavar="N", help="0 picks a free one (default)")
    parser.add_argument("--ca-file", type=Path, required=True, help="where the throwaway CA's certificate is written (PEM)")
    parser.add_argument("--script", type=Path, default=_AUTO, help="what the model says (TOML; default: auto)")
    parser.add_argument("--profile", choices=sorted(PROFILES), help="how a model behaves that isn't in the table")
    parser.add_argument("--api-key", help="the only key to accept; by default any key will do")
    parser.add_argument("--journal", type=Path, help="append what goes over the wire to this file, as JSON lines")
    arguments = parser.parse_args(argv)
    if arguments.script == Path("auto"):
        arguments.script = _AUTO
    return arguments


async def _serve(arguments: argparse.Namespace) -> None:
    script = load(arguments.script)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    with Journal(arguments.journal) as journal:
        fallback = PROFILES[arguments.profile] if arguments.profile else None
        emulator = Emulator(script, journal, api_key=arguments.api_key, fallback=fallback)
        tls = server_context(arguments.ca_file)
        async with serving(emulator, host=_HOST, port=arguments.port, tls=tls) as port:
            print(f"ready https://{_HOST}:{port}", flush=True)
            await stopped.wait()


def main(argv: list[str] | None = None) -> int:
    """Serve; returns the exit code."""
    arguments = _arguments(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        asyncio.run(_serve(arguments))
    except EmulatorError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"cannot start on {_HOST}:{arguments.port}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
