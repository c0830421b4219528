"""The models that this folder's calls talk to, and the workers that take the calls."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.e2e.real.gemini import REAL, SCRIPT, Served, asked_for, emulated
from tests.e2e.real.workers import Workers
from tests.e2e.stack import Sfu, emulator


@pytest.fixture(scope="session")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    if REAL in os.environ:
        yield asked_for()
        return
    async with emulator(tmp_path_factory.mktemp("gemini"), "--script", str(SCRIPT)) as model:
        yield emulated(model)


@pytest.fixture(scope="session")
async def workers(server: Sfu, served: Served, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workers]:
    async with AsyncExitStack() as stack:
        yield Workers(server, served, tmp_path_factory.mktemp("personas"), stack)
