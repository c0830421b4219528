"""The worker's own voice: a few sentences that were spoken ahead, for when Gemini has none.

A caller in a language that has no sentences hears tones: words in another language would only puzzle them.

The files under agent/voice/sounds/ are made from `TEXTS` by `python -m scripts.sounds`, once: a worker can't synthesise speech.
"""

import asyncio
import contextlib
import enum
import functools
import math
import time
import wave
from collections.abc import AsyncIterator
from pathlib import Path

from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.voice import SpeechHandle

from agent.errors import SessionOverError, while_session_lasts
from agent.voice.playout import SOUND_IN_FLIGHT_S

FOLDER = Path(__file__).parent / "sounds"
RATE_HZ = 16000

_FRAME_MS = 20
_STARTS_WITHIN_S = 1.0
"""A sentence that has to wait for longer, in seconds, would come at the wrong moment."""
_SOONEST_AGAIN_S = 5.0
_OTHERS_END_WITHIN_S = 0.4
_GOODBYE_S = 6.0


class Sentence(enum.StrEnum):
    """One of the recorded sentences. The value is the name of its file."""

    WAITING = "waiting"
    STILL_WAITING = "still_waiting"
    GOODBYE = "goodbye"
    """The call can't go on. Short: it is heard whole within three seconds of the failure."""


TONES = "tones"
"""The name of the tones that stand in place of a language: everybody understands them."""

TEXTS: dict[str, dict[Sentence, str]] = {
    "en": {
        Sentence.WAITING: "One moment, please.",
        Sentence.STILL_WAITING: "I'm still here, one moment.",
        Sentence.GOODBYE: "Sorry, I have to go now. Goodbye.",
    },
    "de": {
        Sentence.WAITING: "Einen Moment, bitte.",
        Sentence.STILL_WAITING: "Ich bin noch da, einen Moment.",
        Sentence.GOODBYE: "Es geht gerade nicht. Auf Wiederhören.",
    },
    "es": {
        Sentence.WAITING: "Un momento, por favor.",
        Sentence.STILL_WAITING: "Sigo aquí, un momento.",
        Sentence.GOODBYE: "Lo siento, ahora no puedo. Adiós.",
    },
    "fr": {
        Sentence.WAITING: "Un instant, s'il vous plaît.",
        Sentence.STILL_WAITING: "Je suis là, un instant.",
        Sentence.GOODBYE: "Désolé, ça ne va pas. Au revoir.",
    },
    "it": {
        Sentence.WAITING: "Un momento, per favore.",
        Sentence.STILL_WAITING: "Sono ancora qui, un momento.",
        Sentence.GOODBYE: "Scusi, devo chiudere. A presto.",
    },
    "nl": {
        Sentence.WAITING: "Een moment, alstublieft.",
        Sentence.STILL_WAITING: "Ik ben er nog, een moment.",
        Sentence.GOODBYE: "Sorry, ik moet gaan. Tot ziens.",
    },
    "pl": {
        Sentence.WAITING: "Chwileczkę, proszę.",
        Sentence.STILL_WAITING: "Nadal tu jestem, chwileczkę.",
        Sentence.GOODBYE: "Przepraszam. Do widzenia.",
    },
    "pt": {
        Sentence.WAITING: "Um momento, por favor.",
        Sentence.STILL_WAITING: "Ainda estou aqui, um momento.",
        Sentence.GOODBYE: "Desculpe, tenho de ir. Até logo.",
    },
    "hi": {
        Sentence.WAITING: "एक क्षण, कृपया।",
        Sentence.STILL_WAITING: "मैं यहीं हूँ, एक क्षण।",
        Sentence.GOODBYE: "माफ़ कीजिए, अब नहीं। नमस्ते।",
    },
    "ja": {
        Sentence.WAITING: "少々お待ちください。",
        Sentence.STILL_WAITING: "もう少々お待ちください。",
        Sentence.GOODBYE: "すみません、失礼いたします。",
    },
    "ko": {
        Sentence.WAITING: "잠시만 기다려 주세요.",
        Sentence.STILL_WAITING: "아직 여기 있어요. 잠시만요.",
        Sentence.GOODBYE: "미안해요, 이만 갈게요.",
    },
    TONES: {
        Sentence.WAITING: "⏳",
        Sentence.STILL_WAITING: "⌛",
        Sentence.GOODBYE: "👋",
    },
}
"""The sentences by language, a BCP-47 tag without its region: the languages that the page offers, and the tones."""


