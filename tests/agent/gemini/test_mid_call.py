"""What changes in mid-call, on the emulator over wss: agents hand over, answers are stopped, replies are asked for in tools."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession, function_tool
from livekit.agents.voice import SpeechHandle

from agent.gemini import ApiKey, EarshotModel, Endpoint, Voicing
from agent.gemini.events import Cause, Kind
from agent.tools import tool_options
from agent.voice import VoiceAgent
from emulator.answers import Call, Rule
from emulator.journal import Journal
from emulator.script import Script
from emulator.server import serving
from emulator.shared import Emulator
from emulator.tls import server_context
from tests.agent.gemini.listening import Told
from tests.agent.loudspeaker import Loudspeaker
from tests.e2e.stack import until

GEMINI_3_8, GEMINI_2_5 = "gemini-3.8-live", "gemini-2.5-flash-native-audio-preview-12-2025"
GEMINI_3_1 = "gemini-3.1-flash-live-preview"
STORY = "Once upon a time there was a lighthouse, with a keeper, a cat and a boat, far out in the cold grey sea."


def typed(matches: str, says: str, *calls: str, meanwhile: str = "") -> Rule:
    return Rule(says, matches=re.compile(matches), calls=tuple(map(Call, calls)), meanwhile=meanwhile)


RULES = (
    # 2.5 is asked by a placeholder, which comes right after what it may not remember of the call
    typed("ask for the number|may not remember", "What is your number?"),
    typed("a bill", "It is done.", "transfer", meanwhile="I will put you through."),
    typed("a story", STORY),
    typed("two things", "Both are said.", "say_two_things"),
    typed("say one", "Here is one."),
    typed("say two", "Here are two."),
)


class Billing(VoiceAgent):
    """Takes over from the reception, with a voice of its own, and speaks first."""

    def __init__(self) -> None:
        super().__init__(instructions="You do the bills.", voice="kore")

    async def on_enter(self) -> None:
        await super().on_enter()
        self.session.generate_reply(instructions="ask for the number")

    @function_tool
    async def pay(self) -> str:
        """Pay the bill."""
        return "paid"


class Reception(VoiceAgent):
    def __init__(self) -> None:
        super().__init__(instructions="You are the reception.")
        self.speeches: list[SpeechHandle] = []

    @function_tool
    async def transfer(self) -> Agent:
        """Put the caller through to the bills."""
        return Billing()

    @function_tool
    @tool_options(behavior="non_blocking", scheduling="silent")
    async def say_two_things(self) -> None:
        """Say two things."""
        self.speeches = [self.session.generate_reply(instructions=f"say {number}") for number in ("one", "two")]


@dataclass
class Talk:
    """A session with the reception, and what went over the wire."""

    model: EarshotModel
    session: AgentSession[None]
    agent: Reception
    told: Told
    loudspeaker: Loudspeaker
    journal: Journal
    said: list[str] = field(default_factory=list)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [line["message"] for line in self.journal.recent()]

    def sent(self, name: str) -> list[Any]:
        """What the worker sent under this name, in order."""
        return [message[name] for message in self.messages if name in message]

    @property
    def order(self) -> list[str]:
        """What the worker sent, by name, without sound; a text by its words."""
        found = []
        for message in self.messages:
            name = next(iter(message), "")
            if name == "client_content":
                found.append(str(message[name]))
            elif name in {"setup", "contextUpdate", "tool_response"}:
                found.append(name)
        return found

    @property
    def words(self) -> str:
        """The model's words, as the service has sent them."""
        contents = [message.get("serverContent") or {} for message in self.messages]
        return " ".join(content["outputTranscription"]["text"] for content in contents if content.get("outputTranscription"))

    @property
    def history(self) -> list[tuple[str, bool]]:
        """The agents' lines, each with whether it was interrupted."""
        items = self.session.history.items
        return [
            (item.text_content or "", item.interrupted) for item in items if item.type == "message" and item.role == "assistant"
        ]


@asynccontextmanager
async def talking(
    folder: Path, model: str, agent: Reception | None = None, *, client_methods: frozenset[str] | None = None
) -> AsyncIterator[Talk]:
    """A call of that agent's. `client_methods`: what the caller's client offers when it begins; None: it isn't known."""
    agent = agent or Reception()
    tls, told, loudspeaker = server_context(folder / "ca.pem"), Told(), Loudspeaker()
    with Journal(None) as journal:
        emulator = Emulator(Script(typed=RULES, otherwise=Rule("Well."), think_ms=200), journal)
        async with serving(emulator, host="127.0.0.1", port=0, tls=tls) as port:
            endpoint = Endpoint(model, ApiKey("key"), base_url=f"https://127.0.0.1:{port}", ca_file=folder / "ca.pem")
            async with EarshotModel(endpoint, Voicing("Puck"), listener=told) as earshot:
                session: AgentSession[None] = AgentSession(llm=earshot, vad=None, user_away_timeout=None)
                session.output.audio = loudspeaker
                if client_methods is not None:
                    earshot.client_offers(client_methods)
                await session.start(agent, session_host=False)
                try:
                    yield Talk(earshot, session, agent, told, loudspeaker, journal)
                finally:
                    await session.aclose()


def setup_of(talk: Talk, number: int = -1) -> tuple[str, str, list[str]]:
    """Instructions, voice and the names of the functions of a setup."""
    setup = talk.sent("setup")[number]
    voice = setup["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"]
    return setup["systemInstruction"]["parts"][0]["text"], voice, names(setup["tools"])


