"""Calls that go on from what was said before: a caller who calls back, a dispatch with a history. The worker logs no words."""

import json
from pathlib import Path
from typing import Any

import pytest

from caller import AgentSilent, Caller, Caption
from tests.e2e.stack import Gemini, Sfu, emulator, worker

AGENT_NAME = "rememberer"
ANSWER = "I remember what you have told me: your name is Ada."
HISTORY = [{"role": "user", "text": "My name is Ada."}, {"role": "assistant", "text": "Hello Ada."}]


async def greeted(caller: Caller) -> None:
    await caller.first(AgentSilent, within_s=20)


async def asked(caller: Caller, text: str) -> str:
    """Type this, and return what the agent says to it."""
    since = len(caller.log)
    await caller.send_text(text)
    answer = await caller.first(
        Caption, since=since, within_s=20, where=lambda caption: caption.who == "agent" and caption.final
    )
    return answer.text


def contents(model: Gemini) -> list[dict[str, Any]]:
    lines = [line["message"] for line in model.lines() if line["direction"] == "received"]
    return [message["client_content"] for message in lines if "client_content" in message]


@pytest.mark.long
async def test_who_calls_back_goes_on_and_a_dispatch_may_tell_what_was_said(server: Sfu, tmp_path: Path, room: str) -> None:
    settings = {"AGENT_NAME": AGENT_NAME, "RESUME_CALLERS": "identity", "RESUME_CALLERS_DIR": str(tmp_path / "callers")}
    async with emulator(tmp_path, "--script", "auto") as model, worker(server, model, **settings) as part:
        async with server.caller(f"{room}-1", "a-user", agent_name=AGENT_NAME) as caller:
            await greeted(caller)
            assert "your name is Ada" in await asked(caller, "My name is Ada.")
        await part.says("call ended: ")
        assert len(list((tmp_path / "callers").iterdir())) == 1

        before = len(contents(model))
        async with server.caller(f"{room}-2", "a-user", agent_name=AGENT_NAME) as caller:
            await greeted(caller)
            assert await asked(caller, "What is my name?") == ANSWER
            assert list((tmp_path / "callers").iterdir()) == [], "it is deleted when it is used"
        assert "has called again" in str(contents(model)[before]), "the first words are a welcome back"

        metadata = json.dumps({"history": HISTORY})
        async with server.caller(f"{room}-3", "another-user", metadata=metadata, agent_name=AGENT_NAME) as caller:
            await greeted(caller)
            assert await asked(caller, "What is my name?") == ANSWER

        asked_for = [(bool(setup["sessionResumption"].get("handle")), "historyConfig" in setup) for setup in model.setups()]
        assert asked_for == [(False, False), (True, False), (False, True)]
        assert "Ada" not in "\n".join(part.lines)
