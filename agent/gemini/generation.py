"""One answer of the model's as LiveKit plays it: streams of its sound, its words and its function calls.

An answer is open until the model has generated it (`complete`): its sound and words are all there then, and play on. It is over
with its turn (`end`). LiveKit takes an answer for spoken when its streams are closed and played.
"""

import asyncio
import logging
from typing import Literal, TypeVar

from livekit import rtc
from livekit.agents import llm
from livekit.agents.types import TimedString
from livekit.agents.utils import shortuuid
from livekit.agents.utils.aio import Chan

from agent.gemini.audio import OUTPUT_RATE_HZ

_MOST_FRAMES = 30_000
"""Ten minutes, where the service sends 20 ms at once; it usually sends more."""
_MOST_PIECES = 10_000
_MOST_CALLS = 64

T = TypeVar("T")
logger = logging.getLogger("earshot.link")


class Generation:
    """One answer. A stream that nobody reads and that is full takes no more: the rest is dropped, and the log says so once.

    `now` is in seconds since the epoch, as LiveKit's metrics and histories have it.
    """

    def __init__(self, now: float) -> None:
        self.id = shortuuid("GR_")
        self.text = ""
        """The words so far."""
        self.created_at = now
        self._completed_at: float | None = None
        self._sound = Chan[rtc.AudioFrame](maxsize=_MOST_FRAMES)
        self._words = Chan[str](maxsize=_MOST_PIECES)
        self._calls = Chan[llm.FunctionCall](maxsize=_MOST_CALLS)
        self._messages = Chan[llm.MessageGeneration](maxsize=1)
        self._sound_s = 0.0
        self._warned = False
        self.user_initiated = False

    def created_event(self, *, user_initiated: bool) -> llm.GenerationCreatedEvent:
        """The event that tells LiveKit of the answer; `user_initiated` if the application has asked for it."""
        modalities: asyncio.Future[list[Literal["text", "audio"]]] = asyncio.get_running_loop().create_future()
        modalities.set_result(["audio", "text"])
        self.user_initiated = user_initiated
        self._messages.send_nowait(llm.MessageGeneration(self.id, self._words, self._sound, modalities))
        return self._event()

    def offered_again(self) -> llm.GenerationCreatedEvent:
        """The event once more, for an answer that nobody has taken."""
        return self._event()

    def _event(self) -> llm.GenerationCreatedEvent:
        return llm.GenerationCreatedEvent(self._messages, self._calls, self.user_initiated, self.id)

    @property
    def is_taken(self) -> bool:
        """LiveKit has begun to read it."""
        return self._messages.empty()

    @property
    def is_over(self) -> bool:
        """The turn is complete, or was interrupted, or has called a function."""
        return self._messages.closed

    def duration_s(self, now: float) -> float:
        """From the first output to the last."""
        return (self._completed_at or now) - self.created_at

    def add_sound(self, pcm: bytes) -> None:
        """More of the voice, 24 kHz mono 16 bit."""
        samples = len(pcm) // 2
        if self._put(self._sound, rtc.AudioFrame(pcm, OUTPUT_RATE_HZ, 1, samples)):
            self._sound_s += samples / OUTPUT_RATE_HZ

    def add_words(self, words: str) -> None:
        """More of the transcript; it belongs to the sound that comes next (agent/voice/captions.py holds it to that)."""
        if self._put(self._words, TimedString(words, start_time=self._sound_s)):
            self.text += words

    def add_call(self, call: llm.FunctionCall) -> None:
        """A function that LiveKit is to run."""
        self._put(self._calls, call)

    def complete(self, now: float) -> None:
        """All sound and words are there."""
        self._completed_at = self._completed_at or now
        self._words.close()
        self._sound.close()

    def end(self, now: float) -> None:
        """The turn is over: no function will be called in it either."""
        self.complete(now)
        self._calls.close()
        self._messages.close()

    def _put(self, stream: Chan[T], item: T) -> bool:
        if not stream.closed and not stream.full():
            stream.send_nowait(item)
            return True
        if not self._warned:
            self._warned = True
            logger.warning("part of an answer is dropped: %s", "it came after the end" if stream.closed else "nobody takes it")
        return False
