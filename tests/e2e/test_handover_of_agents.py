"""A real call in which one agent hands over to another, with its own voice, instructions and tools."""

import re
import sys
from pathlib import Path

import pytest

from caller import AgentSilent, Caption, RoomEvent
from demo.parts import Program, running
from tests.e2e.stack import Sfu, gemini, worker_environment

pytestmark = pytest.mark.sound

LAST_WORDS = "I will put you through to the people who do the bills."
FIRST_WORDS = "This is billing. What is your number?"
SCRIPT = f"""
think_ms = 100

[[typed]]
matches = "pay a bill"
calls = [{{ name = "transfer" }}]
meanwhile = "{LAST_WORDS}"
says = "It is done."

[[typed]]
matches = "Ask for the number"
says = "{FIRST_WORDS}"

[otherwise]
says = "Hello."
"""


@pytest.mark.long
async def test_the_caller_hears_both_agents_to_the_end_and_nothing_of_the_change(
    server: Sfu, tmp_path: Path, room: str
) -> None:
    async with gemini(tmp_path, SCRIPT) as model:
        argv = [sys.executable, "-m", "tests.e2e.transferring_agent", "start"]
        environment = worker_environment(server, model, AGENT_NAME="transferring")
        async with running(Program("worker", argv, environment, re.compile('"registered worker"'))) as part:
            await part.ready()
            await part.says('"process initialized"')
            async with server.caller(room, agent_name="transferring") as caller:
                await caller.first(AgentSilent, within_s=20)
                mark = len(caller.log)
                await caller.send_text("I want to pay a bill.")
                said = await caller.first(
                    Caption, since=mark, within_s=25, where=lambda caption: caption.final and "number?" in caption.text
                )
                await caller.first(AgentSilent, since=mark, within_s=10, where=lambda silent: silent.t > said.t)
                captions = [each.text for each in caller.log[mark:] if isinstance(each, Caption) and each.final]
                links = [each.body["kind"] for each in caller.log if isinstance(each, RoomEvent) and "kind" in each.body]
    assert [text for text in captions if text in {LAST_WORDS, FIRST_WORDS}] == [LAST_WORDS, FIRST_WORDS], "both whole"
    assert set(links) <= {"connected", "handed_over"}
    assert links.count("connected") <= 1
    first, *_, last = model.setups()
    voices = [
        each["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"] for each in (first, last)
    ]
    assert voices[1] == "Kore" != voices[0]
    assert last["systemInstruction"]["parts"][0]["text"] == "You do the bills."
