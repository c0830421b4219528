"""Nobody gets a token while no worker can take the call: full, not ready, frozen, or gone."""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from google.protobuf.json_format import MessageToJson
from livekit.protocol.agent_worker import WorkerInfo

from agent.day_costs import DayCosts
from agent.worker.day_budget import DAY_COST_CAP, REFUSAL_HEADER
from caller import AgentTrack, Caller
from tests.e2e.conftest import SCRIPT
from tests.e2e.stack import API_KEY, API_SECRET, Sfu, emulator, gemini, sfu, until, worker
from tests.ports import free_port
from tests.token_server.program import UNLIMITED, asked_until, running_token_server
from token_server.errors import RefusedError
from token_server.workers import ANSWERS_WITHIN_S, FULL, workers

PAIR = {"LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Sfu]:
    async with sfu() as running:
        yield running


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
async def test_a_real_worker_whose_call_gemini_refuses_for_its_quota_is_full_for_a_minute(server: Sfu, tmp_path: Path) -> None:
    """The call's process tells the worker."""
    port = free_port()
    quota = "close:at=setup,code=1011,reason=You exceeded your current quota"
    environment = {"HEALTH_PORT": str(port), "AGENT_NAME": "quota", "CALLS_PER_WORKER": "5"}
    url = f"http://127.0.0.1:{port}"
    async with emulator(tmp_path, "--script", "auto", "--fault", quota) as model, worker(server, model, **environment) as part:
        assert await refusal(url) == ""
        async with server.caller("quota-room", agent_name="quota"):
            line = await part.says('"Gemini\'s quota is used up: fewer places"')
            assert '"places": 0' in line

            async def is_full() -> bool:
                return await refusal(url) == "workers_full"

            await until(is_full)


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
