"""Calls that go on in another worker, by a real Redis: after kill -9 of a process or a worker, and when a worker is stopped."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from redis.asyncio import Redis

from caller import AgentSilent, AgentSound, AgentTrack, Caller, Caption, Left, RoomEvent
from demo.parts import Part
from failover.lease import LAPSES_S
from failover.watch import ALONE_S
from tests.e2e.stack import Gemini, Sfu, emulator, sharing_worker, until, worker
from tests.telephony.stack import redis

pytestmark = [pytest.mark.long, pytest.mark.sound]

SAID_AGAIN_S = 0.3
"""Sound of a killed process is on its way to the caller's ear for so long."""
BACK_WITHIN_S = 8.0
"""From a kill to the next voice, on a busy machine with two workers. docs/chaos.md has the measured times."""
FROZEN_S = ALONE_S + 15.0
"""From the registration of a worker that runs to its voice in a room whose dispatch a frozen one was offered."""
STORY = "Tell me a story."


@asynccontextmanager
async def pair(server: Sfu, model: Gemini, name: str, **settings: str) -> AsyncIterator[list[Part]]:
    """Two workers of one fleet."""
    settings |= {"AGENT_NAME": name}
    async with (
        worker(server, model, name="one", **settings) as one,
        sharing_worker(server, model, name="two", **settings) as two,
    ):
        yield [one, two]


def answers(workers: list[Part]) -> tuple[Part, int]:
    """The worker that has begun the newest call, and the process of that call."""
    begun = [
        (line["timestamp"], part.name, line["pid"])
        for part in workers
        for line in (json.loads(text) for text in part.lines if text.startswith("{") and '"call started"' in text)
    ]
    _, name, pid = max(begun)
    return next(part for part in workers if part.name == name), int(pid)


async def asked(caller: Caller, text: str) -> str:
    """Type this, and return what the agent says to it."""
    since = len(caller.log)
    await caller.send_text(text)
    answer = await caller.first(
        Caption, since=since, within_s=20, where=lambda caption: caption.who == "agent" and caption.final
    )
    return answer.text


async def tells_a_story(caller: Caller) -> None:
    await caller.quiet(for_s=0.5, within_s=60)
    since = len(caller.log)
    await caller.send_text(STORY)
    await caller.first(AgentSound, since=since, within_s=10)


async def voice_again(caller: Caller, since: int, at: float) -> float:
    """Wait for the event `resumed` and the voice after a kill at that time. Returns the seconds until the voice."""
    voice = await caller.first(AgentSound, since=since, within_s=20, where=lambda sound: sound.t > at + SAID_AGAIN_S)
    await caller.first(RoomEvent, since=since, within_s=10, where=lambda event: event.body["type"] == "resumed")
    print(f"lost to voice: {voice.t - at:.2f} s")  # noqa: T201  for whoever measures
    return voice.t - at


def ends(caller: Caller, since: int) -> list[object]:
    """What told the caller since then that the call is over."""
    return [
        event
        for event in caller.log[since:]
        if isinstance(event, Left) or (isinstance(event, RoomEvent) and event.body["type"] == "call_ended")
    ]


async def has_one_agent(server: Sfu, room: str) -> bool:
    there = await server.participants(room)
    return sorted(identity.partition("-")[0] for identity in there) == ["agent", "caller"]


async def test_with_redis_a_call_survives_its_process_and_then_its_worker(server: Sfu, tmp_path: Path) -> None:
    """Encrypted. What was said before both kills is known after them, and Redis has no call at the end."""
    async with redis() as port, emulator(tmp_path, "--script", "auto") as model:
        settings = {"REDIS_URL": f"redis://127.0.0.1:{port}/0", "CHECKPOINT_KEY": Fernet.generate_key().decode()}
        async with pair(server, model, "redis-pair", **settings) as workers:
            async with server.caller("redis-1", agent_name="redis-pair") as caller:
                await caller.first(AgentSilent, within_s=30)
                await asked(caller, "My number is 4711.")
                await tells_a_story(caller)
                since, at = len(caller.log), time.monotonic()
                os.kill(answers(workers)[1], signal.SIGKILL)
                assert await voice_again(caller, since, at) < BACK_WITHIN_S
                await tells_a_story(caller)
                since, at = len(caller.log), time.monotonic()
                answers(workers)[0].signal(signal.SIGKILL)
                assert await voice_again(caller, since, at) < BACK_WITHIN_S
                await caller.quiet(for_s=0.5, within_s=60)
                assert "4711" in await asked(caller, "What is my number?")
                assert await has_one_agent(server, "redis-1")
                assert not ends(caller, 0)
            async with Redis(port=port) as client:
                await until(lambda: _is_empty(client), within_s=20)


async def _is_empty(client: Redis) -> bool:
    return not [key async for key in client.scan_iter("*:call:*")]


