"""Google's JavaScript SDK holds typed turns, a tool round and a spoken turn, is interrupted, and resumes its session."""

import shutil
from pathlib import Path

import pytest

from tests.contract.stack import HERE, auto, check, tool, turns_of
from tests.e2e.stack import ROOT

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]  # a conversation takes its time, on a busy machine much of it


def node() -> str:
    """Node, beside an installed SDK."""
    tool(ROOT / "tests" / "node_modules" / "@google" / "genai", "@google/genai")
    found = shutil.which("node")
    return str(tool(Path(found) if found else None, "node"))


async def test_the_javascript_sdk_holds_a_conversation(tmp_path: Path) -> None:
    async with auto(tmp_path) as model:
        environment = {"NODE_EXTRA_CA_CERTS": str(model.ca_file)}
        turns = await turns_of([node(), str(HERE / "js" / "client.mjs")], model, tmp_path, environment=environment)
        check(turns, model)


async def test_the_javascript_sdk_resumes_at_once_after_it_closed(tmp_path: Path) -> None:
    """Its `close()` sends a close frame without a code. Barge-in, typed and spoken, is between the two resumes."""
    async with auto(tmp_path) as model:
        environment = {"NODE_EXTRA_CA_CERTS": str(model.ca_file)}
        turns = await turns_of([node(), str(HERE / "js" / "resume.mjs")], model, tmp_path, environment=environment)
        lines = model.lines()
    assert [turn.turn for turn in turns] == ["told", "asked", "typed over", "spoken over", "asked again"]
    assert all(turn.audio_s >= 2 for turn in turns)
    for asked in (turns[1], turns[2], turns[4]):
        assert "42" in asked.transcript, f"{asked.turn}: {asked.transcript}"
    sent = [line["message"] for line in lines if line["direction"] == "sent"]
    assert sum("interrupted" in message.get("serverContent", {}) for message in sent) == 2
    assert sum("setupComplete" in message for message in sent) == 3, "a resume that was refused"
