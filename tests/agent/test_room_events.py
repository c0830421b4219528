"""Events for the room, and for those who listen to them, without a server."""

import json
from collections.abc import Mapping
from typing import Any

from livekit import rtc

from agent.room.room_events import TOPIC, RoomEvents


class ConnectedRoom(rtc.Room):
    """Keeps what is sent, as a text that UTF-8 can hold."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    def isconnected(self) -> bool:
        return True

    @property
    def local_participant(self) -> Any:
        return self

    async def send_text(self, text: str, *, topic: str) -> None:
        assert topic == TOPIC
        self.sent.append(text.encode())


async def test_half_a_surrogate_pair_is_replaced_for_the_room_and_for_listeners() -> None:
    room, heard = ConnectedRoom(), list[tuple[str, Mapping[str, Any]]]()
    events = RoomEvents(room)
    events.add_listener(lambda _, kind, facts: heard.append((kind, facts)))
    events.tell("tool_ended", id="1", result="cut: \ud83d", more={"\ud83d": ["\ude00", 2]})
    await events.flush()
    expected = {"id": "1", "result": "cut: \ufffd", "more": {"\ufffd": ["\ufffd", 2]}}
    assert heard == [("tool_ended", expected)]
    [sent] = room.sent
    told = json.loads(sent)
    assert told == {"t": told["t"], "type": "tool_ended", **expected}
