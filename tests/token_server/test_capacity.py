"""Nobody is let into a silent room: the token server asks LiveKit for the active calls, and the workers if they are full."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
from livekit import api

from caller import Caller
from tests.e2e.stack import API_KEY, API_SECRET, Sfu, sfu, until
from tests.ports import free_port
from tests.token_server.program import UNLIMITED, TokenServerProcess, asked_until, running_token_server
from token_server.call_capacity import CallCapacity
from token_server.errors import RefusedError
from token_server.livekit_rooms import LiveKitRooms, livekit_rooms

PAIR = {"LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Sfu]:
    async with sfu() as running:
        yield running


@pytest.fixture(scope="module")
async def small(server: Sfu) -> AsyncIterator[TokenServerProcess]:
    async with running_token_server(LIVEKIT_URL=server.url, TOKEN_MOST_CALLS="2", **PAIR, **UNLIMITED) as running:
        yield running


async def test_it_is_ready_when_livekit_answers_with_its_key(small: TokenServerProcess) -> None:
    answer = await small.ask("GET", "/readyz")
    assert (answer.status, answer.body) == (200, b"ready\n")


async def test_it_is_not_ready_with_another_key_or_no_livekit(server: Sfu) -> None:
    nowhere = f"ws://127.0.0.1:{free_port()}"
    for url, reached_at, code in (
        (server.url, server.http_url, "livekit_refuses"),
        (server.url, nowhere, "livekit_unavailable"),
    ):
        async with running_token_server(LIVEKIT_URL=url, TOKEN_LIVEKIT_URL=reached_at) as running:
            answer = await running.ask("GET", "/readyz")
            assert (answer.status, answer.code) == (503, code)
            assert int(answer.headers["retry-after"]) >= 1
            assert (await running.ask("GET", "/healthz")).status == 200


@pytest.fixture
def room() -> str:
    return f"room-{secrets.token_hex(4)}"


@asynccontextmanager
async def asked_by_token_server(server: Sfu, capacity: CallCapacity) -> AsyncIterator[LiveKitRooms]:
    """The token server's view of that LiveKit, in this process."""
    async with livekit_rooms(server.http_url, API_KEY, API_SECRET, capacity) as asked:
        yield asked


@asynccontextmanager
async def in_a_call(server: Sfu, small: TokenServerProcess) -> AsyncIterator[str]:
    """Somebody who has joined with a token of the token server; their token."""
    token = (await asked_until(small, 201))["participant_token"]
    async with Caller(server.url, token):
        yield token


async def lists(server: Sfu, calls: int) -> bool:
    """Whether LiveKit's list of rooms, which lags behind, shows so many calls."""
    async with server.api() as livekit:
        rooms = (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms
    return sum(room.num_participants > 0 for room in rooms) >= calls


async def test_when_as_many_calls_go_on_as_may_the_next_one_waits(server: Sfu, small: TokenServerProcess) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(in_a_call(server, small))
        await until(lambda: lists(server, 2))
        assert (await asked_until(small, 503))["code"] == "too_many_calls"
        answers = await asyncio.gather(*(small.ask() for _ in range(20)))
        assert {answer.status for answer in answers} == {503}
        assert int(answers[0].headers["retry-after"]) >= 1
    await asked_until(small, 201)


async def test_a_burst_does_not_slip_through_between_two_looks(server: Sfu) -> None:
    async with running_token_server(LIVEKIT_URL=server.url, TOKEN_MOST_CALLS="2", **PAIR, **UNLIMITED) as running:
        answers = await asyncio.gather(*(running.ask() for _ in range(40)))
    assert Counter(answer.status for answer in answers) == {201: 2, 503: 38}


async def test_a_place_stays_reserved_while_its_token_is_unused(server: Sfu) -> None:
    async with running_token_server(LIVEKIT_URL=server.url, TOKEN_MOST_CALLS="1", **PAIR, **UNLIMITED) as running:
        assert (await running.ask()).status == 201
        for _ in range(3):
            assert (await running.ask()).code == "too_many_calls"


async def test_the_end_of_a_call_is_noticed_although_nobody_asks_for_a_token(server: Sfu, room: str) -> None:
    """A call that nobody had seen would take its place until its token expired."""
    capacity = CallCapacity(1, 0)
    async with asked_by_token_server(server, capacity) as livekit:
        await livekit.reserve_call(room, "", 120)
        async with server.caller(room):
            await until(lambda: not capacity.has_unused_tokens(time.monotonic()), within_s=20)

        async def has_place() -> bool:
            try:
                await livekit.reserve_call("another", "", 120)
            except RefusedError:
                return False
            return True

        await until(has_place, within_s=20)


async def test_a_user_who_has_left_a_room_that_goes_on_may_begin_another_call(server: Sfu, room: str) -> None:
    capacity = CallCapacity(0, 1)
    async with asked_by_token_server(server, capacity) as livekit, server.caller(room, "bob"):
        await livekit.reserve_call(room, "alice", 120)
        async with server.caller(room, "alice"):
            await until(lambda: not capacity.has_unused_tokens(time.monotonic()), within_s=20)
            with pytest.raises(RefusedError, match="You have a call already"):
                await livekit.reserve_call("another", "alice", 120)
        await until(lambda: left(server, room, "alice"))
        await livekit.reserve_call("another", "alice", 120)


async def left(server: Sfu, room: str, identity: str) -> bool:
    return identity not in await server.participants(room)


async def test_a_callers_token_administers_nothing(server: Sfu, small: TokenServerProcess) -> None:
    """Asked of the real livekit-server."""
    async with in_a_call(server, small) as token, aiohttp.ClientSession() as http:
        for service, method in (
            ("RoomService", "ListRooms"),
            ("RoomService", "CreateRoom"),
            ("RoomService", "DeleteRoom"),
            ("RoomService", "ListParticipants"),
            ("RoomService", "RemoveParticipant"),
            ("AgentDispatchService", "CreateDispatch"),
            ("Egress", "ListEgress"),
            ("Ingress", "ListIngress"),
            ("SIP", "ListSIPTrunk"),
        ):
            url = f"{server.http_url}/twirp/livekit.{service}/{method}"
            async with http.post(url, json={}, headers={"Authorization": f"Bearer {token}"}) as answer:
                assert answer.status in {401, 403}, f"{method}: {answer.status} {await answer.text()}"
