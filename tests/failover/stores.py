"""Stores of one fleet for tests, and processes that have one."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cryptography.fernet import Fernet

from failover.opening import StoreConfig

TREE = Path(__file__).parents[2]
ROOM = "call-of-+12125550147"
FLEET = "wss://livekit.test earshot"
SECRET = b"a secret"
KEY = Fernet.generate_key().decode()


def in_folder(folder: Path, *keys: str, fleet: str = FLEET) -> StoreConfig:
    return StoreConfig(folder, None, keys, fleet, SECRET)


def in_redis(url: str, *keys: str, fleet: str = FLEET) -> StoreConfig:
    return StoreConfig(None, url, keys, fleet, SECRET)


class HoldingProcess:
    """`tests/failover/holding_program.py`, one command at a time."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def tell(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        await self._process.stdin.drain()

    async def answer(self) -> str:
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()

    async def kill(self) -> None:
        """As `kill -9` does."""
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def holding_process(folder: Path, holder: str) -> AsyncIterator[HoldingProcess]:
    argv = (sys.executable, "-m", "tests.failover.holding_program", str(folder), holder)
    process = await asyncio.create_subprocess_exec(*argv, stdin=PIPE, stdout=PIPE, cwd=TREE)
    try:
        holding = HoldingProcess(process)
        assert await holding.answer() == "ready"
        yield holding
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
