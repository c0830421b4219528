"""A process with a directory store: reads commands from its input, prints what came of each. Tests kill it.

Arguments: the folder, the holder's name. Commands: `acquire`, `claim`, `hold` (renew without an end).
"""

import asyncio
import sys
from pathlib import Path

from failover.lease import RENEWED_EVERY_S
from failover.opening import open_store
from failover.store import Store
from tests.failover.stores import ROOM, in_folder


async def obey(store: Store, command: str, holder: str) -> str:
    match command:
        case "acquire":
            return str(await store.acquire(ROOM, holder, "worker") is not None)
        case "claim":
            return str(any([await store.claim(lease) is not None for lease in await store.lapsed()]))
        case _:
            lease = await store.find(ROOM)
            while lease is not None:
                lease = await store.renew(lease)
                await asyncio.sleep(RENEWED_EVERY_S)
            return "gone"


async def main() -> None:
    async with open_store(in_folder(Path(sys.argv[1]))) as store:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while line := await asyncio.to_thread(sys.stdin.readline):
            sys.stdout.write(f"{await obey(store, line.strip(), sys.argv[2])}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
