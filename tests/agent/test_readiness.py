"""The worker's `/readyz`: Gemini is asked again when its last answer is old, by one at a time."""

import asyncio
import os
import re
import sys
from pathlib import Path

import aiohttp

from agent.worker.gemini_check import GeminiProblem
from agent.worker.readiness import ASKED_AGAIN_S, Readiness
from demo.parts import Program, running
from tests.emulator.conftest import Running
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
REFUSED = GeminiProblem("GOOGLE_API_KEY is '***': Gemini refuses it")


async def test_gemini_is_asked_when_its_answer_is_old() -> None:
    answers = [REFUSED, None]
    readiness = Readiness(lambda: asyncio.sleep(0, answers.pop(0)), 0.0)
    assert await readiness.problem(ASKED_AGAIN_S - 1) is None, "the start has just asked"
    told = await asyncio.gather(*(readiness.problem(ASKED_AGAIN_S) for _ in range(3)))
    assert told == [REFUSED] * 3
    assert len(answers) == 1, "one asks, and the others wait"
    assert await readiness.problem(2 * ASKED_AGAIN_S - 1) is REFUSED
    assert await readiness.problem(2 * ASKED_AGAIN_S) is None


async def test_the_health_server_answers_readyz(emulator: Running, tmp_path: Path) -> None:
    """Beside LiveKit's own answers, and before the worker has found LiveKit."""
    port = free_port()
    environment = os.environ | {
        "LIVEKIT_URL": f"ws://127.0.0.1:{free_port()}",
        "LIVEKIT_API_KEY": "key",
        "LIVEKIT_API_SECRET": 32 * "x",
        "GEMINI_BASE_URL": emulator[1],
        "GEMINI_CA_FILE": str(tmp_path / "ca.pem"),
        "HEALTH_PORT": str(port),
        "IDLE_PROCESSES": "0",
    }
    program = Program(
        "waiter", [sys.executable, str(ROOT / "agent.py"), "start"], environment, re.compile("HTTP server listening")
    )
    async with running(program) as part, aiohttp.ClientSession() as http:
        await part.ready()
        async with http.get(f"http://127.0.0.1:{port}/readyz") as response:
            assert (response.status, await response.text()) == (200, "OK")
        async with http.get(f"http://127.0.0.1:{port}/worker") as response:
            assert response.status == 200
