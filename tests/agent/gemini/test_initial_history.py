"""An agent's `chat_ctx` seeds the conversation on every model: the emulator's model knows it, and doesn't answer it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession, llm

from agent.gemini import ApiKey, EarshotModel, Endpoint, EphemeralToken, FixedToken, Vertex, Voicing, capabilities_of
from agent.gemini.events import Line
from agent.gemini.initial_history import InitialHistory
from emulator.auto.rules import Auto
from emulator.journal import Journal
from emulator.profiles import PROFILES
from emulator.server import serving
from emulator.shared import Emulator
from emulator.tls import server_context
from tests.agent.gemini.wire import wire
from tests.e2e.stack import until

TOLD = [("user", "My name is Ada."), ("model", "Hello Ada.")]
LINES = [Line(by_caller=True, text="My name is Ada."), Line(by_caller=False, text="Hello Ada.")]


def context() -> llm.ChatContext:
    """A conversation of an earlier day."""
    earlier = llm.ChatContext.empty()
    earlier.add_message(role="user", content="My name is Ada.")
    earlier.add_message(role="assistant", content="Hello Ada.")
    return earlier


@pytest.fixture
async def remembering(tmp_path: Path) -> AsyncIterator[tuple[Emulator, str]]:
    """An emulator whose model remembers what it is told, and its URL."""
    with Journal(None) as journal:
        state = Emulator(Auto(), journal)
        async with serving(state, host="127.0.0.1", port=0, tls=server_context(tmp_path / "ca.pem")) as port:
            yield state, f"https://127.0.0.1:{port}"


def received(state: Emulator, field: str) -> list[dict[str, Any]]:
    """The contents of this field in what the emulator was sent."""
    lines = [line["message"] for line in state.journal.recent() if line["direction"] == "received"]
    return [message[field] for message in lines if field in message]


def turns_of(content: dict[str, Any]) -> list[tuple[str, str]]:
    return [(turn["role"], "".join(part["text"] for part in turn["parts"])) for turn in content["turns"]]


@pytest.mark.parametrize("name", [name for name, profile in PROFILES.items() if not profile.translation.translates])
async def test_the_model_knows_what_was_said_before_and_does_not_answer_it(
    remembering: tuple[Emulator, str], tmp_path: Path, name: str
) -> None:
    """The first that it is sent is the history; the first that it says is the answer to a question about that."""
    state, url = remembering
    profile = PROFILES[name]
    access = Vertex("project", "us-central1", FixedToken("token")) if profile.vertex else ApiKey("key")
    endpoint = Endpoint(profile.model, access, base_url=url, ca_file=tmp_path / "ca.pem")
    heard: list[str] = []
    async with EarshotModel(endpoint, Voicing("Puck")) as model:
        talking: AgentSession[None] = AgentSession(llm=model, vad=None, user_away_timeout=None)
        talking.on("conversation_item_added", lambda added: heard.append(f"{added.item.role}: {added.item.text_content}"))
        await talking.start(Agent(instructions="Be brief.", chat_ctx=context()), session_host=False)
        assert await model.connected()
        await talking.generate_reply(user_input="What is my name?")
        await until(lambda: len(heard) > 1)
        history = list(model.history())
        await talking.aclose()
    assert heard == ["user: What is my name?", "assistant: I remember what you have told me: your name is Ada."]
    assert history[:2] == LINES, "and a session that forgets is told"
    [setup], first = received(state, "setup"), received(state, "client_content")[0]
    announced = setup.get("historyConfig") == {"initialHistoryInClientContent": True}
    assert announced is not profile.vertex, "on Vertex nothing can be announced"
    ends = [("user", " ")] if announced and "2.5" in name else []
    assert turns_of(first) == [*TOLD, *ends], "2.5 wants the caller's turn last"
    assert first.get("turnComplete", False) is announced


async def test_with_an_ephemeral_token_it_is_told_unannounced(tmp_path: Path) -> None:
    """The token may lock a setup without the announcement, and the history would be answered."""
    async with wire(tmp_path, lambda _: []) as service:
        token = EphemeralToken("auth_tokens/a")
        async with EarshotModel(
            Endpoint("gemini-3.8-live", token, base_url=service.url, ca_file=service.ca_file), Voicing("Puck")
        ) as model:
            session = model.session()
            await session.update_chat_ctx(context())
            assert await service.until(lambda: bool(service.of("client_content")))
            await session.aclose()
    [setup], [content] = service.of("setup"), service.of("client_content")
    assert "historyConfig" not in setup
    assert (turns_of(content), content["turnComplete"]) == (TOLD, False)


async def test_a_result_of_an_earlier_call_is_told_in_words(tmp_path: Path) -> None:
    """The service knows no call with its id."""
    booked = llm.FunctionCallOutput(call_id="1", name="book", output="3pm is booked", is_error=False)
    async with wire(tmp_path, lambda _: []) as service:
        endpoint = Endpoint("gemini-3.8-live", ApiKey("key"), base_url=service.url, ca_file=service.ca_file)
        async with EarshotModel(endpoint, Voicing("Puck")) as model:
            session = model.session()
            await session.update_chat_ctx(llm.ChatContext([*context().items, booked]))
            assert await service.until(lambda: bool(service.of("client_content")))
            await session.aclose()
    [content] = service.of("client_content")
    assert turns_of(content)[:2] == TOLD
    assert "book returned: 3pm is booked" in turns_of(content)[2][1]
    assert service.tool_responses == []


def test_a_model_that_translates_is_told_nothing() -> None:
    history = InitialHistory(capabilities_of("gemini-3.5-live-translate-preview"))
    history.add([], LINES)
    assert history.lines == ()
    assert history.asked_for({}, None) == {}
    assert history.opened(resumes=False) is None


async def test_a_setup_that_resumes_announces_nothing(remembering: tuple[Emulator, str], tmp_path: Path) -> None:
    """The session that was resumed would wait for a history that never comes; one that isn't there is told the history."""
    state, url = remembering
    endpoint = Endpoint("gemini-3.8-live", ApiKey("key"), base_url=url, ca_file=tmp_path / "ca.pem")
    async with EarshotModel(endpoint, Voicing("Puck")) as model:
        model.resume("of-a-session-that-is-gone")
        session = model.session()
        await session.update_chat_ctx(context())
        assert await model.connected()
        await until(lambda: bool(received(state, "client_content")))
        await session.aclose()
    handles = [(setup["sessionResumption"].get("handle"), "historyConfig" in setup) for setup in received(state, "setup")]
    assert handles == [("of-a-session-that-is-gone", False), (None, True)]
