"""Captions of both sides, in whatever order the service sends words and sound: each word once, in its turn.

The orders are those of 2.5 (docs/facts.md G190): the model's words come before its `generationComplete`, ahead of their sound
or behind it; the caller's come in pieces, before the answer, within it, or when it is over.
"""

import asyncio
import itertools
from collections.abc import AsyncIterable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings
from livekit import rtc
from livekit.agents import llm

from agent.gemini import ApiKey, EarshotModel, Endpoint, Voicing
from agent.gemini.events import Line
from agent.voice.captions import CaptionClock, paced, voiced
from emulator.answers import Rule
from emulator.faults.catalogue import fault_from_text
from emulator.journal import Journal
from emulator.script import Script
from emulator.server import serving
from emulator.shared import Emulator
from emulator.tls import server_context
from tests.agent.gemini.listening import Told
from tests.agent.gemini.rig import Kind, connected, messages
from tests.agent.gemini.test_generations import WORDS, Framework
from tests.e2e.stack import until
from tests.emulator.talk import LOUD, QUIET

V2_5 = "gemini-2.5-flash-native-audio-preview-12-2025"
_SPOKEN, _PAUSE = 40, 30
"""Frames of a question, and of the silence after it."""
_FRAME = 640
"""The bytes of 20 ms."""
_SOUND_S = 0.002
"""So short, because it is played in real time."""


@st.composite
def turn(draw: st.DrawFn, number: int) -> list[tuple[str, str]]:
    """The messages after a question, in a legal order: each is `caller`, `words`, `sound`, `generated` or `complete`."""
    said = [("words", f"a{number}.{piece} ") for piece in range(draw(st.integers(1, 3)))]
    for _ in range(draw(st.integers(1, 3))):
        said.insert(draw(st.integers(0, len(said))), ("sound", ""))
    found = [*said, ("generated", ""), ("complete", "")]
    places = sorted(draw(st.lists(st.integers(0, len(found)), min_size=1, max_size=4)), reverse=True)
    for place, piece in zip(places, range(len(places) - 1, -1, -1), strict=True):
        found.insert(place, ("caller", f" c{number}.{piece}"))
    return found


MESSAGES: dict[str, Callable[[str], dict[str, Any]]] = {
    "caller": messages.transcript,
    "words": messages.words,
    "sound": lambda _: messages.voice(_SOUND_S),
    "generated": lambda _: messages.GENERATION_COMPLETE,
    "complete": lambda _: messages.TURN_COMPLETE,
}


async def captioned(answer: llm.GenerationCreatedEvent) -> str:
    """The words of an answer as a caller reads them, at the pace of its sound."""
    [message] = [message async for message in answer.message_stream]
    clock = CaptionClock()

    async def play(sound: AsyncIterable[rtc.AudioFrame]) -> None:
        async for _ in voiced(sound, clock):
            clock.playing()

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(play(message.audio_stream))
        return "".join([str(piece) async for piece in paced(message.text_stream, clock)])


@settings(deadline=None, max_examples=60)
@given(turns=st.tuples(turn(0), turn(1), turn(2)))
def test_each_word_is_captioned_once_and_in_its_turn(turns: tuple[list[tuple[str, str]], ...]) -> None:
    async def run() -> None:
        rig, framework = connected(V2_5), Framework(whole_transcripts=False)
        rig.gemini.answers_pings()
        for number, found in enumerate(turns):
            first = 1000 * number
            rig.caller.says(first, first + _SPOKEN)
            rig.caller.pauses(first + _SPOKEN + 1, first + _SPOKEN + _PAUSE)
            told = len(rig.conversation.judged)
            for kind, words in found:
                rig.passes(0.1)
                rig.gemini.sends(MESSAGES[kind](words))
            rig.passes(0.5)
            framework.receives(*rig.conversation.judged[told:])
        rig.passes(20)
        framework.generations.end()
        assert rig.kinds(Kind.NUDGED, Kind.CHECKED, Kind.LOST, Kind.WAITING) == [], "late words ask for nothing"
        expected = [["".join(words for kind, words in found if kind == who) for who in ("caller", "words")] for found in turns]
        assert [await captioned(answer) for answer in framework.answers()] == [words for _, words in expected]
        lines = framework.journal.lines()
        assert by_turn(lines) == [(caller.split(), words.split()) for caller, words in expected]
        finals = [event for name, event in framework.events if name == WORDS and event.is_final]
        assert [event.transcript for event in finals] == [line.text for line in lines if line.by_caller]
        began = [event.turn_started_at for event in finals]
        assert began == sorted(began), "as LiveKit sorts its history"
        for found in turns:
            if found[-1][0] == "complete":
                whole = "".join(words for kind, words in found if kind == "caller").strip()
                assert [event.transcript for event in finals].count(whole) == 1, "one caption, unless words come after the turn"

    asyncio.run(run())


def by_turn(lines: list[Line]) -> list[tuple[list[str], list[str]]]:
    """The words of the caller and of the model, turn by turn; a turn may have more than one line of the caller's."""
    found: list[tuple[list[str], list[str]]] = []
    for by_caller, group in itertools.groupby(lines, key=lambda line: line.by_caller):
        words = " ".join(line.text for line in group).split()
        if by_caller:
            found.append((words, []))
        else:
            found[-1][1].extend(words)
    return found


async def test_words_of_2_5_that_come_after_the_turn_are_captioned_in_their_turn_and_ask_for_nothing(tmp_path: Path) -> None:
    """Over wss: the emulator holds the caller's words until the answer to them is over."""
    rules = (Rule("Noon.", hears="What time is it in Tokyo?"), Rule("Rain.", hears="How is the weather?"))
    tls, told = server_context(tmp_path / "ca.pem"), Told()
    with Journal(None) as journal:
        emulator = Emulator(Script(rules, think_ms=0), journal)
        emulator.faults.add(fault_from_text("late_transcript:seconds=1.2,times=0"))
        async with serving(emulator, host="127.0.0.1", port=0, tls=tls) as port:
            endpoint = Endpoint(V2_5, ApiKey("key"), base_url=f"https://127.0.0.1:{port}", ca_file=tmp_path / "ca.pem")
            async with EarshotModel(endpoint, Voicing("Puck", silence_ms=300), listener=told) as model:
                session = model.session()
                finals: list[str] = []
                shown: list[str] = []
                session.on("input_audio_transcription_completed", lambda event: shown.append(event.transcript))
                session.on(
                    "input_audio_transcription_completed",
                    lambda event: finals.append(event.transcript) if event.is_final else None,
                )
                assert await model.connected()
                for rule in rules:
                    for at in range(0, len(LOUD + QUIET), _FRAME):
                        session.push_audio(rtc.AudioFrame((LOUD + QUIET)[at : at + _FRAME], 16000, 1, _FRAME // 2))
                    await until(partial(shown.__contains__, rule.hears))
                    assert completed(journal) == rules.index(rule) + 1, "the words came after the turn"
                await session.aclose()
                said = [(item.role, item.text_content) for item in session.chat_ctx.items if item.type == "message"]
    assert finals == [rule.hears for rule in rules]
    assert said == [line for rule in rules for line in (("user", rule.hears), ("assistant", rule.says))]
    assert [event.kind for event in told.events] == [Kind.CONNECTED]


def completed(journal: Journal) -> int:
    """The number of the model's turns that are over."""
    return sum("turnComplete" in line["message"].get("serverContent", {}) for line in journal.recent())