def names(tools: list[Any]) -> list[str]:
    return sorted(each["name"] for tool in tools for each in tool["functionDeclarations"])


@pytest.mark.parametrize("model", [GEMINI_3_8, GEMINI_3_1, GEMINI_2_5])
async def test_an_agent_hands_over_to_another_with_its_own_voice_and_tools(tmp_path: Path, model: str) -> None:
    """No word is lost or cut, nobody notices the change, and the first words of the new agent are in its own voice."""
    async with talking(tmp_path, model) as talk:
        talk.session.generate_reply(user_input="I want to pay a bill.")
        await until(lambda: "What is your number?" in str(talk.history), within_s=15)
        history, order = talk.history, talk.order
        assert isinstance(talk.session.current_agent, Billing)
    assert ("What is your number?", False) in history
    assert [cut for _, cut in history if cut] == [], "nothing was interrupted"
    if model == GEMINI_3_8:
        assert ("I will put you through.", False) in history
    assert setup_of(talk) == ("You do the bills.", "Kore", ["pay"])
    greeting = next(at for at, sent in enumerate(order) if "ask for the number" in sent)
    assert [at for at, sent in enumerate(order) if sent == "setup"][-1] < greeting, "it is asked for by the new settings"
    assert model != GEMINI_3_8 or sum("a bill" in sent for sent in order) == 1
    kinds = [event.kind for event in talk.told.events]
    assert kinds.count(Kind.CONNECTED) == 1
    assert set(kinds) <= {Kind.CONNECTED, Kind.HANDED_OVER}
    assert {event.cause for event in talk.told.events if event.kind is Kind.HANDED_OVER} == {Cause.SETTINGS}


async def test_instructions_and_tools_are_updated_on_the_open_connection(tmp_path: Path) -> None:
    async with talking(tmp_path, GEMINI_3_8) as talk:
        await until(lambda: bool(talk.sent("setup")))
        await until(lambda: any("setupComplete" in message for message in talk.messages))
        await talk.agent.update_instructions("Be kind.")
        await talk.agent.update_tools([])
        await until(lambda: bool(talk.sent("contextUpdate")))
        talk.session.generate_reply(user_input="Tell me a story.")
        await until(lambda: "lighthouse" in talk.words)
        await talk.agent.update_instructions("Be kind.")
        updates, setups = talk.sent("contextUpdate"), talk.sent("setup")
    assert updates == [{"systemInstruction": {"parts": [{"text": "Be kind."}]}, "tools": {"tools": []}}]
    assert len(setups) == 1


async def test_the_application_stops_the_model_and_not_only_what_plays(tmp_path: Path) -> None:
    async with talking(tmp_path, GEMINI_3_8) as talk:
        talk.session.generate_reply(user_input="Tell me a story.")
        await until(lambda: bool(talk.loudspeaker.began_at))
        await talk.session.interrupt()
        await until(lambda: any((message.get("serverContent") or {}).get("interrupted") for message in talk.messages))
        talk.session.generate_reply(instructions="say one")
        await until(lambda: ("Here is one.", False) in talk.history)
        history, words = talk.history, talk.words
    assert "far out in the cold grey sea" not in words, "the service has not said it to its end"
    [(story, cut), _] = history
    assert cut
    assert STORY.startswith(story[:10])


async def test_replies_that_a_tool_asks_for_come_in_their_order(tmp_path: Path) -> None:
    async with talking(tmp_path, GEMINI_3_8) as talk:
        talk.session.generate_reply(user_input="Tell me two things.")
        await until(lambda: ("Here are two.", False) in talk.history, within_s=15)
        history = [line for line, _ in talk.history]
        assert all(speech.done() and not speech.interrupted for speech in talk.agent.speeches)
    assert history.index("Here is one.") < history.index("Here are two.")
    assert history.count("Here is one.") == history.count("Here are two.") == 1


async def test_a_note_for_the_model_is_not_answered(tmp_path: Path) -> None:
    async with talking(tmp_path, GEMINI_3_8) as talk:
        await until(lambda: any("setupComplete" in message for message in talk.messages))
        talk.agent.add_context("The caller's parcel has arrived.")
        await until(lambda: "parcel" in str(talk.sent("client_content")))
        [note] = talk.sent("client_content")
        talk.session.generate_reply(instructions="say one")
        await until(lambda: ("Here is one.", False) in talk.history)
        history = talk.history
    assert not note["turnComplete"]
    assert history == [("Here is one.", False)]


@pytest.mark.parametrize("model", [GEMINI_3_8, GEMINI_3_1, GEMINI_2_5])
async def test_the_model_is_told_what_was_heard_of_an_answer_that_was_stopped(tmp_path: Path, model: str) -> None:
    async with talking(tmp_path, model) as talk:
        talk.session.generate_reply(user_input="Tell me a story.")
        await until(lambda: bool(talk.loudspeaker.began_at))
        await talk.session.interrupt()
        await until(lambda: "was stopped" in str(talk.sent("client_content")))
        talk.session.generate_reply(user_input="Please say one thing.")
        await until(lambda: ("Here is one.", False) in talk.history, within_s=15)
        history = talk.history
    [(story, cut), _] = history
    assert cut
    assert STORY.startswith(story[:10])
