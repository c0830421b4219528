"""A call goes on with another model object: on the emulator over wss, from the last snapshot and the ring of sound."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession, llm

from agent.gemini import ApiKey, EarshotModel, Endpoint, Kind, Snapshot, SoundRing, Voicing
from emulator.auto.rules import Auto
from emulator.journal import Journal
from emulator.server import serving
from emulator.shared import Emulator
from emulator.tls import server_context
from tests.agent.gemini.listening import Told
from tests.agent.loudspeaker import Loudspeaker
from tests.e2e.stack import until


class SnapshotKeeper(Told):
    """Keeps the newest snapshot, as a call's process does."""

    def __init__(self) -> None:
        super().__init__()
        self.model: EarshotModel | None = None
        self.newest = ""
        self.count = 0

    def on_snapshot_due(self) -> None:
        assert self.model is not None
        self.newest, self.count = self.model.snapshot().to_json(), self.count + 1


@asynccontextmanager
async def remembering(folder: Path) -> AsyncIterator[tuple[Emulator, Endpoint]]:
    """An emulator whose model remembers what it is told, and the way to it."""
    with Journal(None) as journal:
        state = Emulator(Auto(), journal)
        async with serving(state, host="127.0.0.1", port=0, tls=server_context(folder / "ca.pem")) as port:
            url = f"https://127.0.0.1:{port}"
            yield state, Endpoint("gemini-3.8-live", ApiKey("key"), base_url=url, ca_file=folder / "ca.pem")


@asynccontextmanager
async def talking(model: EarshotModel, history: llm.ChatContext) -> AsyncIterator[AgentSession[None]]:
    session: AgentSession[None] = AgentSession(llm=model, vad=None, user_away_timeout=None)
    session.output.audio = Loudspeaker()
    await session.start(Agent(instructions="Be brief.", chat_ctx=history), session_host=False)
    try:
        yield session
    finally:
        await session.aclose()


def received(state: Emulator, field: str) -> list[Any]:
    """The contents of this field in what the emulator was sent."""
    lines = [line["message"] for line in state.journal.recent() if line["direction"] == "received"]
    return [message[field] for message in lines if field in message]


def words(state: Emulator) -> str:
    """The model's words, as the emulator has sent them."""
    contents = [line["message"].get("serverContent") or {} for line in state.journal.recent()]
    return " ".join(content["outputTranscription"]["text"] for content in contents if content.get("outputTranscription"))


@pytest.mark.parametrize("knows_handle", [True, False])
async def test_an_answer_and_the_memory_go_on(tmp_path: Path, *, knows_handle: bool) -> None:
    """With the handle the session is resumed; another model can't use it, and is told what was said."""
    kept = SnapshotKeeper()
    async with remembering(tmp_path) as (state, endpoint):
        with SoundRing(tmp_path / "ring") as ring:
            async with EarshotModel(endpoint, Voicing("Puck"), listener=kept) as model:
                kept.model = model
                model.record_state(ring)
                async with talking(model, llm.ChatContext.empty()) as session:
                    session.generate_reply(user_input="My number is 42. Tell me a long story.")
                    await until(lambda: len(Snapshot.from_json(kept.newest or _nothing()).link.exchange.heard.split()) > 3)
                    killed, sound = Snapshot.from_json(kept.newest), SoundRing.unheard(ring.path)
        if not knows_handle:
            killed = Snapshot("another model", killed.link, killed.lines)
        told = Told()
        async with EarshotModel(endpoint, Voicing("Puck"), listener=told) as model:
            model.begin_from(killed, sound)
            earlier = llm.ChatContext.empty()
            for line in killed.lines:
                earlier.add_message(role="user" if line.by_caller else "assistant", content=line.text)
            async with talking(model, earlier) as session:
                await until(lambda: any("cut off" in str(content) for content in received(state, "client_content")))
                await session.interrupt()
                session.generate_reply(user_input="What is my number?")
                await until(lambda: "is 42" in words(state), within_s=20)
    handles = [setup["sessionResumption"].get("handle") for setup in received(state, "setup")]
    assert [handle is not None for handle in handles] == [False, knows_handle]
    assert "My number is 42. Tell me a long story." in [line.text for line in killed.lines]
    assert killed.lines[-1].text == killed.link.exchange.heard.strip(), "what was heard of the answer is a line"
    assert [event.cause.value for event in told.events if event.kind is Kind.CONNECTED] == ["process"]
    assert kept.count < 30, "some in a second, not one for each message"


def _nothing() -> str:
    return Snapshot("none").to_json()
