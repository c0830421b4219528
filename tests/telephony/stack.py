"""Redis and livekit-server with SIP's API, each a process of its own on a free port."""

import asyncio
import os
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import yaml
from livekit import api

from demo.livekit_server import locate
from demo.parts import Program, Show, running
from demo.settings import read_settings
from tests.e2e.stack import API_KEY, API_SECRET, ROOT, listens
from tests.ports import free_port

_HIDDEN: Show = lambda _: None  # noqa: E731
"""The parts' output isn't printed: tests capture what `telephony` prints in the same process."""


@dataclass(frozen=True)
class SipLiveKit:
    """A livekit-server that keeps trunks and rules in its Redis."""

    url: str
    redis_port: int

    def api(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(self.url, API_KEY, API_SECRET)

    @property
    def environment(self) -> dict[str, str]:
        """The environment for `python -m telephony`."""
        return {**os.environ, "LIVEKIT_URL": self.url, "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}

    async def empty(self) -> None:
        """Make Redis forget everything, as an unsaved Redis does that is started anew."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.redis_port)
        writer.write(b"FLUSHALL\r\n")
        assert await reader.readline() == b"+OK\r\n"
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def redis() -> AsyncIterator[int]:
    """A Redis that saves nothing; its port."""
    program = shutil.which("redis-server")
    assert program is not None, "there is no redis-server; `sh scripts/packages` says how to get it"
    port = free_port()
    argv = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    async with running(Program("redis", argv, None, re.compile("Ready to accept connections"), show=_HIDDEN)) as part:
        await part.ready()
        yield port


@asynccontextmanager
async def livekit(redis_port: int | None) -> AsyncIterator[str]:
    """livekit.yaml's server on free ports, with that Redis; its URL."""
    config = yaml.safe_load((ROOT / "livekit.yaml").read_text())
    config["port"], config["rtc"]["udp_port"] = free_port(), free_port(socket.SOCK_DGRAM)
    config["keys"] = {API_KEY: API_SECRET}
    if redis_port is not None:
        config["redis"] = {"address": f"127.0.0.1:{redis_port}"}
    path = await locate(read_settings(), print)
    environment = {**os.environ, "LIVEKIT_CONFIG": yaml.safe_dump(config)}
    ready = re.compile("starting LiveKit server")
    program = Program("livekit", [str(path)], environment, ready, hurry_after_s=1, show=_HIDDEN)
    async with running(program) as part:
        await part.ready()
        await listens(config["port"])
        yield f"ws://127.0.0.1:{config['port']}"


@asynccontextmanager
async def sip_livekit() -> AsyncIterator[SipLiveKit]:
    async with redis() as port, livekit(port) as url:
        yield SipLiveKit(url, port)