async def test_a_worker_that_is_stopped_leaves_its_call_to_another_one(server: Sfu, tmp_path: Path) -> None:
    """SIGTERM twice. The caller isn't told that the call is over, since it isn't."""
    async with (
        emulator(tmp_path, "--script", "auto") as model,
        pair(server, model, "stopped-pair", FAILOVER_DIR=str(tmp_path / "calls")) as workers,
        server.caller("stopped-1", agent_name="stopped-pair") as caller,
    ):
        first = await caller.first(AgentTrack, within_s=30)
        await caller.first(AgentSilent, within_s=30)
        await asked(caller, "My number is 4711.")
        await tells_a_story(caller)
        part, _ = answers(workers)
        part.signal(signal.SIGTERM)
        await part.says("draining worker")
        await asyncio.sleep(0.6)  # two signals within half a second are one request
        since, at = len(caller.log), time.monotonic()
        part.signal(signal.SIGTERM)
        second = await caller.first(AgentTrack, since=since, within_s=15)
        assert second.identity != first.identity
        assert await voice_again(caller, since, at) < BACK_WITHIN_S
        await part.says("call ended: another process goes on with the call")
        async with asyncio.timeout(10):
            assert await part.ended() == 0
        await caller.quiet(for_s=0.5, within_s=60)
        assert "4711" in await asked(caller, "What is my number?")
        assert not ends(caller, 0)


async def test_a_telephone_whose_worker_is_stopped_hears_a_goodbye_if_there_is_no_other(server: Sfu, tmp_path: Path) -> None:
    settings = {"AGENT_NAME": "last-worker", "FAILOVER_DIR": str(tmp_path / "calls")}
    async with (
        emulator(tmp_path, "--script", "auto") as model,
        worker(server, model, **settings) as part,
        server.telephone("last-1", {"sip.callStatus": "active"}, agent_name="last-worker") as caller,
    ):
        await caller.first(AgentSilent, within_s=30)
        part.signal(signal.SIGTERM)
        await part.says("draining worker")
        await asyncio.sleep(0.6)  # two signals within half a second are one request
        since = len(caller.log)
        part.signal(signal.SIGTERM)
        await caller.first(AgentSound, since=since, within_s=10)
        await caller.first(Left, since=since, within_s=15)
        async with asyncio.timeout(10):
            assert await part.ended() == 0


async def test_a_telephone_whose_process_is_killed_is_answered_by_the_next(server: Sfu, tmp_path: Path) -> None:
    """The telephone stays in the room, is not greeted again, and its number is still known to nobody but the call."""
    settings = {"AGENT_NAME": "phone", "FAILOVER_DIR": str(tmp_path / "calls")}
    attributes = {"sip.phoneNumber": "+15550001111", "sip.callID": "SCL_1", "sip.callStatus": "active"}
    async with emulator(tmp_path, "--script", "auto") as model, worker(server, model, **settings) as part:
        async with server.telephone("phone-1", attributes, agent_name="phone") as caller:
            await caller.first(AgentSilent, within_s=30)
            await asked(caller, "My number is 4711.")
            await tells_a_story(caller)
            since, at = len(caller.log), time.monotonic()
            os.kill(answers([part])[1], signal.SIGKILL)
            assert await voice_again(caller, since, at) < BACK_WITHIN_S
            await caller.quiet(for_s=0.5, within_s=60)
            assert "4711" in await asked(caller, "What is my number?")
            assert not ends(caller, 0)
        await part.says("call ended: the caller left")
        assert not any("+1555" in line for line in part.lines if '"name": "earshot' in line)


async def test_a_process_that_only_stood_still_finds_its_call_taken_and_leaves(server: Sfu, tmp_path: Path) -> None:
    """Its lease has lapsed although it lives. It says nothing more, and tells nobody that the call is over."""
    settings = {"AGENT_NAME": "slow", "FAILOVER_DIR": str(tmp_path / "calls")}
    async with (
        emulator(tmp_path, "--script", "auto") as model,
        worker(server, model, **settings) as part,
        server.caller("slow-1", agent_name="slow") as caller,
    ):
        await caller.first(AgentSilent, within_s=30)
        await asked(caller, "My number is 4711.")
        await tells_a_story(caller)
        _, slow = answers([part])
        since, at = len(caller.log), time.monotonic()
        os.kill(slow, signal.SIGSTOP)
        assert await voice_again(caller, since, at) < BACK_WITHIN_S + LAPSES_S
        os.kill(slow, signal.SIGCONT)
        await until(lambda: any(f'"pid": {slow}' in line and '"call ended' in line for line in part.lines), within_s=20)
        await caller.quiet(for_s=0.5, within_s=60)
        assert "4711" in await asked(caller, "What is my number?")
        assert sorted(name.partition("-")[0] for name in await server.participants("slow-1")) == ["agent", "caller"]
        assert not ends(caller, 0)


async def test_callers_whom_a_frozen_worker_was_offered_are_answered_by_another_one(server: Sfu, tmp_path: Path) -> None:
    """LiveKit still offers calls to a worker whose process is stopped (docs/facts.md L390)."""
    settings = {"AGENT_NAME": "frozen", "FAILOVER_DIR": str(tmp_path / "calls")}
    async with emulator(tmp_path, "--script", "auto") as model, worker(server, model, **settings) as frozen:
        frozen.signal(signal.SIGSTOP)
        try:
            async with (
                server.caller("frozen-1", agent_name="frozen") as first,
                server.caller("frozen-2", agent_name="frozen") as second,
                sharing_worker(server, model, name="other", **settings),
            ):
                at = time.monotonic()
                for caller in (first, second):
                    voice = await caller.first(AgentSound, within_s=FROZEN_S)
                    print(f"ready to voice: {voice.t - at:.2f} s")  # noqa: T201  for whoever measures
                    await caller.quiet(for_s=0.5, within_s=30)
                    assert "4711" in await asked(caller, "My number is 4711."), (
                        "it wasn't the goodbye of a call that is given up"
                    )
        finally:
            frozen.signal(signal.SIGCONT)
