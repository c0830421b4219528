"""Requests of the caller's client that the caller begins or stops to speak, for calls with push-to-talk.

A client sends `{"active": true}` when the caller presses its talk button and `{"active": false}` when they release it: as an
RPC of the method `earshot.activity`, or, without RPC, as a text stream or a data packet with the topic of that name.
docs/push_to_talk.md has it for other clients.
"""

import asyncio
import contextlib
import json
import logging
from typing import Protocol

from livekit import rtc

from agent.errors import ActivityRequestError
from agent.room.room_events import RoomEvents
from agent.room.talk_button import LONGEST_REQUEST, PressEnd, TalkButton, active_of

METHOD = "earshot.activity"
"""The RPC method, and the topic of text streams and data packets."""
UNREADABLE, NOT_THE_CALLER, AUTOMATIC_TURNS, HANDED_OVER = 2001, 2002, 2003, 2004
"""Codes of RPC errors. LiveKit keeps 1001 to 1999 for its own."""
MOST_STREAMS = 8
"""Text streams of the caller that wait to be read; then the oldest is closed unread, since the newest tells how it is now."""

_LONGEST_READ_S = 2.0

logger = logging.getLogger("earshot.call")


def has_button(participant: rtc.Participant) -> bool:
    """Whether a participant's client may have a talk button: telephones and LiveKit's connectors (WhatsApp) have none."""
    return participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD


class ActivityListener(Protocol):
    """Is told when the caller holds the talk button."""

    def on_press(self, identity: str) -> None:
        """The caller presses the talk button."""

    def on_release(self) -> None:
        """The caller's press has ended, for whatever reason."""


class CallerIdentity(Protocol):
    """Says of a participant's identity whether it is the caller's."""

    def is_caller(self, identity: str) -> bool:
        """Whether that is the caller."""


class ActivityRequests:
    """Takes the requests of one room. Without `push_to_talk` it refuses them in words."""

    def __init__(
        self, room: rtc.Room, events: RoomEvents, who: CallerIdentity, listener: ActivityListener, *, push_to_talk: bool
    ) -> None:
        self._room = room
        self._events = events
        self._who = who
        self._listener = listener
        self._push_to_talk = push_to_talk
        self._button = TalkButton()
        self._changed = asyncio.Event()
        self._streams: asyncio.Queue[tuple[rtc.TextStreamReader, str]] = asyncio.Queue(maxsize=MOST_STREAMS)
        self._is_handed_over = False
        self._has_logged = False
        room.register_text_stream_handler(METHOD, self._on_stream)
        room.on("data_received", self._on_packet)

    @property
    def is_pressed(self) -> bool:
        """Whether the caller holds the talk button."""
        return self._button.holder is not None

    def serve(self) -> None:
        """Answer RPCs from now on; the room is connected."""
        self._room.local_participant.register_rpc_method(METHOD, self._on_rpc)

    async def run(self) -> None:
        """Read text streams, and end presses that last too long, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read_streams(), name="activity streams")
            loop = asyncio.get_running_loop()
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(self._button.due_at):
                        await self._changed.wait()
                self._changed.clear()
                holder = self._button.holder
                if holder is not None and (end := self._button.elapse(loop.time())) is not None:
                    self._end(end, holder)

    def hand_over(self) -> None:
        """Another process has the call: refuse presses from now on, so that the caller presses again."""
        self._is_handed_over = True

    def look(self) -> None:
        """The caller has changed, or is gone: a press of somebody who isn't the caller ends."""
        holder = self._button.holder
        if holder is not None and not self._who.is_caller(holder):
            self._end(PressEnd.CALLER_GONE, holder)

    def enable(self, *, push_to_talk: bool) -> None:
        """Take turns by the button from now on, or automatically."""
        self._push_to_talk = push_to_talk
        if not push_to_talk and self._button.holder is not None:
            self._end(PressEnd.AUTOMATIC_TURNS, self._button.holder)

    def _on_rpc(self, call: rtc.RpcInvocationData) -> str:
        return json.dumps({"active": self._take(call.caller_identity, call.payload)})

    def _take(self, identity: str, request: str | bytes) -> bool:
        """Do what is asked. Returns whether the button is held now.

        Raises:
            RpcError: it isn't done; the message says why.
        """
        if self._is_handed_over:
            raise rtc.RpcError(HANDED_OVER, "another process has the call, and its agent comes now: press the button again")
        if not self._push_to_talk:
            raise rtc.RpcError(AUTOMATIC_TURNS, "turns are automatic in this call: the agent hears the caller all the time")
        if not self._who.is_caller(identity):
            raise rtc.RpcError(NOT_THE_CALLER, "the agent talks with somebody else: only the caller's button counts")
        try:
            active = active_of(request)
        except ActivityRequestError as error:
            raise rtc.RpcError(UNREADABLE, str(error)) from error
        now = asyncio.get_running_loop().time()
        if not active:
            self._button.release(now)
        elif self._button.press(identity, now):
            self._listener.on_press(identity)
            self._events.tell("activity", identity=identity, active=True)
        self._changed.set()
        return active

    def _end(self, end: PressEnd, holder: str) -> None:
        self._button.drop()
        self._changed.set()
        self._listener.on_release()
        self._events.tell("activity", identity=holder, active=False, reason=end)
        if end is PressEnd.TOO_LONG:
            logger.warning("the caller has held the talk button for too long: the press ends")

    def _on_packet(self, packet: rtc.DataPacket) -> None:
        if packet.topic == METHOD:
            self._take_unanswered("" if packet.participant is None else packet.participant.identity, packet.data)

    def _take_unanswered(self, identity: str, request: str | bytes) -> None:
        """Do what is asked; its sender can't be told if it isn't done, so the log is, once in a call."""
        try:
            self._take(identity, request)
        except rtc.RpcError as error:
            if not self._has_logged:
                self._has_logged = True
                logger.warning("a press of the talk button was refused", extra={"participant": identity, "code": error.code})

    def _on_stream(self, reader: rtc.TextStreamReader, identity: str) -> None:
        if not self._who.is_caller(identity):
            reader.close()
            self._take_unanswered(identity, "")
            return
        if self._streams.full():
            oldest, _ = self._streams.get_nowait()
            oldest.close()
        self._streams.put_nowait((reader, identity))

    async def _read_streams(self) -> None:
        """Read one after the other: a release must not overtake its press."""
        while True:
            reader, identity = await self._streams.get()
            request = ""
            try:
                with contextlib.suppress(TimeoutError, ConnectionError):
                    async with asyncio.timeout(_LONGEST_READ_S):
                        async for part in reader:
                            request += part[: LONGEST_REQUEST + 1 - len(request)]
                            if len(request) > LONGEST_REQUEST:
                                break
            finally:
                reader.close()  # one that isn't read to its end would go on collecting
            self._take_unanswered(identity, request)
