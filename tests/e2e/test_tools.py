"""A real call in which two tools of different length run: each is answered when it is ready, while the agent speaks."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from caller import AgentSilent, AgentSound, Caption, RoomEvent
from demo.parts import Program, running
from tests.e2e.stack import Gemini, Sfu, gemini, worker_environment

pytestmark = pytest.mark.sound

STORY = "Let me tell you of the house meanwhile, of its long stairs, its dark halls, its kitchen, its garden and its old cat."
SCRIPT = f"""
think_ms = 100

[[typed]]
matches = "treasure"
calls = [{{ name = "search" }}, {{ name = "turn_on_the_lights" }}]
meanwhile = "{STORY}"
says = "Good news: {{search}}."

[otherwise]
says = "Hello."
"""


def responses(model: Gemini) -> list[tuple[float, dict[str, Any]]]:
    """Each response to a call, with its time, in the order in which they were on the wire."""
    return [
        (line["t"], response)
        for line in model.lines()
        for response in line["message"].get("tool_response", {}).get("functionResponses", [])
    ]


async def test_two_tools_are_answered_one_after_the_other_and_the_last_result_interrupts_the_agent(
    server: Sfu, tmp_path: Path, room: str
) -> None:
    async with gemini(tmp_path, SCRIPT) as model:
        argv = [sys.executable, "-m", "tests.e2e.searching_agent", "start"]
        environment = worker_environment(server, model, AGENT_NAME="seeking")
        async with running(Program("worker", argv, environment, re.compile('"registered worker"'))) as part:
            await part.ready()
            await part.says('"process initialized"')
            async with server.caller(room, agent_name="seeking") as caller:
                await caller.first(AgentSilent, within_s=20)
                mark = len(caller.log)
                await caller.send_text("Where is the treasure?")
                told = await caller.first(AgentSound, since=mark, within_s=10)
                said = await caller.first(
                    Caption, since=mark, within_s=20, where=lambda caption: caption.final and "attic" in caption.text
                )
                await caller.first(AgentSilent, since=mark, within_s=20, where=lambda silent: silent.t > said.t)
                captions = [each.text for each in caller.log[mark:] if isinstance(each, Caption) and each.final]
                ended = [
                    each.body["name"] for each in caller.log[mark:] if isinstance(each, RoomEvent) and "took_s" in each.body
                ]
    (_, first), (_, second), (last_at, last) = responses(model)
    names = {first["name"]: first, second["name"]: second}
    assert names["search"]["willContinue"] is True
    assert names["turn_on_the_lights"]["response"] == {"output": "The lights are on."}
    assert (last["name"], last["response"], last["scheduling"]) == ("search", {"output": "it is in the attic"}, "INTERRUPT")
    interrupted = [line["t"] for line in model.lines() if line["message"].get("serverContent", {}).get("interrupted")]
    assert [at for at in interrupted if at > last_at], "the service cuts the story short for the result"
    assert told.t < said.t, "the agent spoke meanwhile"
    assert ended == ["turn_on_the_lights", "search"]
    assert any(text != STORY and STORY.startswith(text[:40]) for text in captions), "the story was broken off"
