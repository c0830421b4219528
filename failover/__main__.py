"""`python -m failover list`: the calls of a fleet, the state of each, and the worker that has it.

Exit codes: 0 done; 1 the store can't be reached; 2 wrong usage, or a setting that can't be used.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence

from configuration import FileError, ValueMistakeError, argument_parser
from failover.errors import FailoverError, LiveKitUnavailableError, SettingsError
from failover.listing import as_json, as_text, listed
from failover.opening import NO_FOLDER, open_store
from failover.rooms import LiveKitAccess, open_rooms
from failover.settings import FailoverSettings, read_settings, store_config

DONE, FAILED, WRONG_USAGE = 0, 1, 2
_EXAMPLES = ("python -m failover list", "python -m failover list --json")


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser("python -m failover", "Calls that outlive their processes.", _EXAMPLES)
    commands = parser.add_subparsers(dest="command", required=True, metavar="list")
    text = "show the calls, the state of each, and its worker"
    command = commands.add_parser("list", help=text, description=text)
    command.add_argument("--json", action="store_true", help="for programs")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Do one command; returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return asyncio.run(_list(read_settings(), as_objects=arguments.json))
    except (SettingsError, FileError) as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    except ValueMistakeError as mistake:
        print(SettingsError(mistake.name, mistake.shown, mistake.fix), file=sys.stderr)
        return WRONG_USAGE
    except FailoverError as error:
        print(error, file=sys.stderr)
        return FAILED


async def _list(settings: FailoverSettings, *, as_objects: bool) -> int:
    config = store_config(settings)
    if config is None:
        raise SettingsError("FAILOVER_DIR", None, NO_FOLDER)
    async with open_store(config) as store:
        leases = await store.leases()
    calls = listed(leases, await _created_at_s(settings) if leases else {}, time.time())
    print(as_json(calls) if as_objects else as_text(calls))
    return DONE


async def _created_at_s(settings: FailoverSettings) -> dict[str, float]:
    """When each room was made; nothing if livekit-server doesn't say."""
    url = settings.livekit_url
    access = LiveKitAccess(url, settings.key, settings.secret, settings.agent_name, settings.livekit_proxy_for(url))
    try:
        async with open_rooms(access) as rooms:
            return await rooms.created_at_s()
    except LiveKitUnavailableError as error:
        print(f"the calls' ages are unknown: LiveKit at {url} doesn't list its rooms ({error})", file=sys.stderr)
        return {}


if __name__ == "__main__":
    sys.exit(main())
