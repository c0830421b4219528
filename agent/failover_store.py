"""The store of leases and checkpoints that the settings ask for."""

import os

from agent.settings import Settings
from failover.opening import StoreConfig
from failover.private_folder import default_folder


def store_config(settings: Settings) -> StoreConfig | None:
    """Where the leases and checkpoints are kept. None: no call outlives its process.

    That is so with FAILOVER=off, and on a machine without a folder in memory if neither FAILOVER_DIR nor REDIS_URL is set.
    """
    if settings.failover == "off":
        return None
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
    folder = settings.failover_dir
    if folder is None and redis_url is None:
        folder = default_folder(os.environ.get("XDG_RUNTIME_DIR"))
    if folder is None and redis_url is None:
        return None
    fleet = f"{settings.livekit_url} {settings.agent_name}"
    return StoreConfig(folder, redis_url, settings.checkpoint_keys, fleet, settings.secret.encode())
