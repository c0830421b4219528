"""The worker's own voice: its files say their sentences, and in a session it is heard without being in anybody's way."""

import asyncio
import functools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import llm

from agent.assistant import agent_of
from agent.call.conversation import Conversation, spoken_history
from agent.call.ending_events import CallerListens, HangUpRequested
from agent.call.ending_machine import HangingUp
from agent.call.endings import Ending
from agent.call.limits import CallTimer
from agent.call.observer import Observer
from agent.call.record import CallRecord
from agent.call.sight import Sight
from agent.gemini import Line
from agent.persona import Persona, load
from agent.room.room_events import RoomEvents
from agent.settings import read_settings
from agent.tools.persona_tools import PersonaTools
from agent.voice.local_voice import FOLDER, RATE_HZ, TEXTS, TONES, Sentence, file_of, language_of
from scripts.sounds import spoken
from speech import read_wav
from testing import RecordingCall
from tests.agent.gemini.wire import COMPLETE, Frames, Wire, call, sound, wire
from tests.agent.listeners import LIMITS, KeptEnding
from tests.agent.loudspeaker import Loudspeaker, Subtitles
from tests.lights import TOOLSET
from token_server.settings import TokenServerSettings

ENGLISH = TEXTS["en"]
PERSONAS = Path(__file__).parents[2] / "agent" / "personas"
LONGEST_GOODBYE_S = 2.1
"""With what has to end before it and the way through the network, three seconds."""
FILES = [(language, sentence) for language, sentences in TEXTS.items() for sentence in sentences]


@functools.cache
def spoken_now(language: str, sentence: Sentence) -> np.ndarray:
    return spoken(language, TEXTS[language][sentence])


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """How much two sounds have in common in pitch and time: 1 is everything, 0 nothing."""
    if abs(len(one) - len(other)) > 0.02 * len(one):
        return 0.0

    def picture(samples: np.ndarray) -> np.ndarray:
        frames = samples[: len(samples) // 320 * 320].reshape(-1, 320) * np.hanning(320)
        bands = np.abs(np.fft.rfft(frames))[:, 1:97].reshape(len(frames), 12, 8).sum(axis=2)
        return np.asarray(np.log1p(bands))

    first, second = picture(one), picture(other)
    length = min(len(first), len(second))
    return float(np.corrcoef(first[:length].ravel(), second[:length].ravel())[0, 1])


@pytest.mark.parametrize(("language", "sentence"), FILES)
def test_each_file_says_its_sentence(language: str, sentence: Sentence) -> None:
    """As espeak-ng says it; neither silent nor clipped. If this fails, make the files anew: scripts/sounds.py.

    Not sample by sample: where espeak-ng's own tones begin depends on what a process has said before.
    """
    samples = read_wav(file_of(language, sentence), sample_rate_hz=RATE_HZ)
    likeness = {said: alike(samples, spoken_now(*said)) for said in FILES}
    assert max(likeness, key=lambda said: likeness[said]) == (language, sentence)
    assert likeness[language, sentence] > 0.8
    level_dbfs = 20 * np.log10(np.sqrt(np.mean(np.square(samples / 32768))))
    assert -26 < level_dbfs < -14
    assert np.max(np.abs(samples.astype(int))) < 32000


def test_there_are_no_other_files_and_together_they_are_small() -> None:
    files = {path for path in FOLDER.rglob("*") if path.is_file()}
    assert files == {file_of(language, sentence) for language, sentence in FILES}
    assert sum(path.stat().st_size for path in files) < 1_900_000
    assert all(set(sentences) == set(Sentence) for sentences in TEXTS.values())
    for language in TEXTS:
        goodbye = read_wav(file_of(language, Sentence.GOODBYE), sample_rate_hz=RATE_HZ)
        assert len(goodbye) / RATE_HZ < LONGEST_GOODBYE_S


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("de-DE", "de"),
        ("DE", "de"),
        ("es-419", "es"),
        ("ja-JP", "ja"),
        ("pl_PL", "pl"),
        ("tr-TR", TONES),
        (None, "en"),
        ("", "en"),
    ],
)
def test_a_caller_hears_their_own_language_or_tones(tag: str | None, language: str) -> None:
    """English alone where nobody said which language it is."""
    assert language_of(tag) == language


def test_the_voice_has_every_language_that_the_page_offers() -> None:
    for tag in TokenServerSettings().token_languages:
        assert language_of(tag) != TONES


@dataclass
class Talk:
    """A conversation without a room, with what is heard and shown of it."""

    conversation: Conversation
    endpoint: Wire
    timer: CallTimer
    ending: KeptEnding
    record: CallRecord
    speaker: Loudspeaker
    subtitles: Subtitles

    def said(self) -> list[Line]:
        """As it would be told to a model that has forgotten it."""
        return spoken_history(self.conversation.session.history.items)

    async def rests(self, within_s: float = 5.0) -> None:
        """Wait until nothing is said or waits to be said."""
        async with asyncio.timeout(within_s):
            while (speech := self.conversation.session.current_speech) is not None:
                await speech
                await asyncio.sleep(0)


