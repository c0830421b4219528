"""Opens the store that the settings ask for."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from failover.directory_store import DirectoryStore
from failover.encryption import Encryption
from failover.store import Store

FORMAT = 1
"""Part of all names of files and keys: workers whose leases have another format don't see these."""


@dataclass(frozen=True)
class StoreConfig:
    """Where the leases and checkpoints of one fleet are kept.

    Args:
        folder: the parent of the store's folder. None: the calls are kept in Redis.
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
    assert config.folder is not None
    store = DirectoryStore(config.folder / f"earshot-{os.geteuid()}-failover-{FORMAT}-{encryption.name()[:16]}", encryption)
    try:
        yield store
    finally:
        store.close()
