"""The worker's own setup, with all its tools, is taken by all models that answer, and what is typed is answered."""

import asyncio
import dataclasses
from pathlib import Path

import pytest
from livekit.agents import Agent, AgentSession

from agent.gemini import Access, ApiKey, EarshotModel, Endpoint, FixedToken, Vertex, Voicing
from emulator.answers import Rule, Situation
from emulator.auto import Auto
from emulator.profiles import PROFILES
from tests.agent.test_assistant import assistant
from tests.emulator.conftest import Running

pytestmark = pytest.mark.timeout(60)

WAYS: dict[str, Access] = {
    name: Vertex("project", "us-central1", FixedToken()) if profile.vertex else ApiKey("key")
    for name, profile in PROFILES.items()
}
"""Each model, and a way in to it."""


class Brief(Auto):
    """Decides as `Auto` does, and says one word, since its answers are spoken in real time."""

    def answer(self, situation: Situation) -> Rule:
        return dataclasses.replace(super().answer(situation), says="Yes.")


@pytest.mark.parametrize("name", [name for name in WAYS if not PROFILES[name].translation.translates])
async def test_the_workers_setup_is_taken(emulator: Running, tmp_path: Path, name: str) -> None:
    state, url, _ = emulator
    state.answers = Brief()
    worker = assistant()
    endpoint = Endpoint(PROFILES[name].model, WAYS[name], base_url=url, ca_file=tmp_path / "ca.pem")
    async with EarshotModel(endpoint, Voicing("Puck", "de-DE", 0.7, silence_ms=300)) as llm:
        session: AgentSession[None] = AgentSession(llm=llm, vad=None, user_away_timeout=None)
        await session.start(Agent(instructions=worker.instructions, tools=worker.tools), session_host=False)
        try:
            async with asyncio.timeout(40):
                answer = await session.generate_reply(user_input="Please go on.")
        finally:
            await session.aclose()
    assert [item.text_content for item in answer.chat_items if item.type == "message"]


@pytest.mark.parametrize("name", [name for name in WAYS if PROFILES[name].translation.translates])
async def test_the_setup_of_an_interpreter_is_taken(emulator: Running, tmp_path: Path, name: str) -> None:
    endpoint = Endpoint(PROFILES[name].model, WAYS[name], base_url=emulator[1], ca_file=tmp_path / "ca.pem")
    async with EarshotModel(endpoint, Voicing("Puck", live={"translation_config": {"target_language_code": "pl"}})) as llm:
        session: AgentSession[None] = AgentSession(llm=llm, vad=None, user_away_timeout=None)
        await session.start(Agent(instructions=""), session_host=False)
        async with asyncio.timeout(40):
            assert await llm.connected()
        await session.aclose()