ENGLISH_PERSONA = Persona(name="test", instructions="Be brief.", language="en-US")


@asynccontextmanager
async def talking(
    folder: Path, answer: Frames, call_control: Any = None, persona: Persona = ENGLISH_PERSONA
) -> AsyncIterator[Talk]:
    """The endpoint gives this answer to the first thing that is asked, and none to anything else."""
    left = [answer]

    def script(message: dict[str, Any]) -> Frames:
        content = message.get("client_content", {})
        return left.pop() if left and (content.get("turnComplete") or content.get("turn_complete")) else []

    timer, record, events = CallTimer(LIMITS, time.monotonic()), CallRecord("room", "test"), RoomEvents(rtc.Room())
    timer.caller_joined(time.monotonic())
    speaker, subtitles = Loudspeaker(), Subtitles()
    ending = KeptEnding(timer)
    async with wire(folder, script) as endpoint:
        settings = read_settings(env_file=None, gemini_base_url=endpoint.url, gemini_ca_file=endpoint.ca_file)
        async with Conversation(settings, persona, Observer(timer, record, events, ending), Sight(events)) as conversation:
            conversation.session.output.audio, conversation.session.output.transcription = speaker, subtitles
            await conversation.session.start(agent_of(persona, call_control or RecordingCall()), session_host=False)
            try:
                yield Talk(conversation, endpoint, timer, ending, record, speaker, subtitles)
            finally:
                await conversation.session.aclose()


def says(heard: np.ndarray, sentence: Sentence, language: str = "en") -> bool:
    """Whether that was heard whole."""
    expected = read_wav(file_of(language, sentence), sample_rate_hz=24000)
    length = min(len(heard), len(expected))
    return abs(len(heard) - len(expected)) < 2400 and float(np.corrcoef(heard[:length], expected[:length])[0, 1]) > 0.9


async def test_a_sentence_is_heard_and_shown_and_is_no_part_of_the_conversation(tmp_path: Path) -> None:
    async with talking(tmp_path, []) as talk:
        talk.conversation.say_one_moment(again=False)
        await talk.speaker.until(ended=1)
        await talk.rests()
        assert says(talk.speaker.heard[0], Sentence.WAITING)
        assert talk.subtitles.shown == [ENGLISH[Sentence.WAITING]]
        assert talk.said() == []
        assert talk.record.turns == 0
        assert talk.endpoint.of("client_content") == []


async def test_beside_a_model_that_translates_it_says_goodbye_in_the_target_language(tmp_path: Path) -> None:
    """The model is asked for nothing: neither for words, nor to answer what is typed."""
    interpreter = load("interpreter", PERSONAS).speaking("pl")
    async with talking(tmp_path, [], persona=interpreter) as talk:
        await talk.conversation.greet(None)
        await talk.conversation.take_turn("Are you there?")
        assert not await talk.conversation.say_goodbye()
        assert says(talk.speaker.heard[0], Sentence.GOODBYE, "pl")
        assert talk.subtitles.shown == [TEXTS["pl"][Sentence.GOODBYE]]
        assert talk.endpoint.of("client_content") + talk.endpoint.of("realtime_input") == []
        assert talk.timer.ending(time.monotonic() + LIMITS.answer_s + 1) is not Ending.NO_ANSWER
        with pytest.raises(llm.RealtimeError, match="a model that translates takes no text"):
            await talk.conversation.model.session().generate_reply()


async def test_it_does_not_wait_for_the_answer_that_is_missing(tmp_path: Path) -> None:
    """It is said at once, pays no debt, and the answer is heard all the same when it comes."""
    async with talking(tmp_path, [2.5, sound("Here I am."), COMPLETE]) as talk:
        await talk.conversation.take_turn("Are you there?")
        await talk.endpoint.until(lambda: bool(talk.endpoint.of("client_content")))
        asked_at = time.monotonic()
        talk.conversation.say_one_moment(again=True)
        await talk.speaker.until(ended=1)
        assert talk.speaker.began_at[0] - asked_at < 0.5
        assert says(talk.speaker.heard[0], Sentence.STILL_WAITING)
        assert talk.timer.ending(asked_at + LIMITS.answer_s + 1) is Ending.NO_ANSWER
        await talk.speaker.until(ended=2)
        await talk.rests()
        assert talk.subtitles.shown == [ENGLISH[Sentence.STILL_WAITING], "Here I am."]
        assert talk.said() == [
            Line(by_caller=True, text="Are you there?"),
            Line(by_caller=False, text="Here I am."),
        ]
        assert (talk.record.turns, talk.record.interrupted_turns) == (1, 0)


