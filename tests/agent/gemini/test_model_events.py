"""Sources, code and tokens that the emulator sends reach the model's listener, and neither captions nor history."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import llm
from livekit.plugins.google.tools import GoogleSearch

from agent.gemini import (
    Code,
    CodeResult,
    ContextTokens,
    EarshotModel,
    EarshotSession,
    Endpoint,
    Source,
    Sources,
    Thought,
    TurnCompleteReason,
    Voicing,
)
from agent.gemini.events import Line
from emulator.answers import Rule, WebPage
from emulator.journal import Journal
from emulator.script import Script
from emulator.server import serving
from emulator.shared import Emulator
from emulator.tls import server_context
from tests.agent.gemini.listening import Told
from tests.e2e.stack import until

GEMINI_2_5 = "gemini-2.5-flash-native-audio-preview-12-2025"
GEMINI_3_8 = "gemini-3.8-live"
SAYS = "It is sunny in Rome."
ANSWER = Rule(
    SAYS,
    thinks="**Weather**\n\nI will look it up.",
    searches="weather in Rome",
    pages=(WebPage("https://weather.example/rome", "<b>Rome</b>"), WebPage("javascript:alert(1)", "Click me")),
    complete_reason="GENERATED_CONTENT_SAFETY",
    plays=bytes(24_000),
)


@asynccontextmanager
async def answering(folder: Path, model: str, *tools: llm.Tool) -> AsyncIterator[tuple[EarshotSession, Told]]:
    """A session with these tools on an emulator in this process, which answers everything with `ANSWER`."""
    told, tls = Told(), server_context(folder / "ca.pem")
    with Journal(None) as journal:
        emulator = Emulator(Script(otherwise=ANSWER, think_ms=0), journal)
        async with serving(emulator, host="127.0.0.1", port=0, tls=tls) as port:
            endpoint = Endpoint(model, "key", base_url=f"https://127.0.0.1:{port}", ca_file=folder / "ca.pem")
            async with EarshotModel(endpoint, Voicing("Puck"), listener=told) as earshot:
                session = earshot.session()
                await session.update_tools(list(tools))
                yield session, told
                await session.aclose()


async def captions(session: EarshotSession) -> str:
    """Ask for an answer, and return its words when it is over."""
    async with asyncio.timeout(10):
        generation = await session.generate_reply(instructions="How is the weather?")
        return "".join([piece async for message in generation.message_stream async for piece in message.text_stream])


def of(told: Told, *kinds: type[Any]) -> list[Any]:
    return [event for event in told.model_events if isinstance(event, kinds)]


@pytest.mark.parametrize("model", [GEMINI_3_8, GEMINI_2_5])
async def test_a_search_is_told_with_its_sources_and_spoken_without(tmp_path: Path, model: str) -> None:
    """Captions and history have the words of the answer alone; an address that is no web page's is left out."""
    async with answering(tmp_path, model, GoogleSearch()) as (session, told):
        assert (await captions(session)).split() == SAYS.split()
        await until(lambda: bool(of(told, Sources)))
        history = session.history()
    [sources] = of(told, Sources)
    assert sources.sources == (Source("https://weather.example/rome", "<b>Rome</b>"),)
    assert sources.queries == ("weather in Rome",)
    assert sources.supports[0].sources == (0,)
    assert [line for line in history if not line.by_caller] == [Line(by_caller=False, text=SAYS)]
    assert [type(event) for event in of(told, Code, CodeResult)] == ([Code, CodeResult] if model == GEMINI_2_5 else [])


async def test_thoughts_that_the_setup_did_not_ask_for_are_not_told(tmp_path: Path) -> None:
    """2.5 native audio sends thoughts all the same (docs/facts.md G73)."""
    async with answering(tmp_path, GEMINI_2_5) as (session, told):
        await captions(session)
        await until(lambda: bool(of(told, ContextTokens)))
    assert of(told, Thought, Sources, Code) == []


async def test_the_reason_of_a_turn_and_the_growth_of_the_context_are_told(tmp_path: Path) -> None:
    async with answering(tmp_path, GEMINI_3_8) as (session, told):
        await captions(session)
        await until(lambda: len(of(told, ContextTokens)) == 1)
        await captions(session)
        await until(lambda: len(of(told, ContextTokens)) == 2)
    assert of(told, TurnCompleteReason) == [TurnCompleteReason("GENERATED_CONTENT_SAFETY")] * 2
    first, second = of(told, ContextTokens)
    assert first.before_tokens is None
    assert second.before_tokens == first.after_tokens < second.after_tokens
