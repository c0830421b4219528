"""Opens the store that the settings ask for."""

import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from configuration import ValueMistakeError
from failover.directory_store import DirectoryStore
from failover.encryption import Encryption
from failover.redis_store import redis_store
from failover.store import Store

FORMAT = 1
"""Part of all names of files and keys: workers whose leases have another format don't see these."""

NO_FOLDER = (
    "this machine has neither XDG_RUNTIME_DIR nor /dev/shm; name a folder of this user's in memory, set REDIS_URL, "
    "or set FAILOVER=off"
)


@dataclass(frozen=True)
class StoreConfig:
    """Where the leases and checkpoints of one fleet are kept.

    Args:
        folder: the parent of the store's folder. None: they are kept in Redis.
        redis_url: the address of a Redis, with its password; used if there is no folder.
        keys: Fernet keys. None of them: nothing is encrypted.
        fleet: names the workers that go on with each other's calls: LiveKit's address and the agent name.
        secret: the key of the hash in the names of files and keys.
    """

    folder: Path | None
    redis_url: str | None
    keys: tuple[str, ...]
    fleet: str
    secret: bytes


@asynccontextmanager
async def open_store(config: StoreConfig) -> AsyncIterator[Store]:
    """The store, which connects with its first operation.

    Raises:
        ValueMistakeError: a setting can't be used.
    """
    encryption = Encryption(config.keys, config.secret, config.fleet)
    fleet = encryption.name()[:16]
    if config.folder is not None:
        folder = config.folder / f"earshot-{os.geteuid()}-failover-{FORMAT}-{fleet}"
        with contextlib.closing(DirectoryStore(folder, encryption)) as store:
            yield store
    elif config.redis_url is not None:
        async with redis_store(config.redis_url, f"earshot:failover:{FORMAT}:{{{fleet}}}:", encryption) as redis:
            yield redis
    else:
        raise ValueMistakeError("FAILOVER_DIR", None, NO_FOLDER)
