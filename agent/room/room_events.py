"""Events for the room, beyond LiveKit's own topics: JSON objects on `earshot.events`, listed in docs/events.md."""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from livekit import rtc

from configuration import valid_text

TOPIC = "earshot.events"
MOST_WAITING = 200
"""Events that wait for a slow room; then the oldest goes, and `dropped` counts it."""
LONGEST_DETAIL = 300
"""Characters of a tool's arguments, or of its result, that the room is told. The rest is cut."""
_DETAILS = frozenset({"arguments", "result"})
_LONGEST_HOLD_S = 3.0
"""Events wait no longer for somebody who subscribes to the agent's sound."""

logger = logging.getLogger("earshot.events")

Listener = Callable[[float, str, Mapping[str, Any]], object]
"""Is given an event's `t` and `type`, and its other fields, uncut. It doesn't block and doesn't raise."""


class RoomEvents:
    """Tells in order, one at a time, without making anybody wait.

    Events are held until somebody subscribes to the agent's sound, at first and when the agent has joined the room again: a
    client that doesn't know the agent yet drops what comes from it (docs/facts.md L40).
    """

    def __init__(self, room: rtc.Room, *, tells_tool_details: bool = True) -> None:
        self._room = room
        self._tells_tool_details = tells_tool_details
        self._started_at = time.monotonic()
        self._waiting: deque[str] = deque(maxlen=MOST_WAITING)
        self._changed = asyncio.Event()
        self._is_subscribed = asyncio.Event()
        self._release: asyncio.TimerHandle | None = None
        """Ends the wait for a subscription after a reconnect."""
        self._listeners: list[Listener] = []
        self.dropped = 0
        room.on("local_track_subscribed", lambda _: self._is_subscribed.set())
        room.on("reconnecting", self._on_reconnecting)
        room.on("reconnected", self._on_reconnected)

    def go_on(self, lasted_s: float) -> None:
        """The call began so many seconds ago, in another process."""
        self._started_at = time.monotonic() - lasted_s

    def _on_reconnected(self) -> None:
        """Send what waits after a while at the latest: no client subscribes anew if only the signalling connection was lost."""
        self._release = asyncio.get_running_loop().call_later(_LONGEST_HOLD_S, self._is_subscribed.set)

    def _on_reconnecting(self) -> None:
        if self._release is not None:
            self._release.cancel()
        self._is_subscribed.clear()

    def since_start(self, at: float) -> float:
        """Seconds from the call's beginning to a time of `time.monotonic()`."""
        return at - self._started_at

    def add_listener(self, listener: Listener) -> None:
        """Have it given each event at once, whether the room gets it or not."""
        self._listeners.append(listener)

    def tell(self, kind: str, /, **facts: object) -> None:
        """Queue an event, with texts that UTF-8 can hold; `t` is in seconds since the call began."""
        if len(self._waiting) == MOST_WAITING:
            self.dropped += 1
        at = round(self.since_start(time.monotonic()), 3)
        whole = json.dumps(facts, ensure_ascii=False)
        if (valid := valid_text(whole)) != whole:
            facts = json.loads(valid)
        for listener in self._listeners:
            listener(at, kind, facts)
        self._waiting.append(json.dumps({"t": at, "type": kind, **cut_details(facts)}, ensure_ascii=False))
        self._changed.set()

    def tool_details(self, **texts: str) -> dict[str, str]:
        """The arguments or the result of a tool, for an event; nothing with TOOL_DETAILS=off."""
        return texts if self._tells_tool_details else {}

    async def run(self) -> None:
        """Send what is told until cancelled."""
        await self._changed.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_subscribed.wait(), _LONGEST_HOLD_S)
        self._is_subscribed.set()
        while True:
            await self._changed.wait()
            await self._is_subscribed.wait()
            self._changed.clear()
            await self.flush()

    async def flush(self) -> None:
        """Send what waits."""
        while self._waiting and self._room.isconnected():
            event = self._waiting.popleft()
            try:
                await self._room.local_participant.send_text(event, topic=TOPIC)
            except ConnectionError as error:
                logger.warning("an event was not sent", extra={"error": str(error)})


def cut_details(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an event, with the arguments or the result of a tool in short."""
    return {name: _cut(value) if name in _DETAILS else value for name, value in facts.items()}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_DETAIL else f"{text[: LONGEST_DETAIL - 1]}\N{HORIZONTAL ELLIPSIS}"
