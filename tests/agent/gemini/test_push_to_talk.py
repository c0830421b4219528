"""Push-to-talk through the session to the emulator, in one process: what the button marks is answered, and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession, function_tool, llm

from agent.gemini import ApiKey, EarshotModel, EarshotSession, Endpoint, FixedToken, Vertex, Voicing
from emulator.faults.catalogue import fault_from_text
from emulator.profiles import PROFILES
from emulator.script import Script
from tests.agent.loudspeaker import RATE_HZ, Loudspeaker
from tests.e2e.stack import until
from tests.emulator.conftest import LONG, QUICK, SHORT, Running
from tests.emulator.talk import LOUD

_FRAME = 640
"""The bytes of 20 ms."""


class Heard:
    """The emulator's journal, as far as the marks of activities matter, and the words of each of its answers."""

    def __init__(self, emulator: Running) -> None:
        self._journal = emulator[0].journal

    def _messages(self, direction: str) -> list[dict[str, Any]]:
        return [line["message"] for line in self._journal.recent() if line["direction"] == direction]

    @property
    def marks(self) -> list[str]:
        """`sound` and the marks in the order in which they came, sound that follows sound left out."""
        keys = {"audio": "sound", "activityStart": "start", "activityEnd": "end", "audioStreamEnd": "stream end"}
        found: list[str] = []
        for message in self._messages("received"):
            word = next((word for key, word in keys.items() if key in message.get("realtime_input", {})), None)
            if word is not None and found[-1:] != [word]:
                found.append(word)
        return found

    @property
    def asked(self) -> int:
        """The number of turns in text that wanted an answer."""
        contents = [message.get("client_content", {}) for message in self._messages("received")]
        return sum(bool(content.get("turnComplete") or content.get("turn_complete")) for content in contents)

    def sent(self, field: str) -> list[Any]:
        """The contents of this field in what the emulator has sent."""
        contents = [message | message.get("serverContent", {}) for message in self._messages("sent")]
        return [content[field] for content in contents if field in content]

    @property
    def words(self) -> str:
        return "".join(said.get("text", "") for said in self.sent("outputTranscription"))


@pytest.fixture
def heard(emulator: Running) -> Heard:
    emulator[0].fallback = QUICK
    return Heard(emulator)


@asynccontextmanager
async def connected(emulator: Running, folder: Path, **live: Any) -> AsyncIterator[EarshotModel]:
    """A model with push-to-talk and these settings of a `[live]` table."""
    endpoint = Endpoint("quick", ApiKey("key"), base_url=emulator[1], ca_file=folder / "ca.pem")
    async with EarshotModel(endpoint, Voicing("Puck", live=live, push_to_talk=True)) as model:
        yield model


@asynccontextmanager
async def session(emulator: Running, folder: Path) -> AsyncIterator[EarshotSession]:
    async with connected(emulator, folder) as model:
        session = model.session()
        assert await model.connected()
        yield session
        await session.aclose()


