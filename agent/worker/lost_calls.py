"""Has calls go on whose processes have died, and callers answered who have no agent: the watch, in a worker's main process."""

import asyncio
import functools
import logging
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from livekit.agents.job import RunningJobInfo

from agent.call.given_up_record import end_given_up
from agent.failover_store import store_config
from agent.settings import Settings
from agent.worker.goodbye import RoomGoodbye
from failover.opening import NO_FOLDER, StoreConfig, open_store
from failover.rooms import LiveKitAccess, open_rooms
from failover.watch import WatchedRoom
from failover.watch_events import Listener
from failover.watching import Take, Watcher
from records import RecordsError

_LOOKS_EVERY_S = 0.25
_LOOKS_AT_REDIS_EVERY_S = 0.5

logger = logging.getLogger("earshot.failover")


class LostCalls:
    """The watch of one worker. Without a store it does nothing."""

    def __init__(self, settings: Settings, language: str | None, listener: Listener | None = None) -> None:
        """Watch nothing yet.

        Args:
            settings: The worker's settings.
            language: The language that callers are told in that nobody can take their call, a BCP-47 tag.
            listener: Is told what the watch sees and does.
        """
        self._listener = listener
        self._settings = settings
        self._language = language
        self._config = store_config(settings)
        self._watcher: Watcher | None = None
        self._has_failed = False

    async def watch(self, worker: Callable[[], str], take: Take) -> None:
        """Watch until cancelled.

        Args:
            worker: Returns the id of this worker process, which LiveKit gives it when it registers.
            take: Answers a room that livekit-server's dispatch has brought no agent into.
        """
        if self._config is None:
            if self.problem is not None:
                logger.warning("calls of processes that die are lost: %s", self.problem)
            return
        try:
            await self._watch(self._config, worker, take)
        except asyncio.CancelledError:
            raise
        except Exception:  # the worker's calls go on without it
            logger.exception("the watch of lost calls has failed: calls of processes that die are lost")
            self._has_failed = True
        finally:
            self._watcher = None

    async def _watch(self, config: StoreConfig, worker: Callable[[], str], take: Take) -> None:
        settings = self._settings
        access = LiveKitAccess(settings.livekit_url, settings.key, settings.secret, settings.agent_name, settings.livekit_proxy)
        looks_every_s = _LOOKS_EVERY_S if config.folder is not None else _LOOKS_AT_REDIS_EVERY_S
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(open_store(config))
            rooms = await stack.enter_async_context(open_rooms(access))
            tell = functools.partial(_tell, settings, RoomGoodbye(settings, rooms, self._language))
            self._watcher = Watcher(store, rooms, worker, tell, take, looks_every_s=looks_every_s)
            if self._listener is not None:
                self._watcher.add_listener(self._listener)
            await self._watcher.run()

    @property
    def problem(self) -> str | None:
        """The reason why calls of processes that die are lost at the moment; None: they go on, or FAILOVER is off."""
        if self._config is None:
            return None if self._settings.failover == "off" else f"FAILOVER_DIR is not set: {NO_FOLDER}"
        if self._has_failed:
            return "the watch of lost calls has failed; the worker's log says why"
        return None if self._watcher is None else self._watcher.problem

    @property
    def works(self) -> bool | None:
        """Whether the calls of processes that die go on at the moment; None: FAILOVER is off."""
        return None if store_config(self._settings) is None else self._watcher is not None and self.problem is None

    def process_ended(self, job: RunningJobInfo) -> None:
        """The process of that job has ended, in whatever way."""
        if self._watcher is not None:
            self._watcher.process_ended(job.job.room.name, job.accept_arguments.identity)

    @property
    def hands_over(self) -> bool:
        """Whether other workers go on with the calls as soon as this one is to end."""
        return self._config is not None and self._settings.drain == "handover"

    async def ask(self, room: str, agent: str) -> None:
        """Ask the call in that room to hand itself over to another worker. Without a store that has no effect."""
        if self._watcher is not None:
            await self._watcher.ask(room, agent)

    async def are_handed_over(self, calls: Collection[tuple[str, str]]) -> bool:
        """Whether one of these calls, by room and agent, is being handed over."""
        return self._watcher is not None and await self._watcher.are_handed_over(calls)


async def _tell(settings: Settings, goodbye: RoomGoodbye, room: WatchedRoom, checkpoint: bytes | None) -> None:
    """Tell a room that its call is given up, and write so into the record of the call."""
    given_up_at = datetime.now(UTC)
    await goodbye.tell(room)
    if settings.record_dir is None or checkpoint is None:
        return
    try:
        await asyncio.to_thread(end_given_up, settings.record_dir, checkpoint, given_up_at)
    except RecordsError as error:
        told = {"room": room.name, "reason": str(error)}
        logger.warning("the record of a call that is given up has no ending", extra=told)