def language_of(tag: str | None) -> str:
    """The language to say them in, for a BCP-47 tag; tones for one without sentences, English where no language is known."""
    language = (tag or "en").replace("_", "-").partition("-")[0].lower()
    return language if language in TEXTS else TONES


def file_of(language: str, sentence: Sentence) -> Path:
    return FOLDER / language / f"{sentence}.wav"


@functools.cache
def sound(language: str, sentence: Sentence) -> bytes:
    """A sentence as mono 16-bit samples at `RATE_HZ`; read once."""
    with wave.open(str(file_of(language, sentence)), "rb") as file:
        return file.readframes(file.getnframes())


def load() -> None:
    """Read all sentences, so that no call has to."""
    for language, sentences in TEXTS.items():
        for sentence in sentences:
            sound(language, sentence)


class LocalVoice:
    """Speaks in one call; one sentence at a time. Nothing of it becomes part of the conversation's history."""

    def __init__(self, session: AgentSession[None], language: str | None) -> None:
        self._session = session
        self._language = language_of(language)
        self._speech: SpeechHandle | None = None
        self._sentence: Sentence | None = None
        self._sounding = asyncio.Event()
        self._asked_at = -math.inf

    def says(self, speech: SpeechHandle | None) -> bool:
        """Whether that speech is the sentence that was said last."""
        return speech is not None and speech is self._speech

    def say_one_moment(self, *, again: bool) -> None:
        """Say that it takes a moment, unless that was just said. The model's answer, and `interrupt`, end it.

        Raises:
            SessionOverError
        """
        now = time.monotonic()
        if now - self._asked_at < _SOONEST_AGAIN_S:
            return
        self._asked_at = now
        speech = self._say(Sentence.STILL_WAITING if again else Sentence.WAITING)
        asyncio.get_running_loop().call_later(_STARTS_WITHIN_S, self._withdraw, speech)

    def interrupt(self) -> None:
        """The caller speaks: end the sentence, unless it is a goodbye."""
        if self._speech is not None and self._sentence is not Sentence.GOODBYE:
            self._speech.interrupt(force=True)

    async def say_goodbye(self) -> None:
        """Have the goodbye heard, in bounded time; what is being said gets a moment to end."""
        with contextlib.suppress(TimeoutError, SessionOverError):
            async with asyncio.timeout(_GOODBYE_S):
                await self._silence_others()
                await self._say(Sentence.GOODBYE)
                await asyncio.sleep(SOUND_IN_FLIGHT_S)

    async def _silence_others(self) -> None:
        speech = self._session.current_speech
        if speech is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_OTHERS_END_WITHIN_S):
                await speech.wait_for_playout()
        with while_session_lasts():
            self._session.interrupt(force=True)  # also what waits: a reply that will never come

    def _say(self, sentence: Sentence) -> SpeechHandle:
        self._sentence, self._sounding = sentence, asyncio.Event()
        audio = _frames(sound(self._language, sentence), self._sounding)
        with while_session_lasts():
            self._speech = self._session.say(TEXTS[self._language][sentence], audio=audio, add_to_chat_ctx=False)
        return self._speech

    def _withdraw(self, speech: SpeechHandle) -> None:
        if speech is self._speech and not self._sounding.is_set():
            speech.interrupt(force=True)


async def _frames(samples: bytes, sounding: asyncio.Event) -> AsyncIterator[rtc.AudioFrame]:
    sounding.set()
    length = RATE_HZ * _FRAME_MS // 1000 * 2
    for start in range(0, len(samples), length):
        data = samples[start : start + length]
        yield rtc.AudioFrame(data, RATE_HZ, 1, len(data) // 2)
