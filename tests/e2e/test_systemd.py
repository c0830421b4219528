"""What systemd sends to a worker at a stop, by its unit file: no running call is cut. Nobody needs systemd for it."""

import asyncio
import os
import shlex
import signal

import pytest

from caller import AgentSilent, Left
from demo.parts import Part
from tests.deploy.unit_file import WORKER_UNIT, read_unit
from tests.e2e.stack import Gemini, Sfu, until, worker

UNIT = read_unit(WORKER_UNIT)
[KILL_MODE] = UNIT["KillMode"]


def stop(part: Part, kill_mode: str) -> None:
    """Send what a supervisor sends first: systemd by its KillMode (systemd.kill(5)), or timeout(1)."""
    if kill_mode in {"mixed", "timeout"}:
        part.signal(signal.SIGTERM)
    if kill_mode in {"control-group", "timeout"}:
        os.killpg(part.pid, signal.SIGTERM)


OTHERS = [pytest.param(mode, marks=pytest.mark.long) for mode in ("control-group", "timeout")]


@pytest.mark.parametrize("kill_mode", [KILL_MODE, *OTHERS])
async def test_a_stop_of_the_service_cuts_none_of_two_running_calls(server: Sfu, model: Gemini, kill_mode: str) -> None:
    """By KillMode=mixed, as the unit file has it, by systemd's default, and by timeout(1)."""
    assert shlex.split(UNIT["ExecStart"][0]) == ["/opt/earshot/%i/.venv/bin/python", "agent.py", "start"]
    name = f"stopped-{kill_mode}"
    async with worker(server, model, AGENT_NAME=name) as part:
        async with server.caller(f"{name}-1", agent_name=name) as one, server.caller(f"{name}-2", agent_name=name) as two:
            for caller in (one, two):
                await caller.first(AgentSilent, within_s=20)
            stop(part, kill_mode)
            await part.says("draining worker")
            for caller in (one, two):
                mark = len(caller.log)
                await caller.send_text("still there?")
                await caller.first(AgentSilent, since=mark, within_s=15)
            assert not any(isinstance(event, Left) for caller in (one, two) for event in caller.log)
        async with asyncio.timeout(20):
            assert await part.ended() == 0
        await until(lambda: sum("call ended: the caller left" in line for line in part.lines) == 2)
