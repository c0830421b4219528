"""Real calls with tools: each is answered when it is ready, while the agent speaks, and a soft sound fills a silence."""

import re
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agent.day_costs import DayCosts
from caller import AgentSilent, AgentSound, BackgroundSilent, BackgroundSound, Caption, Event, Left, RoomEvent, Span
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
    costs: Path
    """The folder of the day's costs."""


@pytest.fixture(scope="module")
async def seeking(server: Sfu, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Seeking]:
    costs = tmp_path_factory.mktemp("costs")
    async with gemini(tmp_path_factory.mktemp("seeking"), SCRIPT) as model:
        argv = [sys.executable, "-m", "tests.e2e.searching_agent", "start"]
        environment = worker_environment(server, model, AGENT_NAME="seeking", DAY_COST_CAP_USD="1000", DAY_COST_DIR=str(costs))
        async with running(Program("worker", argv, environment, re.compile('"registered worker"'))) as part:
            await part.ready()
            await part.says('"process initialized"')
            yield Seeking(part, model, costs)


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
    """At the caller's ear: no silence of more than 1.4 s while a tool runs for 3 s, and the sound makes way for every voice.

    The worker's own voice may say in between that it takes a moment. The call's tokens and their cost are told as well, stand
    in the last line of its log, and are in the day's cost.
    """
    before_usd = DayCosts(seeking.costs).total_usd(time.time())
    async with server.caller(room, agent_name="seeking") as caller:
        await caller.first(AgentSilent, within_s=20)
        mark = len(caller.log)
        await caller.send_text("What colour is it?")
        started = await caller.first(
            RoomEvent, since=mark, within_s=10, where=lambda event: event.body["type"] == "tool_started"
        )
        said = await caller.first(Caption, since=mark, within_s=20, where=lambda caption: "blue" in caption.text)
        ended = await caller.first(AgentSilent, since=mark, within_s=15, where=lambda silent: silent.t > said.t)
        used = await caller.first(
            RoomEvent,
            since=mark,
            within_s=15,
            where=lambda event: event.body.get("total_usd", 0) > event.body.get("turn_usd", 0),
        )
        log = [event for event in caller.log[mark:] if event.t <= ended.t]
    voices = spans_of(log, AgentSound, AgentSilent)
    softly = spans_of(log, BackgroundSound, BackgroundSilent)
    assert softly, "the sound was played"
    heard = [Span(started.t, started.t), *sorted([*voices, *softly], key=lambda span: span.start_s)]
    silences = [later.start_s - earlier.end_s for earlier, later in pairwise(heard)]
    assert max(silences) <= LONGEST_SILENCE_S, heard
    both = [min(soft.end_s, voice.end_s) - max(soft.start_s, voice.start_s) for soft in softly for voice in voices]
    assert max(both) <= 0.5, "it ends as a voice begins"
    assert ended.t - started.t >= 3
    captions = {each.text for each in log if isinstance(each, Caption) and each.final and each.who == "agent"}
    assert captions <= {"One moment, please.", "I have found it: it is blue."}
    assert used.body["turn_usd"] > 0
    assert used.body["turn"]["output_tokens"]["audio"] > 0
    await seeking.part.says('"cost_usd"', within_s=20)
    assert DayCosts(seeking.costs).total_usd(time.time()) - before_usd >= used.body["total_usd"] - 1e-5


@pytest.mark.long
async def test_a_call_that_has_cost_as_much_as_it_may_ends_with_a_goodbye(server: Sfu, seeking: Seeking, room: str) -> None:
    """A greeting and two answers cost more than the dispatch allows: a warning, a goodbye that is heard, and the end."""
    async with server.caller(room, agent_name="seeking", metadata='{"cost_cap_usd": 0.003}') as caller:
        await caller.first(AgentSilent, within_s=20)
        for _ in range(2):
            mark = len(caller.log)
            await caller.send_text("Go on.")
            await caller.first(AgentSound, since=mark, within_s=10)
            await caller.first(AgentSilent, since=mark, within_s=15)
        await caller.first(Left, within_s=30)
    told = [event.body for event in caller.log if isinstance(event, RoomEvent)]
    [warning] = [body for body in told if body["type"] == "cost_warning"]
    [ended] = [body for body in told if body["type"] == "call_ended"]
    assert (warning["cap_usd"], ended["reason"]) == (0.003, "cost_cap")
    assert warning["cost_usd"] >= 0.0024
    turns = [body for body in told if body["type"] == "usage"]
    over = next(number for number, body in enumerate(turns) if body["total_usd"] >= 0.003)
    assert len(turns) == over + 2, "the goodbye is one more turn, and the last"


def spans_of(log: list[Event], begins: type[Event], ends: type[Event]) -> list[Span]:
    """The stretches between those events; `ends` tells the last moment that was heard."""
    starts = [event.t for event in log if isinstance(event, begins)]
    stops = [event.t for event in log if isinstance(event, ends)]
    return [Span(start, stop) for start, stop in zip(starts, stops, strict=True)]
