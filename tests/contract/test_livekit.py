"""livekit-plugins-google, unmodified, in a session without a room: two typed turns, a tool round and a spoken turn."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from google.genai import types
from livekit import rtc
from livekit.agents import Agent, AgentSession, ConversationItemAddedEvent, function_tool
from livekit.agents.voice.io import AudioInput, AudioOutput, AudioOutputCapabilities
from livekit.plugins.google.realtime import RealtimeModel

from agent.gemini import tls_context
from tests.contract.stack import RATE_HZ, Turn, auto, check, question
from tests.e2e.stack import Gemini

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]  # a conversation takes its time, on a busy machine much of it

FRAME_S = 0.02
TURN_S = 40.0


class House(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="Answer in short sentences.")
        self.calls: list[str] = []

    @function_tool
    async def turn_on_the_lights(self) -> str:
        """Turn the lights on."""
        self.calls.append("turn_on_the_lights")
        return "The lamp is violet now."


class Microphone(AudioInput):
    """Quiet in real time, and what is put into it."""

    def __init__(self) -> None:
        super().__init__(label="microphone")
        self._sound = b""
        self._due = time.monotonic()

    def say(self, pcm: bytes) -> None:
        self._sound += pcm

    async def __anext__(self) -> rtc.AudioFrame:
        self._due += FRAME_S
        await asyncio.sleep(max(self._due - time.monotonic(), 0))
        samples = int(FRAME_S * RATE_HZ)
        piece, self._sound = self._sound[: 2 * samples], self._sound[2 * samples :]
        return rtc.AudioFrame(piece.ljust(2 * samples, b"\0"), RATE_HZ, 1, samples)


class Loudspeaker(AudioOutput):
    """Takes sound as fast as it comes and has at once played it."""

    def __init__(self) -> None:
        super().__init__(label="loudspeaker", capabilities=AudioOutputCapabilities(pause=False), sample_rate=24000)
        self.played_bytes = 0
        self._pending_s = 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self.played_bytes += len(frame.data.cast("B"))
        self._pending_s += frame.duration

    def flush(self) -> None:
        super().flush()
        if self._pending_s:
            self.on_playback_finished(playback_position=self._pending_s, interrupted=False)
        self._pending_s = 0.0

    def clear_buffer(self) -> None:
        self._pending_s = 0.0


class Line:
    """A session with ears and a mouth."""

    def __init__(self, session: AgentSession[None], house: House) -> None:
        self.session = session
        self.microphone, self.loudspeaker = Microphone(), Loudspeaker()
        self._house = house
        self._answers: asyncio.Queue[str] = asyncio.Queue(maxsize=100)
        session.input.audio, session.output.audio = self.microphone, self.loudspeaker
        session.on("conversation_item_added", self._take)

    async def answer(self, name: str) -> Turn:
        """The next thing the agent says aloud, with what it called for it."""
        before_bytes, self._house.calls = self.loudspeaker.played_bytes, []
        async with asyncio.timeout(TURN_S):
            transcript = await self._answers.get()
        return Turn(name, self.loudspeaker.played_bytes - before_bytes, transcript, tuple(self._house.calls))

    def _take(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if item.type == "message" and item.role == "assistant" and item.text_content:
            self._answers.put_nowait(item.text_content)


@asynccontextmanager
async def talking(model: Gemini) -> AsyncIterator[Line]:
    tls = tls_context(model.ca_file)
    options = types.HttpOptions(
        base_url=model.url, api_version="v1beta", async_client_args={"ssl": tls, "verify": tls}, client_args={"verify": tls}
    )
    house = House()
    llm = RealtimeModel(model="gemini-3.8-live", api_key="any", http_options=options)
    session: AgentSession[None] = AgentSession(llm=llm, vad=None, user_away_timeout=None)
    line = Line(session, house)
    await session.start(house, session_host=False)
    try:
        yield line
    finally:
        await session.aclose()


async def test_livekits_plugin_holds_a_conversation(tmp_path: Path) -> None:
    turns = []
    async with auto(tmp_path) as model, talking(model) as line:
        line.session.generate_reply(user_input="Remember the number 42. Just acknowledge it.")
        turns.append(await line.answer("told"))
        line.session.generate_reply(user_input="What number did I ask you to remember?")
        turns.append(await line.answer("asked"))
        line.session.generate_reply(user_input="Please turn on the lights.")
        turns.append(await line.answer("typed"))
        line.microphone.say(question())
        turns.append(await line.answer("spoken"))
        check(turns, model)
