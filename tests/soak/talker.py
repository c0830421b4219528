"""A caller without a room: speaks and types into one link, plays what comes back, and keeps the books."""

import asyncio
import itertools
import random
from collections.abc import Coroutine, Sequence
from typing import Self

from livekit import rtc
from livekit.agents import function_tool, llm

from agent.gemini import EarshotModel, EarshotSession, Endpoint, LinkEvent, SilentListener, Voicing
from tests.soak.account import Book
from tests.soak.service import QUESTIONS

RATE_HZ = 16000
FRAME_S = 0.1
"""Long frames: with those of a call, 20 ms, fifty links are more than one core's work, and the machine is what is tested."""
_FRAME_BYTES = int(2 * RATE_HZ * FRAME_S)
_SILENCE = bytes(_FRAME_BYTES)
_TOOL_S = (0.1, 1.5)
_PAUSE_S = (0.5, 3.0)
_HOWS = {"spoken": 6, "typed": 2, "tool": 2}
_TALKS_OVER = 0.15
_CLOSES_MICROPHONE = 0.05
_STEP_S = 0.05


@function_tool
async def look_up() -> str:
    """Looks up the tide."""
    return "high"


class Talker(SilentListener):
    """One caller. `async with` it; `feed` the microphone every 100 ms; `talk` in a task."""

    def __init__(self, book: Book, endpoint: Endpoint, sounds: Sequence[bytes], seed: int) -> None:
        self._book = book
        self._sounds = sounds
        self._dice = random.Random(seed)
        self._loop = asyncio.get_running_loop()
        self._model = EarshotModel(endpoint, Voicing("Puck", silence_ms=300), listener=self, chunk_ms=round(1000 * FRAME_S))
        self._tasks: set[asyncio.Task[None]] = set()
        self._to_say = memoryview(b"")
        self._plays_until = 0.0
        self._answered = False
        self._followed = 0
        """Generations whose words or sound aren't complete."""

    @property
    def _now(self) -> float:
        return self._loop.time()

    async def __aenter__(self) -> Self:
        """Begin to connect."""
        await self._model.__aenter__()
        self._session: EarshotSession = self._model.session()
        self._session.on("generation_created", self._on_generation)
        self._session.on("input_speech_started", self._on_interrupted)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up, if that isn't done."""
        await self._model.__aexit__(None, None, None)

    async def start(self) -> None:
        """Wait until the model hears."""
        await self._session.update_tools([look_up])
        await self._model.connected()

    async def aclose(self) -> None:
        """Hang up."""
        await self._session.aclose()
        await self._model.aclose()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._book.close(self._now)

    def feed(self) -> None:
        """The microphone's next 100 ms."""
        chunk, self._to_say = self._to_say[:_FRAME_BYTES], self._to_say[_FRAME_BYTES:]
        pcm = bytes(chunk) if len(chunk) == _FRAME_BYTES else _SILENCE
        self._session.push_audio(rtc.AudioFrame(pcm, RATE_HZ, 1, _FRAME_BYTES // 2))

    async def talk(self, until: float) -> None:
        """Ask one question after the other; the last is waited for."""
        while self._now < until and not self._book.is_over:
            await self._pause()
            how = self._dice.choices(list(_HOWS), list(_HOWS.values()))[0]
            if how == "spoken":
                await self._speak()
            else:
                self._type(how)
            talks_over = self._dice.random() < _TALKS_OVER and self._now < until
            await self._listen(for_s=self._dice.uniform(0.3, 3) if talks_over else None)
            self._book.settles(self._now)

    async def _pause(self) -> None:
        pause_s = self._dice.uniform(*_PAUSE_S)
        if self._dice.random() < _CLOSES_MICROPHONE:
            self._model.microphone(is_open=False)
            await asyncio.sleep(pause_s)
            self._model.microphone(is_open=True)
            return
        await asyncio.sleep(pause_s)

    async def _speak(self) -> None:
        self._to_say = memoryview(self._dice.choice(self._sounds))
        self._book.note("speaks", self._now)
        while self._to_say:
            await asyncio.sleep(_STEP_S)
        self._asks("spoken")

    def _type(self, how: str) -> None:
        self._asks(how)
        self._session.generate_reply(instructions=self._dice.choice(QUESTIONS[how])).add_done_callback(_forget)

    def _asks(self, how: str) -> None:
        self._plays_until, self._answered = 0.0, False
        self._book.asks(how, self._now)

    async def _listen(self, *, for_s: float | None) -> None:
        """To the end of the answer, or until the caller talks over it, `for_s` after its sound has begun."""
        sounds_since: float | None = None
        while not (self._book.is_over or self._book.is_stuck(self._now)):
            if self._answered and not self._followed and self._now >= self._plays_until:
                return
            if for_s is not None and self._plays_until > self._now:
                sounds_since = sounds_since or self._now
                if self._now - sounds_since >= for_s:
                    return
            await asyncio.sleep(_STEP_S)

    # What the model and its session tell

    def on_link(self, event: LinkEvent) -> None:
        self._book.happens(event, self._now)

    def _on_interrupted(self, _: llm.InputSpeechStartedEvent) -> None:
        self._plays_until = min(self._plays_until, self._now)

    def _on_generation(self, generation: llm.GenerationCreatedEvent) -> None:
        self._spawn(self._follow(generation))
        self._spawn(self._serve(generation))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, generation: llm.GenerationCreatedEvent) -> None:
        async for message in generation.message_stream:
            self._followed += 1
            try:
                async with asyncio.TaskGroup() as streams:
                    streams.create_task(self._read(message))
                    streams.create_task(self._play(message))
            finally:
                self._followed -= 1

    async def _read(self, message: llm.MessageGeneration) -> None:
        async for words in message.text_stream:
            self._book.hears(words, self._now)
            if self._book.question is not None and self._book.question.is_answered and not self._answered:
                self._answered = True
                self._book.waited(self._now)

    async def _play(self, message: llm.MessageGeneration) -> None:
        async for frame in message.audio_stream:
            self._plays_until = max(self._plays_until, self._now) + frame.duration

    async def _serve(self, generation: llm.GenerationCreatedEvent) -> None:
        async for call in generation.function_stream:
            self._book.runs_tool(self._now)
            await asyncio.sleep(self._dice.uniform(*_TOOL_S))
            context = self._session.chat_ctx
            context.items.append(call)
            context.items.append(llm.FunctionCallOutput(call_id=call.call_id, name=call.name, output="high", is_error=False))
            await self._session.update_chat_ctx(context)


def _forget(reply: "asyncio.Future[llm.GenerationCreatedEvent]") -> None:
    """Its generation is told to everybody; why there is none, the link tells."""
    if not reply.cancelled():
        reply.exception()


async def microphones(talkers: Sequence[Talker], lags_s: list[float]) -> None:
    """One clock for all of them, until cancelled. `lags_s` is told how late it was, each second at its worst."""
    loop = asyncio.get_running_loop()
    began, worst_s = loop.time(), 0.0
    for number in itertools.count(1):
        for talker in talkers:
            talker.feed()
        due = began + number * FRAME_S
        worst_s = max(worst_s, loop.time() - due)
        if number % round(1 / FRAME_S) == 0:
            lags_s.append(worst_s)
            worst_s = 0.0
        await asyncio.sleep(max(due - loop.time(), 0))
