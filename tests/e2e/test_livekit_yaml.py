"""livekit.yaml: the development SFU is for this machine alone."""

import re
import secrets
import socket
import struct

import psutil
import pytest

from caller import AgentTrack
from demo.parts import Part
from tests.e2e.stack import Gemini, sfu_part, worker


@pytest.mark.long
async def test_it_listens_on_loopback_only_with_a_call_going_on(model: Gemini) -> None:
    async with sfu_part() as (server, part), worker(server, model), server.caller("here") as caller:
        await caller.first(AgentTrack, within_s=15)
        assert addresses(part) == {"127.0.0.1"}
        selected = [line for line in part.lines if "participant active" in line]
        assert selected
        for line in selected:
            assert set(re.findall(r"\[local\]\S* udp4 host ([\d.]+):", line)) == {"127.0.0.1"}


@pytest.mark.parametrize("packet", ["a check of a room that is not there", "a plain STUN request", "noise"])
async def test_the_media_port_does_not_answer_strangers(packet: str) -> None:
    """Only who has a room's ICE credentials is answered, and those go over loopback. The demo relies on it for Firefox."""
    name = b"abcd:efgh" if "room" in packet else b""
    attributes = struct.pack("!HH", 6, len(name)) + name + bytes(-len(name) % 4) if name else b""
    request = struct.pack("!HHI", 1, len(attributes), 0x2112A442) + secrets.token_bytes(12) + attributes
    async with sfu_part() as (_, part):
        [port] = {used.laddr.port for used in psutil.Process(part.pid).net_connections() if used.type == socket.SOCK_DGRAM}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.settimeout(0.5)
            stranger.sendto(secrets.token_bytes(200) if packet == "noise" else request, ("127.0.0.1", port))
            with pytest.raises(TimeoutError):
                stranger.recv(2048)


def addresses(part: Part) -> set[str]:
    """Where a program listens."""
    opened = psutil.Process(part.pid).net_connections()
    return {str(connection.laddr[0]) for connection in opened if connection.status in {psutil.CONN_LISTEN, psutil.CONN_NONE}}
