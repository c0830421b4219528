"""`python -m failover list`: the calls of a fleet, the state of each, and the worker that has it.
`python -m failover drain`: the calls that still run, of all workers or of one; it can ask for their hand-over, and wait.

Exit codes: 0 done, and with `drain` nothing runs any more; 1 the store can't be reached, or calls still run; 2 wrong usage, or
a setting that can't be used.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence

from configuration import FileError, ValueMistakeError, argument_parser, log_to_stderr, set_log_format
from failover.errors import FailoverError, LiveKitUnavailableError, SettingsError
from failover.lease import Lease
from failover.listing import as_json, as_text, listed
from failover.opening import NO_FOLDER, StoreConfig, open_store
from failover.rooms import LiveKitAccess, open_rooms
from failover.settings import FailoverSettings, read_settings, store_config
from failover.store import Store

DONE, FAILED, WRONG_USAGE = 0, 1, 2
_EXAMPLES = (
    "python -m failover list --json",
    "python -m failover drain --worker AW_a6tLYZzmTH49",
    "python -m failover drain --worker AW_a6tLYZzmTH49 --hand-over --wait",
)
_LOOKS_EVERY_S = 1.0


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser("python -m failover", "Calls that outlive their processes.", _EXAMPLES)
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|drain")
    text = "show the calls, the state of each, and its worker"
    listing = commands.add_parser("list", help=text, description=text)
    text = "show what still runs, and end with 0 if nothing does"
    draining = commands.add_parser("drain", help=text, description=text)
    draining.add_argument("--worker", metavar="ID", help="only the calls of the worker with this id, which `list` shows")
    draining.add_argument("--hand-over", action="store_true", help="ask the calls to hand themselves over to other processes")
    draining.add_argument("--wait", action="store_true", help="wait until none of them runs")
    for command in (listing, draining):
        command.add_argument("--json", action="store_true", help="for programs")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Do one command; returns the exit code."""
    arguments = _parser().parse_args(argv)
    log_to_stderr()
    try:
        settings = read_settings()
        set_log_format(settings.log_format)
        if arguments.command == "list":
            return asyncio.run(_list(settings, as_objects=arguments.json))
        if arguments.hand_over and arguments.worker is None:
            print("--hand-over needs --worker: without it, every call of the fleet would change its worker", file=sys.stderr)
            return WRONG_USAGE
        return asyncio.run(_drain(settings, arguments))
    except (SettingsError, FileError) as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    except ValueMistakeError as mistake:
        print(SettingsError(mistake.name, mistake.shown, mistake.fix), file=sys.stderr)
        return WRONG_USAGE
    except FailoverError as error:
        print(error, file=sys.stderr)
        return FAILED


def _config(settings: FailoverSettings) -> StoreConfig:
    config = store_config(settings)
    if config is None:
        raise SettingsError("FAILOVER_DIR", None, NO_FOLDER)
    return config


async def _list(settings: FailoverSettings, *, as_objects: bool) -> int:
    async with open_store(_config(settings)) as store:
        leases = await store.leases()
    await _show(leases, settings, as_objects=as_objects)
    return DONE


async def _drain(settings: FailoverSettings, arguments: argparse.Namespace) -> int:
    async with open_store(_config(settings)) as store:
        running = await _running(store, arguments.worker)
        await _show(running, settings, as_objects=arguments.json)
        if arguments.hand_over:
            for lease in running:
                await store.ask(lease.room, lease.holder)
        while arguments.wait and running:
            await asyncio.sleep(_LOOKS_EVERY_S)
            running = await _running(store, arguments.worker)
    return FAILED if running else DONE


async def _running(store: Store, worker: str | None) -> list[Lease]:
    return [lease for lease in await store.leases() if worker is None or lease.worker == worker]


async def _show(leases: Sequence[Lease], settings: FailoverSettings, *, as_objects: bool) -> None:
    calls = listed(leases, await _created_at_s(settings) if leases else {}, time.time())
    print(as_json(calls) if as_objects else as_text(calls))


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
