"""The room of one call: joining it, who is in it, what they say and type, and leaving it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from livekit.agents import AutoSubscribe, JobContext

from agent.call.endings import NOBODY_THERE, Ending
from agent.call.observer import Observer
from agent.call.record import CallRecord
from agent.room.caller_sound import CallerSound
from agent.room.chat import Chat
from agent.room.other_agents import ENDING_ATTRIBUTE, MARK, OtherAgents
from agent.room.presence import Presence
from agent.room.room_events import RoomEvents
from agent.room.telephone import Telephone

FAILURE_ATTRIBUTE = "earshot.failure"

_LAST_EVENTS_S = 2.0
_LAST_EVENTS_TRAVEL_S = 0.3
_DELETE_ROOM_S = 5.0
_STAYS = frozenset({Ending.SHUT_DOWN, Ending.ROOM_GONE, Ending.SECOND_AGENT})
"""Ends of the agent's part alone: the room is not deleted."""
_STREAM_HANDLERS = {"_handle_text_stream_opened", "_handle_byte_stream_opened"}


class CallRoom:
    """Owns the parts of the worker that listen to the room."""

    def __init__(self, ctx: JobContext, record: CallRecord, observer: Observer, events: RoomEvents) -> None:
        self._ctx = ctx
        self._events = events
        self._others = OtherAgents(ctx.room)
        self._deleted = False
        self.presence = Presence(ctx.room, record, observer, events)
        self.sound = CallerSound(ctx.room, self.presence.may_be_caller)
        self.chat = Chat(ctx.room, events, lambda: record.caller)
        self.telephone = Telephone(ctx.room, self.presence.is_caller)
        self.presence.on_source = self.sound.hear
        self.presence.on_change = self.chat.look_again
        logging.getLogger().addFilter(_is_no_unread_stream)

    async def join(self, on_second: Callable[[], None]) -> None:
        """Join and listen, until cancelled; or call `on_second` once an older Earshot is in the room."""
        await self._ctx.connect(single_peer_connection=True, auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
        own = self._ctx.room.local_participant
        if MARK not in own.attributes:  # `connect` joins without a dispatch
            await own.set_attributes({MARK: self._ctx.job.agent_name})
        if await self._others.settle():
            self.presence.watch()
            self.presence.meet()
            await self._others.until_older()
        on_second()

    async def delete_if_empty(self) -> None:
        """Delete the room if no human is in it: the next one gets a new room, and an agent by the dispatch in their token."""
        if not self.presence.humans():
            await self._delete()

    async def leave(self, ending: Ending, failure: str) -> None:
        """The last events, and the end of the room unless others talk on in it; in bounded time."""
        if self._ctx.room.isconnected() and ending is not Ending.SECOND_AGENT:
            humans = self.presence.humans()
            if humans:
                self._events.tell("call_ended", reason=ending.name.lower(), text=ending.value)
            told = {ENDING_ATTRIBUTE: ending.name.lower()} | ({FAILURE_ATTRIBUTE: failure} if failure else {})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_EVENTS_S):
                    await asyncio.gather(self._ctx.room.local_participant.set_attributes(told), self._events.flush())
            if humans:
                await asyncio.sleep(_LAST_EVENTS_TRAVEL_S)  # the agent's leaving, or the room's end, would overtake them
        # a room that outlives its call would be silent to whoever joins next
        talk_on = ending in NOBODY_THERE and self.presence.humans()
        if ending not in _STAYS and not talk_on:
            await self._delete()

    async def _delete(self) -> None:
        if self._deleted:
            return
        self._deleted = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DELETE_ROOM_S):
                await self._ctx.delete_room()


def _is_no_unread_stream(record: logging.LogRecord) -> bool:
    """Pass over LiveKit's line for each stream of a topic that nobody reads: anybody in the room could fill the log."""
    return record.funcName not in _STREAM_HANDLERS
