"""What the room's watcher tells on, without a room: tests/e2e/test_presence.py has a real one."""

import time

from livekit import rtc

from agent.observer import Observer
from agent.patience import Limits, Patience
from agent.presence import Presence
from agent.record import CallRecord
from agent.room_events import RoomEvents

LIMITS = Limits(caller_join_s=60, caller_return_s=20, caller_silence_s=100, still_there_s=40, answer_s=30, longest_call_s=1000)


async def test_a_line_that_changes_nothing_is_no_change() -> None:
    """The chat asks again about each waiting line after a change: it would go round for ever."""
    room, record, changes = rtc.Room(), CallRecord("room", "persona"), []
    events = RoomEvents(room)
    presence = Presence(room, record, Observer(Patience(LIMITS, time.monotonic()), record, events), events)
    presence.on_change = lambda: changes.append("change")
    assert not presence.typed("somebody")
    assert not presence.typed("somebody")
    assert changes == []
