"""Google's JavaScript SDK holds two typed turns, a tool round and a spoken turn."""

import shutil
from pathlib import Path

import pytest

from tests.contract.stack import HERE, auto, check, tool, turns_of
from tests.e2e.stack import ROOT

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]  # a conversation takes its time, on a busy machine much of it


def node() -> str:
    """Node, beside an installed SDK."""
    tool(ROOT / "node_modules" / "@google" / "genai", "@google/genai")
    found = shutil.which("node")
    return str(tool(Path(found) if found else None, "node"))


async def test_the_javascript_sdk_holds_a_conversation(tmp_path: Path) -> None:
    async with auto(tmp_path) as model:
        environment = {"NODE_EXTRA_CA_CERTS": str(model.ca_file)}
        turns = await turns_of([node(), str(HERE / "js" / "client.mjs")], model, tmp_path, environment=environment)
        check(turns, model)
