"""A call whose worker is replaced, judged at the caller's ear."""

import json
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from agent.persona import load
from agent.settings import Settings
from caller import AgentSilent, AgentTrack, RoomEvent
from demo.parts import Part
from tests.e2e.stack import Sfu, emulator, sharing_worker, until, worker
from tests.e2e.test_failover import asked, told

pytestmark = pytest.mark.sound

NAME = "relay"


def has_call(part: Part, room: str) -> bool:
    """Whether a process of this worker answers, or has answered, in that room."""
    lines = [json.loads(line) for line in part.lines if line.startswith("{") and '"call started"' in line]
    return any(line.get("room") == room for line in lines)


async def test_a_call_whose_worker_is_replaced_goes_on_and_nobody_notices(server: Sfu, tmp_path: Path, room: str) -> None:
    """One agent after the other; nobody is greeted again, the room is told nothing, and what was said is known."""
    settings = {"AGENT_NAME": NAME, "FAILOVER_DIR": str(tmp_path / "calls"), "DRAIN": "handover"}
    greeting = load("assistant", Settings().personas_dir).greeting
    async with (
        emulator(tmp_path, "--script", "auto") as model,
        AsyncExitStack() as workers,
    ):
        one = await workers.enter_async_context(worker(server, model, name="one", **settings))
        async with server.caller(room, agent_name=NAME) as caller:
            first = await caller.first(AgentTrack, within_s=20)
            await caller.first(AgentSilent, within_s=20)
            await asked(caller, "My number is 4711.")
            two = await workers.enter_async_context(sharing_worker(server, model, name="two", **settings))
            at, since = time.monotonic(), len(caller.log)
            one.signal(signal.SIGTERM)
            second = await caller.first(AgentTrack, since=since, within_s=20)
            assert await one.ended() == 0
            print(f"SIGTERM to the worker's end: {time.monotonic() - at:.2f} s")  # noqa: T201
            assert second.identity != first.identity
            assert sorted(await server.participants(room)) == sorted(["caller", second.identity])
            assert "4711" in await asked(caller, "What is my number?")
            events = [event.body["type"] for event in caller.log[since:] if isinstance(event, RoomEvent)]
            assert not {"resumed", "call_ended"} & set(events), events
            assert [greeting in text for text in told(model) if "<instructions>" in text] == [True]
            assert has_call(two, room)
        await two.says("call ended: the caller left")
        files = (tmp_path / "calls").rglob
        await until(lambda: not [path for path in files("*") if path.is_file() and path.stem != "sweep"])
