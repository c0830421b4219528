"""After kill -9 of its process a call goes on that takes turns in another way: by the talk button, or as a translation."""

import json
import os
import signal
from pathlib import Path

import pytest

from caller import AgentAttributes, AgentSound, AgentTrack, Caller, Caption, RoomEvent
from caller.caller import SAMPLE_RATE_HZ
from demo.parts import Part
from speech import synthesize
from tests.e2e.stack import ROOT, Sfu, emulator, gemini, worker

pytestmark = [pytest.mark.long, pytest.mark.sound]

SPEECH = synthesize("The lighthouse stands on a rock in the sea.", sample_rate_hz=SAMPLE_RATE_HZ)
RADIO = """
instructions = "You are a radio operator."
greeting = "Greet the caller."

[hearing]
turns = "push_to_talk"
"""
TRANSLATIONS = """
[[turn]]
hears = "the lighthouse stands on a rock in the sea"
says = "Der Leuchtturm steht auf einem Felsen im Meer."

[[turn]]
hears = "the lighthouse stands on a rock in the sea"
says = "Der Leuchtturm steht noch immer dort."
"""


async def killed(part: Part, caller: Caller) -> None:
    """Kill the call's process, and wait until the call goes on in another one."""
    since = len(caller.log)
    [begun] = [json.loads(line) for line in part.lines if line.startswith("{") and '"call started"' in line]
    os.kill(int(begun["pid"]), signal.SIGKILL)
    await caller.first(AgentTrack, since=since, within_s=15)
    await caller.first(RoomEvent, since=since, within_s=10, where=lambda event: event.body["type"] == "resumed")
    await part.says('"Gemini connection: connected (process)"', within_s=10)


async def shows_turns(caller: Caller, turns: str, since: int) -> None:
    await caller.first(
        AgentAttributes, since=since, within_s=15, where=lambda one: one.attributes.get("earshot.turns") == turns
    )


async def test_the_talk_button_works_on(server: Sfu, tmp_path: Path) -> None:
    """Without a press nothing is heard; a press is taken by the new process."""
    (tmp_path / "radio.toml").write_text(RADIO)
    settings = {"PERSONAS_DIR": str(tmp_path), "PERSONA": "radio", "AGENT_NAME": "radio-killed"}
    async with (
        emulator(tmp_path, "--script", "auto") as model,
        worker(server, model, FAILOVER_DIR=str(tmp_path / "calls"), **settings) as part,
        server.caller("radio-killed", agent_name="radio-killed") as caller,
    ):
        await shows_turns(caller, "push_to_talk", 0)
        await caller.first(AgentSound, within_s=15)
        await caller.quiet(for_s=1, within_s=30)
        since = len(caller.log)
        await killed(part, caller)
        await shows_turns(caller, "push_to_talk", since)
        await caller.say(SPEECH, text="to somebody else")
        await caller.quiet(for_s=3, within_s=15)
        assert not [event for event in caller.log[since:] if isinstance(event, AgentSound)], "nothing was owed"
        async with caller.holding_button():
            await caller.say(SPEECH, text="to the agent")
        await caller.first(AgentSound, since=since, within_s=15)


async def test_an_interpreter_translates_on(server: Sfu, tmp_path: Path) -> None:
    """Nothing is owed and nothing is said about the loss: the translation of what is said next is heard."""
    settings = {"PERSONAS_DIR": str(ROOT / "agent" / "personas"), "PERSONA": "interpreter", "AGENT_NAME": "interpreter-killed"}
    async with (
        gemini(tmp_path, TRANSLATIONS) as model,
        worker(server, model, FAILOVER_DIR=str(tmp_path / "calls"), **settings) as part,
        server.caller("interpreter-killed", agent_name="interpreter-killed") as caller,
    ):
        await shows_turns(caller, "translation", 0)
        await caller.say(SPEECH, text="speech")
        await caller.first(AgentSound, within_s=15)
        await caller.quiet(for_s=1.5, within_s=30)
        since = len(caller.log)
        await killed(part, caller)
        await shows_turns(caller, "translation", since)
        await caller.quiet(for_s=1.5, within_s=30)
        since = len(caller.log)
        await caller.say(SPEECH, text="speech again")
        await caller.first(AgentSound, since=since, within_s=15)
        said = await caller.first(Caption, since=since, within_s=15, where=lambda one: one.who == "agent" and one.final)
        assert "Leuchtturm" in said.text
