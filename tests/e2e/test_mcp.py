"""A real call whose persona has tools of two MCP servers, one of them dead."""

import json
import sys
from pathlib import Path

import pytest

from caller import AgentSilent, Caption
from tests.e2e.stack import Sfu, gemini, worker

pytestmark = [pytest.mark.sound, pytest.mark.long]

SCRIPT = """
think_ms = 100

[[typed]]
matches = "tea"
calls = [{ name = "price", args = { article = "tea", count = 3 } }]
says = "{price}"

[otherwise]
says = "Hello."
"""
PERSONA = f"""
instructions = "You sell tea."

[tools]
mcp = [
  "http://127.0.0.1:1/mcp",
  {{ command = {json.dumps(sys.executable)}, args = ["-m", "tests.agent.mcp_server"], tools = ["price"], connect_s = 10 }},
]
"""


async def test_a_tool_of_an_mcp_server_is_called_in_a_call_and_a_dead_server_is_a_warning(
    server: Sfu, tmp_path: Path, room: str
) -> None:
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas" / "shop.toml").write_text(PERSONA)
    settings = {"AGENT_NAME": "shop", "PERSONA": "shop", "PERSONAS_DIR": str(tmp_path / "personas")}
    async with gemini(tmp_path / "model", SCRIPT) as model, worker(server, model, name="shop", **settings) as part:
        await part.says("the MCP server http://127.0.0.1:1/mcp can't be used, and its tools are missing")
        async with server.caller(room, agent_name="shop") as caller:
            await caller.first(AgentSilent, within_s=20)
            await caller.send_text("What do three teas cost?")
            said = await caller.first(Caption, within_s=30, where=lambda caption: caption.final and "euros" in caption.text)
            await caller.first(AgentSilent, within_s=20, where=lambda silent: silent.t > said.t)
    assert "6 euros" in said.text
    declared = [function for tool in model.setups()[0]["tools"] for function in tool["functionDeclarations"]]
    assert {"price", "local_time"} <= {function["name"] for function in declared}
    assert not {"stock", "order"} & {function["name"] for function in declared}, "they aren't wanted"
