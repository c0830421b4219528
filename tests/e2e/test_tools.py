"""Real calls with tools: each is answered when it is ready, while the agent speaks, and a soft sound fills a silence."""

import re
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from caller import AgentSilent, AgentSound, BackgroundSilent, BackgroundSound, Caption, RoomEvent
from demo.parts import Part, Program, running
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

[[typed]]
matches = "colour"
calls = [{{ name = "look_up" }}]
says = "I have found it: {{look_up}}."

[otherwise]
says = "Hello."
"""
LONGEST_SILENCE_S = 1.4


@dataclass(frozen=True)
class Seeking:
    """A worker whose agent has slow tools, and its model."""

    part: Part
    model: Gemini


@pytest.fixture(scope="module")
async def seeking(server: Sfu, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Seeking]:
    async with gemini(tmp_path_factory.mktemp("seeking"), SCRIPT) as model:
        argv = [sys.executable, "-m", "tests.e2e.searching_agent", "start"]
        environment = worker_environment(server, model, AGENT_NAME="seeking")
        async with running(Program("worker", argv, environment, re.compile('"registered worker"'))) as part:
            await part.ready()
            await part.says('"process initialized"')
            yield Seeking(part, model)


def responses(model: Gemini) -> list[tuple[float, dict[str, Any]]]:
    """Each response to a call, with its time, in the order in which they were on the wire."""
    return [
        (line["t"], response)
        for line in model.lines()
        for response in line["message"].get("tool_response", {}).get("functionResponses", [])
    ]


async def test_two_tools_are_answered_one_after_the_other_and_the_last_result_interrupts_the_agent(
    server: Sfu, seeking: Seeking, room: str
) -> None:
    model = seeking.model
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
        ended = [each.body["name"] for each in caller.log[mark:] if isinstance(each, RoomEvent) and "took_s" in each.body]
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


async def test_a_caller_who_waits_for_a_tool_hears_a_soft_sound(server: Sfu, seeking: Seeking, room: str) -> None:
    """At the caller's ear: no silence of 1.4 s while a tool runs for 3 s. The sound is no part of the agent's speech.

    The call's tokens and their cost are told with it, and stand in the last line of its log.
    """
    async with server.caller(room, agent_name="seeking") as caller:
        await caller.first(AgentSilent, within_s=20)
        mark = len(caller.log)
        await caller.send_text("What colour is it?")
        started = await caller.first(RoomEvent, since=mark, within_s=10, where=of_type("tool_started"))
        answer = await caller.first(AgentSound, since=mark, within_s=15)
        await caller.first(AgentSilent, since=mark, within_s=15)
        used = await caller.first(
            RoomEvent,
            since=mark,
            within_s=15,
            where=lambda event: event.body.get("total_usd", 0) > event.body.get("turn_usd", 0),
        )
        heard = [(event.t, event.type) for event in caller.log[mark:] if isinstance(event, BackgroundSound | BackgroundSilent)]
        voices = [event for event in caller.log[mark:] if isinstance(event, AgentSound)]
        captions = [each.text for each in caller.log[mark:] if isinstance(each, Caption) and each.final and each.who == "agent"]
    assert heard, "the sound was played"
    edges = [started.t, *(t for t, _ in sorted(heard)), answer.t]
    silences = [later - earlier for earlier, later in zip(edges[::2], edges[1::2], strict=True)]
    assert max(silences) <= LONGEST_SILENCE_S, silences
    assert heard[-1][0] <= answer.t + 0.4, "it ends as the answer begins"
    assert answer.t - started.t >= 3
    assert voices == [answer]
    assert captions == ["I have found it: it is blue."]
    assert used.body["turn"]["output_tokens"]["audio"] > 0
    assert used.body["turn_usd"] > 0
    await seeking.part.says('"cost_usd"', within_s=20)


def of_type(kind: str) -> Callable[[RoomEvent], bool]:
    return lambda event: event.body["type"] == kind
