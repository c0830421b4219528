"""livekit.yaml: the development SFU is for this machine alone."""

import re

import psutil

from caller import AgentTrack
from demo.parts import Part
from tests.e2e.stack import Gemini, sfu_part, worker


async def test_it_listens_on_loopback_only_with_a_call_going_on(model: Gemini) -> None:
    async with sfu_part() as (server, part), worker(server, model), server.caller("here") as caller:
        await caller.first(AgentTrack, within_s=15)
        assert addresses(part) == {"127.0.0.1"}
        selected = [line for line in part.lines if "participant active" in line]
        assert selected
        for line in selected:
            assert set(re.findall(r"\[local\]\S* udp4 host ([\d.]+):", line)) == {"127.0.0.1"}


def addresses(part: Part) -> set[str]:
    """Where a program listens."""
    opened = psutil.Process(part.pid).net_connections()
    return {str(connection.laddr[0]) for connection in opened if connection.status in {psutil.CONN_LISTEN, psutil.CONN_NONE}}
