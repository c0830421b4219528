"""A real call in which tools speak: `say`, `generate_reply`, `interrupt` and `add_context`, as the caller hears them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from caller import AgentSilent, AgentSound, Caller, Caption
from tests.e2e.speaking_agent import STOPS_AFTER_S
from tests.e2e.stack import Gemini, Sfu, gemini, worker

pytestmark = [pytest.mark.sound, pytest.mark.long]

STORY = " ".join(["And then the keeper climbed the stairs once more to look at the sea."] * 5)
SCRIPT = f"""
think_ms = 100

[[typed]]
matches = "where is my parcel"
calls = [{{ name = "parcel" }}]
says = "It is done."

[[typed]]
matches = "Your parcel is at the door"
says = "Your parcel is at the door."

[[typed]]
matches = "ask me something"
calls = [{{ name = "riddle" }}]
says = "It is done."

[[typed]]
matches = "riddle of the bell"
says = "What has a mouth of bronze and one tooth?"

[[typed]]
matches = "take a note"
calls = [{{ name = "remember" }}]
says = "{{remember}}"

[[typed]]
matches = "tell me a story"
calls = [{{ name = "story" }}]
says = "{STORY}"

[otherwise]
says = "Hello."
"""
PERSONA = """instructions = "You speak."
greeting = "Greet the caller."
agent = "tests.e2e.speaking_agent:SpeakingAgent"
"""


@pytest.fixture
async def call(server: Sfu, tmp_path: Path, room: str) -> AsyncIterator[tuple[Caller, Gemini]]:
    personas = tmp_path / "personas"
    personas.mkdir()
    (personas / "speaking.toml").write_text(PERSONA)
    settings = {"AGENT_NAME": "speaking", "PERSONAS_DIR": str(personas), "PERSONA": "speaking"}
    async with (
        gemini(tmp_path, SCRIPT) as model,
        worker(server, model, **settings),
        server.caller(room, agent_name="speaking") as caller,
    ):
        await caller.first(AgentSilent, within_s=20)
        yield caller, model


async def hears(caller: Caller, line: str, words: str) -> None:
    """Type a line, and hear the words to their end."""
    mark = len(caller.log)
    await caller.send_text(line)
    said = await caller.first(Caption, since=mark, within_s=20, where=lambda caption: caption.final and words in caption.text)
    await caller.first(AgentSilent, since=mark, within_s=10, where=lambda silent: silent.t > said.t - 1)


async def test_tools_speak_leave_notes_and_stop_an_answer(call: tuple[Caller, Gemini]) -> None:
    caller, model = call
    await hears(caller, "where is my parcel?", "Your parcel is at the door.")
    await hears(caller, "ask me something", "one tooth?")
    await hears(caller, "take a note", "It is noted.")
    assert any("The caller is called Ada." in str(line["message"]) for line in model.lines()), "the model has the note"

    mark = len(caller.log)
    await caller.send_text("tell me a story")
    began = await caller.first(AgentSound, since=mark, within_s=15)
    ended = await caller.first(AgentSilent, since=mark, within_s=10, where=lambda silent: silent.t > began.t)
    assert ended.t - began.t < STOPS_AFTER_S + 2, "the story of twenty seconds stops"
    await hears(caller, "ask me something", "one tooth?")
