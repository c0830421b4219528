"""The caller's place in a room that misbehaves: it is left whatever happens, and digits keep their order."""

import asyncio
from collections.abc import Callable
from unittest.mock import patch

import pytest
from livekit import rtc

from telephony.line.errors import RoomError
from telephony.line.participant_token import JoinInfo
from telephony.line.room import CallRoom

JOIN_INFO = JoinInfo("ws://127.0.0.1:9", "token", 8000)


class Server:
    """A room's own end, as `rtc.Room` and its local participant show it."""

    def __init__(self, *, publishes: bool = True, shows: bool = True, takes_attributes: bool = True) -> None:
        self._publishes, self._shows, self._takes_attributes = publishes, shows, takes_attributes
        self._told: dict[str, Callable[[object], None]] = {}
        self.local_participant = self
        self.connected = False
        self.left = 0
        self.digits = ""
        self.let_digits_pass = asyncio.Event()
        self.attributes: list[str] = []
        """Values, in the order in which they were asked to be set."""
        self.let_attributes_pass = asyncio.Event()
        self.let_attributes_pass.set()

    def on(self, event: str, tell: Callable[[object], None]) -> None:
        self._told[event] = tell

    def isconnected(self) -> bool:
        return self.connected

    async def connect(self, *_: object) -> None:
        self.connected = True

    async def disconnect(self) -> None:
        self.connected = False
        self.left += 1
        self._told["disconnected"](None)

    async def publish_track(self, *_: object) -> None:
        if not self._publishes:
            raise rtc.participant.PublishTrackError("not today")

    async def set_attributes(self, attributes: dict[str, str]) -> None:
        if not self._takes_attributes and "hangup" not in attributes.values():
            raise RuntimeError("no attributes here")
        self.attributes += attributes.values()
        await self.let_attributes_pass.wait()
        if not self._shows:
            await asyncio.Event().wait()

    async def publish_dtmf(self, *, code: int, digit: str) -> None:
        assert "0123456789*#ABCD"[code] == digit
        await self.let_digits_pass.wait()
        self.digits += digit


class Listener:
    def __init__(self) -> None:
        self.told: list[str] = []

    def agent_heard(self) -> None:
        self.told.append("agent_heard")

    def agent_gone(self) -> None:
        self.told.append("agent_gone")

    def room_gone(self) -> None:
        self.told.append("room_gone")

    def digits_pressed(self, digit: str) -> None:
        self.told.append(digit)


def in_room(server: Server, listener: Listener) -> CallRoom:
    with patch("telephony.line.room.rtc.Room", lambda: server):
        return CallRoom(JOIN_INFO, listener)


async def test_a_room_in_which_nothing_can_be_published_is_an_error_and_not_the_agent_s_goodbye() -> None:
    server, listener = Server(publishes=False), Listener()
    with pytest.raises(RoomError, match="not today"):
        await in_room(server, listener).__aenter__()
    assert (server.left, listener.told) == (1, [])


async def test_a_room_that_shows_nothing_any_more_is_left_all_the_same() -> None:
    server, listener = Server(shows=False), Listener()
    async with asyncio.timeout(2):
        async with in_room(server, listener):
            pass
    assert (server.left, listener.told) == (1, [])


async def test_a_room_that_ends_is_told() -> None:
    server, listener = Server(), Listener()
    async with in_room(server, listener):
        await server.disconnect()
        assert listener.told == ["room_gone"]


async def test_the_last_status_is_shown_last() -> None:
    """The native side runs requests side by side: an agent that is shown "ringing" after "active" would never greet."""
    server = Server()
    async with in_room(server, Listener()) as joined:
        server.let_attributes_pass.clear()
        for status in ("ringing", "active"):
            joined.show({"sip.callStatus": status})
        for _ in range(5):
            await asyncio.sleep(0)
        assert server.attributes == ["ringing"]
        server.let_attributes_pass.set()
        async with asyncio.timeout(5):
            while len(server.attributes) < 2:
                await asyncio.sleep(0)
    assert server.attributes == ["ringing", "active", "hangup"]


async def test_digits_keep_their_order_and_a_flood_is_bounded() -> None:
    server = Server()
    async with in_room(server, Listener()) as joined:
        for digit in "12#" * 1000:
            joined.press(digit)
        server.let_digits_pass.set()
        async with asyncio.timeout(5):
            while len(server.digits) < 64:
                await asyncio.sleep(0)
    assert server.digits == ("12#" * 1000)[:64]


async def test_an_error_in_one_of_its_tasks_ends_the_stay_and_is_not_lost() -> None:
    server = Server(takes_attributes=False)

    async def stay() -> None:
        async with in_room(server, Listener()) as joined:
            joined.show({"sip.callStatus": "active"})
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as caught:
        await stay()
    assert [str(error) for error in caught.value.exceptions] == ["no attributes here"]
    assert server.left == 1


async def test_a_stay_that_is_cancelled_leaves_the_room() -> None:
    server = Server()

    async def stay() -> None:
        async with in_room(server, Listener()):
            staying.set()
            await asyncio.Event().wait()

    staying = asyncio.Event()
    task = asyncio.create_task(stay())
    await staying.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert server.left == 1
