"""Nobody is let into a silent room: the token server asks LiveKit for the active calls, and the workers if they are full."""

import asyncio
import secrets
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from google.protobuf.json_format import MessageToJson
from livekit import api
from livekit.protocol.agent_worker import WorkerInfo

from agent.day_costs import DayCosts
from agent.worker.day_budget import DAY_COST_CAP, REFUSAL_HEADER
from caller import AgentTrack, Caller
from tests.e2e.conftest import SCRIPT
from tests.e2e.stack import API_KEY, API_SECRET, Sfu, gemini, sfu, until, worker
from tests.ports import free_port
from tests.token_server.program import UNLIMITED, TokenServerProcess, running_token_server
from token_server.call_capacity import CallCapacity
from token_server.errors import RefusedError
from token_server.livekit_rooms import LiveKitRooms, livekit_rooms
from token_server.workers import ANSWERS_WITHIN_S, FULL, workers

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


async def asked_until(small: TokenServerProcess, status: int) -> dict[str, str]:
    async with asyncio.timeout(30):
        while True:
            answer = await small.ask()
            if answer.status == status:
                return answer.content
            await asyncio.sleep(0.3)


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


@asynccontextmanager
async def health_server(answers: Callable[[], web.Response], refuses_for: str = "", ready: int = 200) -> AsyncIterator[str]:
    """A worker's health server that answers so, and takes no calls for that reason; its URL. `ready`: its status of /readyz."""

    async def worker(_: web.Request) -> web.Response:
        return answers()

    async def readyz(_: web.Request) -> web.Response:
        return web.Response(status=503 if refuses_for else ready, headers={REFUSAL_HEADER: refuses_for} if refuses_for else {})

    app = web.Application()
    app.router.add_get("/worker", worker)
    app.router.add_get("/readyz", readyz)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def busy(load: float) -> Callable[[], web.Response]:
    """Makes the response of livekit-agents' health server (worker.py) for a load."""
    text = MessageToJson(WorkerInfo(agent_name="earshot", worker_load=load), preserving_proto_field_name=True)
    return lambda: web.Response(text=text, content_type="application/json")


async def refusal(*urls: str) -> str:
    """The code of the refusal; empty if there is a place."""
    async with workers(urls) as known_workers:
        assert known_workers is not None
        try:
            await known_workers.check_capacity()
        except RefusedError as refused:
            assert refused.headers["Retry-After"]
            return refused.code
    return ""


async def test_one_worker_with_a_place_is_enough() -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    async with health_server(busy(FULL)) as full, health_server(busy(0.0)) as free, health_server(busy(0.9)) as nearly:
        assert await refusal(free) == ""
        assert await refusal(full, nearly) == ""
        assert await refusal(full, free, nobody) == ""
        assert await refusal(full) == "workers_full"
        assert await refusal(full, nobody) == "workers_full"
        assert await refusal(nobody) == "no_worker"
        assert await refusal("http://nowhere.invalid:8081") == "no_worker"


async def test_a_day_that_has_cost_enough_is_told_from_a_full_house() -> None:
    """Nobody should come back in ten seconds: it is for tomorrow. A worker that has a place, or will have one, decides."""
    async with (
        health_server(busy(1.0), refuses_for=DAY_COST_CAP) as spent,
        health_server(busy(1.0)) as refused,
        health_server(busy(FULL)) as full,
        health_server(busy(0.5)) as free,
    ):
        assert await refusal(spent) == "day_cost_cap"
        assert await refusal(spent, refused) == "day_cost_cap"
        assert await refusal(spent, full) == "workers_full"
        assert await refusal(spent, free) == ""
        assert await refusal(refused) == "workers_full"


async def test_a_worker_that_is_not_ready_does_not_count() -> None:
    """It drains, has lost LiveKit, or can't reach Gemini. LiveKit's own worker has no /readyz, and counts."""
    async with (
        health_server(busy(0.0), ready=503) as unready,
        health_server(busy(0.0), ready=404) as livekits,
        health_server(busy(FULL)) as full,
    ):
        assert await refusal(unready) == "no_worker"
        assert await refusal(unready, full) == "workers_full"
        assert await refusal(unready, livekits) == ""


