"""The voice of the model: text to 24 kHz speech, a timbre of its own for each of Gemini's voice names."""

import functools
import zlib

from speech import UnknownVoiceError, Voice, synthesize

RATE_HZ = 24000

_TIMBRES = ("m3", "f2", "m7", "f4", "m1", "f5", "m6", "f1", "m4", "f3")
_DEFAULT_LANGUAGE = "en-us"


@functools.lru_cache(maxsize=256)
def speak(text: str, voice: str, language: str) -> bytes:
    """Speak a text as mono PCM16 at 24 kHz.

    Args:
        text: what is said.
        voice: a Gemini voice name; any other text gets a timbre too.
        language: BCP-47, such as `de-DE`; a language that espeak-ng doesn't know is spoken in English.
    """
    seed = zlib.crc32(voice.encode())
    timbre, pitch = _TIMBRES[seed % len(_TIMBRES)], 40 + seed % 21
    for name in (language.lower(), language.split("-", maxsplit=1)[0].lower(), _DEFAULT_LANGUAGE):
        try:
            spoken = synthesize(text, sample_rate_hz=RATE_HZ, voice=Voice(f"{name}+{timbre}", pitch=pitch))
        except UnknownVoiceError:
            continue
        return spoken.tobytes()
    raise UnknownVoiceError(_DEFAULT_LANGUAGE)
