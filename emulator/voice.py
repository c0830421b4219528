"""The voice of the model: text to 24 kHz speech, a timbre of its own for each of Gemini's voice names."""

import re
import zlib
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from speech import UnknownVoiceError, Voice, synthesize

RATE_HZ = 24000

_TIMBRES = ("m3", "f2", "m7", "f4", "m1", "f5", "m6", "f1", "m4", "f3")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
"""The language codes that espeak-ng is given. They come from the client, and espeak-ng makes file names of them."""
_DEFAULT_LANGUAGE = "en-us"
_MOST_KEPT = 256


class Voices:
    """Makes speech in a thread of its own, ahead of its use, and keeps it. Beyond 256 texts the oldest is dropped."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="voice")
        self._spoken: OrderedDict[tuple[str, ...], Future[bytes]] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown(cancel_futures=True)

    def prepare(self, text: str, voice: str, language: str) -> None:
        """Begin to make the speech of a text that is going to be said soon."""
        self._future(text, voice, language)

    def speak(self, text: str, voice: str, language: str) -> bytes:
        """The speech of a text, as `emulator.voice.speak` makes it; at once if it was prepared in time."""
        return self._future(text, voice, language).result()

    def _future(self, *key: str) -> Future[bytes]:
        if key not in self._spoken:
            self._spoken[key] = self._thread.submit(speak, *key)
        self._spoken.move_to_end(key)
        while len(self._spoken) > _MOST_KEPT:
            self._spoken.popitem(last=False)
        return self._spoken[key]


def speak(text: str, voice: str, language: str) -> bytes:
    """Speak a text as mono PCM16 at 24 kHz.

    Args:
        text: what is said.
        voice: a Gemini voice name; any other text gets a timbre too.
        language: BCP-47, such as `de-DE`; a language that espeak-ng doesn't know is spoken in English.
    """
    seed = zlib.crc32(voice.encode())
    timbre, pitch = _TIMBRES[seed % len(_TIMBRES)], 40 + seed % 21
    asked = [language, language.partition("-")[0]] if _LANGUAGE.fullmatch(language) else []
    for name in (*(code.lower() for code in asked), _DEFAULT_LANGUAGE):
        try:
            spoken = synthesize(text, sample_rate_hz=RATE_HZ, voice=Voice(f"{name}+{timbre}", pitch=pitch))
        except UnknownVoiceError:
            continue
        return spoken.tobytes()
    raise UnknownVoiceError(_DEFAULT_LANGUAGE)
