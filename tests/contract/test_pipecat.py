"""pipecat's Gemini Live service, in the environment that it needs, holds two typed turns, a tool round and a spoken turn."""

from pathlib import Path

import pytest

from tests.contract.stack import HERE, auto, check, python_of, turns_of

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]  # a conversation takes its time, on a busy machine much of it


async def test_pipecat_holds_a_conversation(tmp_path: Path) -> None:
    argv = [str(python_of("pipecat")), str(HERE / "pipecat" / "client.py")]
    async with auto(tmp_path) as model:
        turns = await turns_of(argv, model, tmp_path)
        check(turns, model)
