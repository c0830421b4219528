"""Odd responses from LiveKit's address: the token server says that LiveKit is unavailable, and asks again."""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from livekit import api

from tests.e2e.stack import until
from tests.serving import serving
from tests.token_server.program import PAIR
from token_server.call_capacity import CallCapacity
from token_server.errors import RefusedError
from token_server.livekit_rooms import LiveKitRooms, livekit_rooms
from token_server.telephone_rooms import TelephoneRooms, has_no_telephone

ODD = {
    "a web page": (200, "<!doctype html><title>Sign in</title>"),
    "a web page that says not found": (404, "<!doctype html><title>Not found</title>"),
    "a list with 400": (400, "[]"),
    "a text with 404": (404, '"not found"'),
    "a number with 403": (403, "7"),
    "a list with 502": (502, "[]"),
    "null with 500": (500, "null"),
    "odd fields": (400, '{"code": ["x"], "msg": {}, "meta": "x"}'),
}
OURS = [api.RoomAgentDispatch(agent_name="earshot")]
NO_REDIS = api.TwirpError("internal", "sip not connected (redis required)", status=500)


class Answering:
    """A server at LiveKit's address. It knows one room, `r`, and rules, or says something odd."""

    def __init__(self) -> None:
        self.odd: tuple[int, str] | None = None
        self.rules = [
            api.SIPDispatchRuleInfo(
                rule=api.SIPDispatchRule(dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name="staff", pin="1"))
            )
        ]
        self.asked = 0
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.odd is not None:
            status, text = self.odd
            kind = "text/html" if text.startswith("<") else "application/json"
            return web.Response(status=status, text=text, content_type=kind)
        method = request.path.rsplit("/", 1)[1]
        room = api.Room(name="r", num_participants=1)
        said = {
            "ListRooms": api.ListRoomsResponse(rooms=[room]),
            "ListSIPDispatchRule": api.ListSIPDispatchRuleResponse(items=self.rules),
        }
        return web.Response(body=said[method].SerializeToString() if method in said else b"")


@pytest.fixture
async def answering() -> AsyncIterator[Answering]:
    there = Answering()
    app = web.Application()
    app.router.add_post("/{path:.*}", there.answer)
    async with serving(app) as url:
        there.url = url
        yield there


@asynccontextmanager
async def asking(answering: Answering, capacity: CallCapacity) -> AsyncIterator[LiveKitRooms]:
    async with livekit_rooms(answering.url, PAIR["LIVEKIT_API_KEY"], PAIR["LIVEKIT_API_SECRET"], capacity) as livekit:
        yield livekit


async def is_ready(livekit: LiveKitRooms) -> bool:
    try:
        await livekit.check_reachable()
    except RefusedError as refused:
        assert refused.status == 503
        return False
    return True


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_an_odd_answer_is_survived(answering: Answering, odd: tuple[int, str]) -> None:
    """Every request survives it, and so does the task that watches the rooms: it sees the room later."""
    capacity = CallCapacity(10, 1)
    capacity.reserve("r", "alice", time.monotonic() + 60, time.monotonic())
    answering.odd = odd
    async with asking(answering, capacity) as livekit:
        assert not await is_ready(livekit)
        await livekit.dispatcher.ensure_dispatched("r", OURS, time.monotonic() + 60, time.monotonic())
        await livekit.telephone_rooms.check("r")
        with pytest.raises(RefusedError):
            await livekit.reserve_call("another", "alice", 60)
        answering.odd = None
        await until(lambda: not capacity.has_unused_tokens(time.monotonic()), within_s=20)
        assert await is_ready(livekit)
        answering.odd = odd
        with pytest.raises(RefusedError):
            await livekit.reserve_call("another", "alice", 60)


class FailingCapacity(CallCapacity):
    """Fails when it is asked whether a token may be used."""

    looks = 0

    def has_unused_tokens(self, now_s: float) -> bool:
        self.looks += 1
        raise RuntimeError(f"a mistake at {now_s}")


async def test_a_mistake_of_ours_does_not_end_the_watching(answering: Answering, caplog: pytest.LogCaptureFixture) -> None:
    """A mistake is logged once, however often it happens."""
    capacity = FailingCapacity(0, 0)
    async with asking(answering, capacity) as livekit:
        await until(lambda: capacity.looks > 1)
        assert await is_ready(livekit)
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1


async def test_rooms_that_are_left_after_a_failure_wait_for_the_next_time(answering: Answering) -> None:
    """Otherwise each room would wait for its own timeout, one after the other."""
    async with asking(answering, CallCapacity(0, 0)) as livekit:
        rooms = [f"r{number}" for number in range(5)]
        for room in rooms:
            await livekit.dispatcher.ensure_dispatched(room, OURS, 1e9, 0)
        answering.odd = (400, "[]")
        before = answering.asked
        await livekit.dispatcher.retry(rooms, 10)
        assert answering.asked == before + 1
        await livekit.dispatcher.retry(rooms, 11)
        assert answering.asked == before + 1


async def guards(rooms: TelephoneRooms, room: str) -> bool:
    try:
        await rooms.check(room)
    except RefusedError as refused:
        assert refused.code == "telephone_room"
        return True
    return False


async def test_rooms_with_a_pin_stay_guarded_while_livekit_does_not_list_its_rules(
    answering: Answering, caplog: pytest.LogCaptureFixture
) -> None:
    pair = (PAIR["LIVEKIT_API_KEY"], PAIR["LIVEKIT_API_SECRET"])
    async with api.LiveKitAPI(answering.url, *pair) as livekit:
        rooms = TelephoneRooms(livekit, remembered_s=0)
        assert await guards(rooms, "staff")
        for odd in (
            (200, "<html>"),
            (400, "[]"),
            (503, "{}"),
            (500, '{"code": "internal", "meta": {"cause": "*net.OpError"}}'),
        ):
            answering.odd = odd
            assert await guards(rooms, "staff")
            assert not await guards(rooms, "lobby")
        warnings = [record for record in caplog.records if record.name == "token_server" and record.levelno == logging.WARNING]
        assert len(warnings) == 1
        answering.odd, answering.rules = None, []
        assert not await guards(rooms, "staff")


def test_a_livekit_without_telephone_is_told_from_one_that_does_not_answer() -> None:
    assert has_no_telephone(NO_REDIS)
    assert has_no_telephone(api.TwirpError("bad_route", "no handler", status=404))
    assert not has_no_telephone(api.TwirpError("internal", "dial tcp", status=500, metadata={"cause": "*net.OpError"}))
    assert not has_no_telephone(api.TwirpError("unavailable", "", status=503))
    assert not has_no_telephone(TimeoutError())
