"""Presence in a room without a server: tests/e2e/test_presence.py has a real one."""

import asyncio
from collections.abc import Callable

import pytest
from livekit import rtc

from agent.room.alive import is_alive
from agent.room.presence import Presence
from agent.room.room_events import RoomEvents
from tests.agent.listeners import PresenceKept
from tests.agent.people import PeopledRoom
from tests.e2e.stack import until

Code = rtc.RpcError.ErrorCode


def watched(room: rtc.Room, told: PresenceKept | None = None) -> Presence:
    told = told or PresenceKept()
    presence = Presence(room, RoomEvents(room), told, told)
    presence.watch()
    return presence


async def test_a_line_that_changes_nothing_is_no_change() -> None:
    """The chat asks again about each waiting line after a change: it would go round for ever."""
    told = PresenceKept()
    presence = watched(rtc.Room(), told)
    assert not presence.typed("somebody")
    assert not presence.typed("somebody")
    assert told.changes == 0


@pytest.mark.parametrize(
    ("code", "alive"), [(Code.UNSUPPORTED_METHOD, True), (Code.CONNECTION_TIMEOUT, False), (Code.SEND_FAILED, None)]
)
async def test_only_the_others_silence_is_a_verdict(code: Code, alive: bool | None) -> None:
    room = PeopledRoom()
    room.reach.errors["caller"] = code
    assert await is_alive(room, "caller") is alive


async def test_a_break_of_the_own_connection_is_no_verdict() -> None:
    """Over already when the question is answered, or not yet."""
    room = PeopledRoom()
    room.reach.errors["caller"] = Code.CONNECTION_TIMEOUT
    room.reach.on_asked = lambda: room.emit("connection_state_changed", rtc.ConnectionState.CONN_CONNECTED)
    assert await is_alive(room, "caller") is None
    room.reach.on_asked = lambda: None
    room.state = rtc.ConnectionState.CONN_RECONNECTING
    assert await is_alive(room, "caller") is None


async def test_who_could_not_be_reached_is_asked_again() -> None:
    """The caller has said something, and the other hasn't: with the answer, the call is theirs again."""
    room = PeopledRoom()
    presence = watched(room)
    room.come("caller")
    assert presence.typed("caller")
    asking = asyncio.create_task(presence.probe())
    room.reach.errors["caller"] = Code.RESPONSE_TIMEOUT
    room.come("other")
    await until(lambda: presence.is_caller("other"))
    del room.reach.errors["caller"]
    await until(lambda: presence.is_caller("caller"))
    asking.cancel()
    await asyncio.wait({asking})


@pytest.mark.parametrize(
    "act",
    [
        lambda room, who: room.emit("track_published", None, who),
        lambda room, who: room.emit("track_muted", who, None),
        lambda room, who: room.emit("track_unmuted", who, None),
        lambda room, who: room.emit("participant_attributes_changed", {}, who),
        lambda room, who: room.emit("participant_permissions_changed", who, None),
    ],
    ids=["publishes", "mutes", "unmutes", "attributes", "permissions"],
)
async def test_who_does_something_can_be_reached(act: Callable[[PeopledRoom, rtc.RemoteParticipant], None]) -> None:
    """Without any answer to a question: a client may have no RPC."""
    room = PeopledRoom()
    presence = watched(room)
    room.come("caller")
    assert presence.typed("caller")
    asking = asyncio.create_task(presence.probe())
    room.reach.errors["caller"] = Code.CONNECTION_TIMEOUT
    room.come("other")
    await until(lambda: presence.is_caller("other"))
    asking.cancel()
    await asyncio.wait({asking})
    act(room, room.people["caller"])
    assert presence.is_caller("caller")


async def test_a_human_is_never_left_without_an_agent() -> None:
    room = PeopledRoom()
    presence = watched(room)
    room.come("caller")
    asking = asyncio.create_task(presence.probe())
    room.reach.errors["caller"] = Code.CONNECTION_TIMEOUT
    room.come("other")
    await until(lambda: presence.is_caller("other"))
    room.go("other")
    assert presence.is_caller("caller")
    asking.cancel()
    await asyncio.wait({asking})


async def test_nobody_is_gone_while_the_agent_joins_again() -> None:
    """LiveKit's SDK says that everybody has left. Who isn't there when the agent is back has left."""
    room, told = PeopledRoom(), PresenceKept()
    presence = watched(room, told)
    room.come("caller", "other")
    assert presence.typed("caller")
    room.state = rtc.ConnectionState.CONN_RECONNECTING
    room.go("caller")
    room.go("other")
    assert presence.is_caller("caller")
    room.come("caller")
    room.state = rtc.ConnectionState.CONN_CONNECTED
    room.emit("reconnected")
    assert [presence.is_caller("caller"), told.left] == [True, []]
    room.state = rtc.ConnectionState.CONN_RECONNECTING
    room.go("caller")
    room.state = rtc.ConnectionState.CONN_CONNECTED
    room.emit("reconnected")
    assert [presence.is_caller("caller"), told.left] == [False, [False]]