def speak(session: EarshotSession, pcm: bytes = LOUD) -> None:
    """Push that sound at once, 20 ms by 20 ms."""
    for at in range(0, len(pcm), _FRAME):
        session.push_audio(rtc.AudioFrame(pcm[at : at + _FRAME], 16000, 1, _FRAME // 2))


async def test_what_is_said_while_the_button_is_held_is_answered(emulator: Running, heard: Heard, tmp_path: Path) -> None:
    async with session(emulator, tmp_path) as one:
        for turn in (1, 2):
            one.start_activity()
            speak(one)
            one.end_activity()
            await until(lambda turn=turn: len(heard.sent("turnComplete")) == turn)  # type: ignore[misc]
    assert heard.marks == ["start", "sound", "end"] * 2
    assert [activity["type"] for activity in heard.sent("voiceActivity")] == ["ACTIVITY_START", "ACTIVITY_END"] * 2
    assert SHORT in heard.words


async def test_what_is_said_without_the_button_is_not_sent(emulator: Running, heard: Heard, tmp_path: Path) -> None:
    """And a press without sound isn't either, since the service closes on it."""
    async with session(emulator, tmp_path) as one:
        speak(one)
        one.end_activity()
        one.start_activity()
        one.end_activity()
        one.generate_reply(instructions="Say something.")
        await until(lambda: bool(heard.sent("turnComplete")))
    assert heard.marks == []
    assert heard.sent("inputTranscription") == []


async def test_a_connection_that_breaks_within_an_activity_costs_no_word(
    emulator: Running, heard: Heard, tmp_path: Path
) -> None:
    """The next one gets all of it: the transcript says for how long the caller spoke."""
    emulator[0].answers = Script()
    emulator[0].faults.add(fault_from_text("abrupt_1006:at=speech"))
    async with session(emulator, tmp_path) as one:
        one.start_activity()
        speak(one)
        await until(lambda: len(heard.sent("setupComplete")) == 2)
        speak(one)
        one.end_activity()
        await until(lambda: bool(heard.sent("turnComplete")))
    assert heard.marks == ["start", "sound"] * 2 + ["end"]
    assert [said["text"] for said in heard.sent("inputTranscription")] == ["[2.0 seconds of speech]"]


async def test_pressing_stops_the_answer_that_plays(emulator: Running, heard: Heard, tmp_path: Path) -> None:
    """What was not heard of it is no part of the history."""
    loudspeaker = Loudspeaker()
    async with connected(emulator, tmp_path) as model:
        talking: AgentSession[None] = AgentSession(
            llm=model, vad=None, user_away_timeout=None, turn_handling={"turn_detection": "realtime_llm"}
        )
        talking.output.audio = loudspeaker
        agent = Agent(instructions="Be brief.")
        await talking.start(agent, session_host=False)
        talking.generate_reply(user_input="A long answer, please.")
        await loudspeaker.until(began=1)
        model.start_activity()
        await loudspeaker.until(ended=1)
        one = agent.realtime_llm_session
        assert isinstance(one, EarshotSession)
        speak(one)
        model.end_activity()
        await until(lambda: bool(heard.sent("interrupted")))
        await loudspeaker.until(began=2)
        said = [item for item in talking.history.items if isinstance(item, llm.ChatMessage) and item.role == "assistant"]
        await talking.aclose()
    assert len(loudspeaker.heard[0]) < 2.5 * RATE_HZ, "the answer would go on for longer"
    assert said[0].interrupted
    assert len(said[0].text_content or "") < len(LONG)


@asynccontextmanager
async def manual(emulator: Running, folder: Path, loudspeaker: Loudspeaker) -> AsyncIterator[tuple[AgentSession[None], Agent]]:
    """LiveKit's session with `turn_detection="manual"`, on a model without push-to-talk."""
    endpoint = Endpoint("quick", ApiKey("key"), base_url=emulator[1], ca_file=folder / "ca.pem")
    detection = {"realtime_input_config": {"automatic_activity_detection": {"prefix_padding_ms": 20}}}
    async with EarshotModel(endpoint, Voicing("Puck", live=detection)) as model:
        talking: AgentSession[None] = AgentSession(
            llm=model, vad=None, user_away_timeout=None, turn_handling={"turn_detection": "manual"}
        )
        talking.output.audio = loudspeaker
        agent = Agent(instructions="Be brief.")
        await talking.start(agent, session_host=False)
        yield talking, agent
        await talking.aclose()


def rt_session(agent: Agent) -> EarshotSession:
    found = agent.realtime_llm_session
    assert isinstance(found, EarshotSession)
    return found


async def test_livekits_manual_turns_are_marked(emulator: Running, heard: Heard, tmp_path: Path) -> None:
    """`clear_user_turn` begins one, `commit_user_turn` ends it: it is answered once, though LiveKit asks for a reply too."""
    loudspeaker = Loudspeaker()
    async with manual(emulator, tmp_path, loudspeaker) as (talking, agent):
        for turn in (1, 2):
            speak(rt_session(agent))
            talking.clear_user_turn()
            speak(rt_session(agent))
            talking.commit_user_turn()
            await loudspeaker.until(ended=turn)
    assert heard.marks == ["start", "sound", "end"] * 2
    assert len(heard.sent("generationComplete")) == 2
    assert heard.asked == 0


async def test_a_line_typed_after_a_turn_that_wants_no_reply_is_answered(
    emulator: Running, heard: Heard, tmp_path: Path
) -> None:
    """`skip_reply` of the turn before can't be kept, and is nothing that the next reply is taken for."""
    loudspeaker = Loudspeaker()
    async with manual(emulator, tmp_path, loudspeaker) as (talking, agent):
        talking.clear_user_turn()
        speak(rt_session(agent))
        talking.commit_user_turn(skip_reply=True)
        talking.generate_reply(user_input="A long answer, please.")
        await until(lambda: LONG in heard.words)
    assert heard.asked == 1


async def test_a_manual_turn_without_sound_is_no_activity(
    emulator: Running, heard: Heard, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """LiveKit asks the model for a reply all the same, and the log says what is missing, once."""
    loudspeaker = Loudspeaker()
    async with manual(emulator, tmp_path, loudspeaker) as (talking, agent):
        speak(rt_session(agent))
        for turn in (1, 2):
            talking.commit_user_turn()
            await loudspeaker.until(ended=turn)
    assert heard.marks == []
    assert heard.asked == 2
    assert caplog.text.count("call clear_user_turn when the caller begins to speak") == 1


async def test_a_change_of_agents_ends_no_activity(emulator: Running, heard: Heard, tmp_path: Path) -> None:
    """LiveKit clears the sound at each: with a button, what the caller is saying goes on."""
    async with session(emulator, tmp_path) as one:
        one.start_activity()
        speak(one)
        one.clear_audio()
        speak(one)
        one.commit_audio()
        await until(lambda: bool(heard.sent("turnComplete")))
    assert heard.marks == ["start", "sound", "end"]
    assert heard.sent("inputTranscription") == [{"text": "What time is it?"}]


class Clock(Agent):
    """Knows what time it is."""

    def __init__(self) -> None:
        super().__init__(instructions="Use your tools.")

    @function_tool
    async def clock(self, place: str) -> str:
        """Tell the time."""
        return f"noon in {place}"


@pytest.mark.parametrize("name", [name for name, profile in PROFILES.items() if not profile.translation.translates])
async def test_every_model_answers_the_button_functions_and_texts(
    emulator: Running, heard: Heard, tmp_path: Path, name: str
) -> None:
    profile = PROFILES[name]
    access = Vertex("project", "us-central1", FixedToken("token")) if profile.vertex else ApiKey("key")
    endpoint = Endpoint(profile.model, access, base_url=emulator[1], ca_file=tmp_path / "ca.pem")
    async with EarshotModel(endpoint, Voicing("Puck", push_to_talk=True)) as model:
        talking: AgentSession[None] = AgentSession(
            llm=model, vad=None, user_away_timeout=None, turn_handling={"turn_detection": "realtime_llm"}
        )
        agent = Clock()
        await talking.start(agent, session_host=False)
        assert await model.connected()
        model.start_activity()
        speak(rt_session(agent), LOUD)
        model.end_activity()
        await until(lambda: "It is noon in Tokyo." in heard.words)
        await talking.generate_reply(user_input="Speak.")
        await until(lambda: SHORT in heard.words)
        await talking.aclose()
    assert heard.marks == ["start", "sound", "end"]
    assert len(heard.sent("setupComplete")) == 1, "nothing of it has cost the connection"
