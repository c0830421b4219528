"""The models that this folder's calls talk to."""

import os
from collections.abc import AsyncIterator

import pytest

from tests.e2e.real.gemini import REAL, SCRIPT, Served, asked_for, emulated
from tests.e2e.stack import emulator


@pytest.fixture(scope="session")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    if REAL in os.environ:
        yield asked_for()
        return
    async with emulator(tmp_path_factory.mktemp("gemini"), "--script", str(SCRIPT)) as model:
        yield emulated(model)
