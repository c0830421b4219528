"""The token server as a process of its own, with the settings of a test."""

import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from demo.parts import Part, Program, running

SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"
PAIR = {"LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": SECRET}


@dataclass(frozen=True)
class RunningDoor:
    part: Part
    url: str
    """With a slash at the end."""

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1].rstrip("/"))


@asynccontextmanager
async def door(**settings: str) -> AsyncIterator[RunningDoor]:
    """`python -m token_server` on a free port of 127.0.0.1."""
    environment = {**os.environ, **PAIR, **settings}
    argv = [sys.executable, "-m", "token_server", "--port", "0"]
    async with running(Program("token", argv, environment, re.compile("^ready "))) as part:
        yield RunningDoor(part, (await part.ready()).split()[1].removesuffix("token"))