async def test_a_worker_that_does_not_answer_holds_up_no_caller_whom_another_takes() -> None:
    """The kernel takes its connections, as for a frozen process, and nobody reads them."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        frozen = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with health_server(busy(0.5)) as free:
            began_at = time.monotonic()
            assert await refusal(frozen, free) == ""
            assert time.monotonic() - began_at < ANSWERS_WITHIN_S
        assert await refusal(frozen) == "no_worker"


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 503, "text": "failed to connect to livekit"},
        {"text": "not JSON", "content_type": "application/json"},
        {"text": "[]", "content_type": "application/json"},
        {"text": '{"worker_load": "busy"}', "content_type": "application/json"},
        {"text": "OK"},
        {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
    ],
)
async def test_what_does_not_answer_like_a_worker_is_none(answer: dict[str, Any]) -> None:
    async with health_server(lambda: web.Response(**answer)) as url:
        assert await refusal(url) == "no_worker"


async def test_a_real_worker_that_is_full_is_seen(server: Sfu, tmp_path: Path) -> None:
    """One place: a token, a call, no token, the call's end, a token; and none while the worker is frozen."""
    port = free_port()
    async with (
        gemini(tmp_path, SCRIPT) as model,
        worker(server, model, CALLS_PER_WORKER="1", HEALTH_PORT=str(port), AGENT_NAME="full") as part,
        running_token_server(
            LIVEKIT_URL=server.url, AGENT_NAME="full", TOKEN_WORKERS_URL=f"http://127.0.0.1:{port}", **PAIR, **UNLIMITED
        ) as running,
    ):
        grant = await asked_until(running, 201)
        async with Caller(server.url, grant["participant_token"]) as caller:
            await caller.first(AgentTrack, within_s=20)
            assert (await asked_until(running, 503))["code"] == "workers_full"
            assert (await readiness(port))[0] == 200, "a full worker is ready"
        await asked_until(running, 201)
        assert await readiness(port) == (200, "OK")
        part.signal(signal.SIGSTOP)
        assert (await asked_until(running, 503))["code"] == "no_worker", "it is still registered, and LiveKit offers it calls"
        part.signal(signal.SIGCONT)
        await asked_until(running, 201)
        part.signal(signal.SIGKILL)
        assert (await asked_until(running, 503))["code"] == "no_worker"


async def readiness(port: int) -> tuple[int, str]:
    """The status and the text of a worker's /readyz."""
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/readyz") as answer:
        return answer.status, await answer.text()


@pytest.mark.long
async def test_a_real_worker_whose_day_has_cost_enough_is_seen(server: Sfu, tmp_path: Path) -> None:
    """It goes on from what the folder holds, as after a restart."""
    port = free_port()
    DayCosts(tmp_path).add(1.25, time.time())
    spent = {"DAY_COST_CAP_USD": "1", "DAY_COST_DIR": str(tmp_path), "AGENT_NAME": "spent", "HEALTH_PORT": str(port)}
    async with (
        gemini(tmp_path, SCRIPT) as model,
        worker(server, model, **spent),
        running_token_server(
            LIVEKIT_URL=server.url, AGENT_NAME="spent", TOKEN_WORKERS_URL=f"http://127.0.0.1:{port}", **PAIR, **UNLIMITED
        ) as running,
    ):
        refused = await asked_until(running, 503)
        assert (refused["code"], refused["message"]) == (
            "day_cost_cap",
            "No more calls are taken today. Please try again tomorrow.",
        )


async def test_many_callers_at_once_are_one_question_to_the_workers() -> None:
    async with health_server(busy(FULL)) as url, running_token_server(TOKEN_WORKERS_URL=url, **UNLIMITED) as running:
        answers = await asyncio.gather(*(running.ask() for _ in range(50)))
        assert {(answer.status, answer.code) for answer in answers} == {(503, "workers_full")}
        other = b'{"room_config": {"agents": [{"agent_name": "other"}]}}'
        assert (await running.ask(body=other)).status == 201
