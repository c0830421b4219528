"""The store of leases and checkpoints that the worker's settings ask for."""

from agent.settings import Settings
from failover import settings as store_settings
from failover.opening import StoreConfig


def store_config(settings: Settings) -> StoreConfig | None:
    """Where the leases and checkpoints are kept. None: no call outlives its process.

    That is so with FAILOVER=off, and on a machine without a folder in memory if neither FAILOVER_DIR nor REDIS_URL is set.
    """
    return None if settings.failover == "off" else store_settings.store_config(settings)
