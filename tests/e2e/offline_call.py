"""A whole call, run by test_offline.py in a network of its own where everything that would leave is seen.

Prints `seen N` for the frames that a deliberate attempt to leave made, and `heard, N left` after the call.
"""

import asyncio
import os
import re
import socket
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caller import AgentSilent, AgentSound, Caller, ask_for_token
from caller.caller import SAMPLE_RATE_HZ
from demo.parts import Program, running
from speech import synthesize
from tests.e2e.conftest import SCRIPT
from tests.e2e.stack import API_KEY, API_SECRET, Sfu, gemini, sfu, until, worker

INTERFACE = "inside"
_EVERYTHING = 0x0003
"""ETH_P_ALL, packet(7)."""


@contextmanager
def wire() -> Iterator[socket.socket]:
    """Every frame on the interface that has the default route."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERYTHING)) as tap:
        tap.bind((INTERFACE, 0))
        tap.setblocking(False)
        yield tap


def frames(tap: socket.socket) -> list[bytes]:
    """What was seen since the last look."""
    found = []
    while True:
        try:
            found.append(tap.recv(65536))
        except BlockingIOError:
            return found


async def try_to_leave(tap: socket.socket) -> int:
    """The control: a datagram to the outside is seen here, at least as the question for the gateway's address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.sendto(b"anybody there?", ("203.0.113.1", 53))
    async with asyncio.timeout(5):
        while not (found := frames(tap)):
            await asyncio.sleep(0.01)
    gateway = socket.inet_aton("192.0.2.1")
    assert any(gateway in frame for frame in found), [struct.unpack("!H", frame[12:14]) for frame in found]
    return len(found)


async def call() -> None:
    """A token from the token server, the greeting, a question, the answer."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            sfu() as server,
            gemini(Path(folder) / "gemini", SCRIPT) as model,
            running(token_server(server)) as tokens,
            worker(server, model),
        ):
            grant = await ask_for_token((await tokens.ready()).split()[1], room="offline")
            async with Caller(grant.server_url, grant.participant_token) as caller:
                await caller.first(AgentSilent, within_s=20)
                await caller.say(synthesize("Hello?", sample_rate_hz=SAMPLE_RATE_HZ))
                mark = len(caller.log)
                await caller.first(AgentSound, since=mark, within_s=20)
                await caller.first(AgentSilent, since=mark, within_s=20)


def token_server(server: Sfu) -> Program:
    environment = {
        **os.environ,
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": API_KEY,
        "LIVEKIT_API_SECRET": API_SECRET,
    }
    return Program("token", [sys.executable, "-m", "token_server", "--port", "0"], environment, re.compile("^ready "))


async def main() -> None:
    with wire() as tap:
        print(f"seen {await try_to_leave(tap)}")
    await until(gateway_is_forgotten, within_s=15)
    with wire() as tap:
        await call()
        left = frames(tap)
    print(*(frame.hex() for frame in left[:20]), sep="\n")
    print(f"heard, {len(left)} left")


async def gateway_is_forgotten() -> bool:
    """The kernel asks for the gateway three times, a second apart, and then gives up."""
    asking = await asyncio.create_subprocess_exec("ip", "neighbour", "show", stdout=asyncio.subprocess.PIPE)
    return "INCOMPLETE" not in (await asking.communicate())[0].decode()


if __name__ == "__main__":
    asyncio.run(main())