async def test_the_answer_cuts_it_short(tmp_path: Path) -> None:
    async with talking(tmp_path, [0.5, *[sound("Here ")] * 5, COMPLETE]) as talk:
        await talk.conversation.take_turn("Are you there?")
        await talk.endpoint.until(lambda: bool(talk.endpoint.of("client_content")))
        talk.conversation.say_one_moment(again=False)
        await talk.speaker.until(ended=2)
        cut, answer = talk.speaker.heard
        assert len(cut) < 0.9 * 24000
        assert len(answer) == 24000


async def test_the_caller_who_speaks_silences_it(tmp_path: Path) -> None:
    async with talking(tmp_path, []) as talk:
        talk.conversation.say_one_moment(again=False)
        await talk.speaker.until(began=1)
        talk.conversation.caller_audible()
        await talk.speaker.until(ended=1)
        assert len(talk.speaker.heard[0]) < 12000


async def test_where_nobody_interrupts_neither_the_caller_nor_the_answer_cuts_it_short(tmp_path: Path) -> None:
    live = {"realtime_input_config": {"activity_handling": "NO_INTERRUPTION"}}
    persona = replace(ENGLISH_PERSONA, live=live)
    async with talking(tmp_path, [0.5, *[sound("Here ")] * 5, COMPLETE], persona=persona) as talk:
        await talk.conversation.take_turn("Are you there?")
        await talk.endpoint.until(lambda: bool(talk.endpoint.of("client_content")))
        talk.conversation.say_one_moment(again=False)
        await talk.speaker.until(began=1)
        talk.conversation.caller_audible()
        await talk.speaker.until(ended=2)
        assert says(talk.speaker.heard[0], Sentence.WAITING)
        assert len(talk.speaker.heard[1]) == 24000


async def test_it_is_not_said_late_nor_twice(tmp_path: Path) -> None:
    """What would have to wait for a second is not said; what was just said is not said again."""
    async with talking(tmp_path, [*[sound("So ")] * 8, COMPLETE]) as talk:
        talk.conversation.prompt("Speak.")
        await talk.speaker.until(began=1)
        talk.conversation.say_one_moment(again=False)
        talk.conversation.say_one_moment(again=True)
        await talk.speaker.until(ended=1)
        await talk.rests()
        assert len(talk.speaker.began_at) == 1


async def test_a_goodbye_is_heard_to_its_end_within_three_seconds(tmp_path: Path) -> None:
    """What is being said gets a moment; what will never be answered, and a caller who speaks, change nothing."""
    async with talking(tmp_path, [*[sound("So ")] * 20, COMPLETE]) as talk:
        talk.conversation.prompt("Speak.")
        await talk.speaker.until(began=1)
        failed_at = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(talk.conversation.local_voice.say_goodbye())
            await talk.speaker.until(began=2)
            talk.conversation.local_voice.interrupt()
            await talk.speaker.until(ended=2)
            assert time.monotonic() - failed_at < 3
        assert len(talk.speaker.heard[0]) < 24000
        assert says(talk.speaker.heard[1], Sentence.GOODBYE)
        [spoke] = talk.said()
        assert len(spoke.text) < 20 * len("So "), "the history has what was heard"


async def test_it_is_not_taken_for_the_goodbye_of_a_hang_up(tmp_path: Path) -> None:
    async with talking(tmp_path, []) as talk:
        talk.ending.tell(CallerListens())
        talk.ending.tell(HangUpRequested())
        talk.conversation.say_one_moment(again=False)
        await talk.speaker.until(ended=1)
        await talk.rests()
        assert isinstance(talk.ending.machine.state, HangingUp)
        assert talk.ending.actions == []


class SlowCall(RecordingCall):
    """Switches lights in two steps, of which the second takes for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.began = asyncio.Event()
        self.was_cancelled = asyncio.Event()

    async def show(self, name: str, value: str) -> None:
        if (name, value) != ("lights", "on"):
            return
        self.began.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.was_cancelled.set()
            raise


async def test_a_tool_whose_call_is_taken_back_is_cancelled(tmp_path: Path) -> None:
    """And nothing else: it counts as neither failed nor owed, and the conversation goes on."""
    slow = SlowCall()
    frames: Frames = [call("turn_on_the_lights", "call_1"), sound("One moment."), COMPLETE]
    with_lights = replace(ENGLISH_PERSONA, tools=PersonaTools(toolsets=(TOOLSET,)))
    async with talking(tmp_path, frames, slow, with_lights) as talk:
        talk.conversation.prompt("Switch on the lights.")
        await asyncio.wait_for(slow.began.wait(), 5)
        talk.conversation.on_tools_cancelled(["call_0", "call_1"])
        await asyncio.wait_for(slow.was_cancelled.wait(), 5)
        await talk.rests()
        assert (talk.record.tools, talk.record.failed_tools) == ({"turn_on_the_lights": 1}, 0)
        assert talk.timer.ending(time.monotonic() + LIMITS.answer_s + 1) is None
        talk.conversation.say_one_moment(again=False)
        await talk.speaker.until(began=2)
