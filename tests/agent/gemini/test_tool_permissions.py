"""Tools that a reply doesn't allow are refused for its turn, and a model that insists is left alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import function_tool, llm
from livekit.agents.types import NOT_GIVEN

from agent.gemini import ApiKey, EarshotModel, Endpoint, Voicing
from agent.gemini.capabilities import capabilities_of
from agent.gemini.function_calls import FunctionCalls
from agent.gemini.messages import read
from agent.gemini.tool_permissions import REFUSAL, ToolPermissions
from tests.agent.gemini.wire import COMPLETE, Frames, call, sound, wire
from tests.e2e.stack import until


@function_tool
async def book(slot: str) -> str:
    """Book a slot."""
    return slot


@pytest.mark.parametrize(
    ("choice", "tools", "allowed"),
    [
        (NOT_GIVEN, NOT_GIVEN, {"book", "cancel"}),
        ("auto", NOT_GIVEN, {"book", "cancel"}),
        (None, [book], {"book"}),
        ("none", [book], set()),
        (NOT_GIVEN, [], set()),
        ("required", NOT_GIVEN, {"book", "cancel"}),
    ],
)
def test_a_reply_allows_its_tools_until_its_turn_is_complete(choice: Any, tools: Any, allowed: set[str]) -> None:
    permissions = ToolPermissions()
    permissions.set_for_reply(choice, tools)
    assert {name for name in ("book", "cancel") if permissions.allows(name)} == allowed
    permissions.turn_completes()
    assert permissions.allows("cancel")


def test_a_session_allows_what_it_does_until_it_says_otherwise() -> None:
    permissions = ToolPermissions()
    permissions.set_for_session("none")
    permissions.turn_completes()
    assert not permissions.allows("book")
    permissions.set_for_session(None)
    assert permissions.allows("book")


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_a_replys_choice_replaces_the_sessions_for_its_turn(choice: Any) -> None:
    permissions = ToolPermissions()
    permissions.set_for_session("none")
    permissions.set_for_reply(choice, NOT_GIVEN)
    assert permissions.allows("book")
    permissions.turn_completes()
    assert not permissions.allows("book")


def test_that_a_call_cannot_be_forced_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    permissions = ToolPermissions()
    permissions.set_for_session("auto")
    permissions.set_for_reply("required", NOT_GIVEN)
    permissions.set_for_session({"type": "function", "function": {"name": "book"}})
    assert permissions.allows("book")
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_reply_that_costs_a_call_is_logged_with_the_function_and_the_way_out(caplog: pytest.LogCaptureFixture) -> None:
    """3.1 waits for each function, and drops a call when something else is asked."""
    functions, permissions = FunctionCalls(capabilities_of("gemini-3.1-flash-live-preview")), ToolPermissions()
    functions.declare(llm.ToolContext([book]))
    [made] = functions.read(read(json.dumps(call("book", "call_1", slot="3pm")).encode()))
    permissions.set_for_reply("none", NOT_GIVEN, functions.waits_for)
    [line] = [record.getMessage() for record in caplog.records]
    assert "the function book" in line
    assert "non_blocking" in line
    functions.response(made, {"output": "booked"}, None)
    assert functions.waits_for is None


def test_a_model_that_insists_gets_no_more_answers() -> None:
    permissions = ToolPermissions()
    assert [permissions.refuses() for _ in range(4)] == [True, True, True, False]
    permissions.model_speaks()
    assert permissions.refuses()


async def test_the_choice_of_a_reply_that_was_withdrawn_ends_with_it(tmp_path: Path) -> None:
    def script(message: dict[str, Any]) -> Frames:
        return [call("book", "call_1", slot="3pm"), COMPLETE] if "realtime_input" in message else []

    async with wire(tmp_path, script) as endpoint:
        where = Endpoint("gemini-3.8-live", ApiKey("key"), base_url=endpoint.url, ca_file=endpoint.ca_file)
        async with EarshotModel(where, Voicing("Puck")) as model:
            session = model.session()
            created: list[llm.GenerationCreatedEvent] = []
            session.on("generation_created", created.append)
            reply = session.generate_reply(instructions="Speak.", tool_choice="none")
            assert await endpoint.until(lambda: bool(endpoint.of("client_content")))
            reply.cancel()
            session.push_audio(rtc.AudioFrame(bytes(640), 16000, 1, 320))
            await until(lambda: bool(created or endpoint.tool_responses))
    assert endpoint.tool_responses == [], "nothing is refused"


async def test_the_choice_of_a_reply_that_was_interrupted_ends_with_it(tmp_path: Path) -> None:
    """Its `turnComplete` may never come: that of a connection that is lost doesn't."""

    def script(message: dict[str, Any]) -> Frames:
        if "realtime_input" in message:
            return [call("book", "call_1", slot="3pm"), COMPLETE]
        return [sound("Yes."), {"serverContent": {"interrupted": True}}] if "client_content" in message else []

    async with wire(tmp_path, script) as endpoint:
        where = Endpoint("gemini-3.8-live", ApiKey("key"), base_url=endpoint.url, ca_file=endpoint.ca_file)
        async with EarshotModel(where, Voicing("Puck")) as model:
            session = model.session()
            created: list[llm.GenerationCreatedEvent] = []
            session.on("generation_created", created.append)
            await session.generate_reply(instructions="Speak.", tool_choice="none")
            session.push_audio(rtc.AudioFrame(bytes(640), 16000, 1, 320))
            await until(lambda: len(created) > 1 or bool(endpoint.tool_responses))
    assert endpoint.tool_responses == [], "nothing is refused"


async def test_on_the_wire_a_refused_call_is_answered_and_the_reply_comes(tmp_path: Path) -> None:
    """It begins no answer, and the application's reply is what the model says then."""

    def script(message: dict[str, Any]) -> Frames:
        if "tool_response" in message:
            return [sound("As you wish."), COMPLETE]
        return [call("book", "call_1", slot="3pm"), COMPLETE] if message.get("client_content", {}).get("turnComplete") else []

    async with wire(tmp_path, script) as endpoint:
        where = Endpoint("gemini-3.8-live", ApiKey("key"), base_url=endpoint.url, ca_file=endpoint.ca_file)
        async with EarshotModel(where, Voicing("Puck")) as model:
            session = model.session()
            await session.update_tools([book])
            created: list[llm.GenerationCreatedEvent] = []
            session.on("generation_created", created.append)
            generation = await session.generate_reply(instructions="Speak.", tool_choice="none")
            assert created == [generation]
            assert [call async for call in generation.function_stream] == []
    assert [each["response"] for each in endpoint.tool_responses] == [{"error": REFUSAL}]
