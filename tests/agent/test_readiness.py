"""The worker's `/readyz`: Gemini is asked again when its last answer is old, by one at a time."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from agent.errors import SettingsError
from agent.worker.gemini_check import GeminiProblem
from agent.worker.readiness import AFTER_A_PROBLEM_S, ASKED_AGAIN_S, Readiness, asked_again_in_s
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
    assert await readiness.problem(ASKED_AGAIN_S + AFTER_A_PROBLEM_S - 1) is REFUSED
    assert await readiness.problem(ASKED_AGAIN_S + AFTER_A_PROBLEM_S) is None, "after a problem it is asked sooner"
    answers.append(REFUSED)
    assert await readiness.problem(2 * ASKED_AGAIN_S + AFTER_A_PROBLEM_S - 1) is None
    assert await readiness.problem(2 * ASKED_AGAIN_S + AFTER_A_PROBLEM_S) is REFUSED


def test_a_problem_that_lasts_is_asked_about_as_seldom_as_health() -> None:
    assert [asked_again_in_s(problems) for problems in range(7)] == [180, 15, 30, 60, 120, 180, 180]
    assert asked_again_in_s(100_000) == ASKED_AGAIN_S


async def test_problems_are_counted_in_a_row() -> None:
    answers = [REFUSED, None, REFUSED, REFUSED]
    readiness = Readiness(lambda: asyncio.sleep(0, answers.pop()), 0.0)
    asked_at = []
    for now in range(0, 600, 15):
        left = len(answers)
        await readiness.problem(now)
        asked_at += [now] if len(answers) < left else []
        if not answers:
            break
    assert asked_at == [180, 195, 225, 405], "two problems in a row, health, another problem"


async def test_a_problem_of_the_start_is_told_until_gemini_is_asked_again() -> None:
    readiness = Readiness(lambda: asyncio.sleep(0, None), 0.0, REFUSED)
    assert await readiness.problem(AFTER_A_PROBLEM_S - 1) is REFUSED
    assert await readiness.problem(AFTER_A_PROBLEM_S) is None


async def test_a_question_that_raises_is_not_repeated_at_once() -> None:
    answers = [REFUSED]
    readiness = Readiness(lambda: asyncio.sleep(0, answers.pop()), 0.0)
    assert await readiness.problem(ASKED_AGAIN_S) is REFUSED
    with pytest.raises(IndexError):
        await readiness.problem(2 * ASKED_AGAIN_S)
    assert await readiness.problem(3 * ASKED_AGAIN_S - 1) is REFUSED, "the last answer holds"
    with pytest.raises(IndexError):
        await readiness.problem(3 * ASKED_AGAIN_S)


async def test_a_refusal_is_told_apart_from_what_may_pass_by_itself() -> None:
    refusal = GeminiProblem("refused", SettingsError("GOOGLE_API_KEY", "***", "Gemini refuses it"))
    answers = [None, refusal, REFUSED]
    readiness = Readiness(lambda: asyncio.sleep(0, answers.pop()), 0.0)
    told = []
    for number in range(1, 4):
        await readiness.problem(number * ASKED_AGAIN_S)
        told.append(readiness.is_refused)
    assert told == [False, True, False]


async def test_a_refusal_is_asked_about_again_though_nobody_asks_for_readyz() -> None:
    """The worker gets no calls meanwhile. A question that raises ends no asking, and with the refusal over nobody asks."""
    refusal = GeminiProblem("refused", SettingsError("GOOGLE_API_KEY", "***", "Gemini refuses it"))
    answers: list[GeminiProblem | OSError | None] = [refusal, OSError("no more files"), refusal, None, REFUSED]

    async def ask() -> GeminiProblem | None:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    readiness = Readiness(ask, 0.0)
    assert await readiness.problem(ASKED_AGAIN_S) is refusal
    refused = []

    async def times() -> AsyncIterator[float]:
        for seconds in range(0, 1000, 15):
            yield ASKED_AGAIN_S + seconds
            refused.append(readiness.is_refused)

    await readiness.keep_asking(times())
    assert refused[0]
    assert not refused[-1]
    assert answers == [REFUSED], "nobody asks about health"


async def test_readyz_answers_at_once_and_has_gemini_asked_meanwhile() -> None:
    """The token server gives a worker three seconds; Gemini's answer may take as long."""
    answers = [REFUSED, None]
    readiness = Readiness(lambda: asyncio.sleep(0, answers.pop()), 0.0, REFUSED)

    async def times() -> AsyncIterator[float]:
        yield 10 * ASKED_AGAIN_S
        assert len(answers) == 2, "nobody wants to know"
        assert readiness.last_problem() is REFUSED
        yield AFTER_A_PROBLEM_S - 1
        assert len(answers) == 2, "the last answer is new"
        yield AFTER_A_PROBLEM_S
        assert readiness.last_problem() is None

    await readiness.keep_asking(times())
    assert answers == [REFUSED]


async def test_readyz_tells_the_warning_of_the_start() -> None:
    """From the command line on: nobody is at Gemini's address when the worker starts."""
    port = free_port()
    environment = worker_environment(port) | {"GEMINI_CHECK": "on", "GEMINI_BASE_URL": "https://127.0.0.1:9"}
    async with running(waiter(environment)) as part, aiohttp.ClientSession() as http:
        await part.ready()
        async with http.get(f"http://127.0.0.1:{port}/readyz") as response:
            assert response.status == 503
            assert (await response.text()).startswith("Gemini at https://127.0.0.1:9 can't be used yet (unavailable): ")


async def test_the_health_server_answers_beside_livekits_own(emulator: Running, tmp_path: Path) -> None:
    """Before the worker has found LiveKit. tests/token_server/test_workers.py has a worker that is ready."""
    port = free_port()
    gemini = {"GEMINI_BASE_URL": emulator[1], "GEMINI_CA_FILE": str(tmp_path / "ca.pem")}
    environment = worker_environment(port) | gemini
    async with running(waiter(environment)) as part, aiohttp.ClientSession() as http:
        await part.ready()
        async with http.get(f"http://127.0.0.1:{port}/readyz") as response:
            url = environment["LIVEKIT_URL"]
            sentence = f"the worker is not registered with LiveKit at {url}; it tries again by itself\n"
            assert (response.status, await response.text()) == (503, sentence)
        async with http.get(f"http://127.0.0.1:{port}/healthz") as response:
            assert response.status == 200
            assert set(await response.json()) == {"last_tick_s", "loop_lag_s"}
        async with http.get(f"http://127.0.0.1:{port}/worker") as response:
            assert response.status == 200
        async with http.get(f"http://127.0.0.1:{port}/metrics") as response:
            assert response.headers["Content-Type"] == "text/plain; version=1.0.0; charset=utf-8"
            lines = (await response.text()).splitlines()
            assert {"earshot_calls 0.0", "earshot_places 10.0", "earshot_worker_registered 0.0"} <= set(lines)


def worker_environment(port: int) -> dict[str, str]:
    """A worker's, whose health server has the port and whose LiveKit isn't there yet."""
    return os.environ | {
        "LIVEKIT_URL": f"ws://127.0.0.1:{free_port()}",
        "LIVEKIT_API_KEY": "key",
        "LIVEKIT_API_SECRET": 32 * "x",
        "HEALTH_PORT": str(port),
        "IDLE_PROCESSES": "0",
    }


def waiter(environment: dict[str, str]) -> Program:
    """A worker that waits for LiveKit."""
    return Program(
        "waiter", [sys.executable, str(ROOT / "agent.py"), "start"], environment, re.compile("HTTP server listening")
    )
