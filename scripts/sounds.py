"""Speaks the sentences of agent/voice/local_voice.py into agent/voice/sounds/: `.venv/bin/python -m scripts.sounds`."""

import numpy as np

from agent.voice.local_voice import RATE_HZ, TEXTS, TONES, file_of
from speech import Voice, synthesize, write_wav
from speech.synthesis import Samples

VOICES = {"en": "en-us", "pt": "pt-br"}
"""espeak-ng's names, where a language alone is none."""
WORDS_PER_MINUTE = 190
SPELLED = {
    "少々お待ちください。": "しょうしょう、おまちください。",
    "もう少々お待ちください。": "もうしょうしょう、おまちください。",
    "すみません、失礼いたします。": "すみません、しつれいいたします。",
}
"""espeak-ng reads kana only."""
NOTES_HZ = {"⏳": (523.25, 659.25), "⌛": (523.25, 659.25, 523.25), "👋": (659.25, 523.25, 392.0)}
"""Up: it goes on. Up and down: it still does. Down: it ends."""
_NOTE_S = 0.18
_PEAK = 6000


def spoken(language: str, text: str) -> Samples:
    """A sentence, or tones, as its file has it."""
    if language == TONES:
        return np.concatenate([_note(hz) for hz in NOTES_HZ[text]])
    return synthesize(
        SPELLED.get(text, text), sample_rate_hz=RATE_HZ, voice=Voice(VOICES.get(language, language), WORDS_PER_MINUTE)
    )


def _note(hz: float) -> Samples:
    at_s = np.arange(round(RATE_HZ * _NOTE_S)) / RATE_HZ
    swell = np.sin(np.pi * at_s / _NOTE_S)  # it begins and ends in silence, without a click
    return np.round(_PEAK * swell * np.sin(2 * np.pi * hz * at_s)).astype(np.int16)


def main() -> None:
    """Write every file anew."""
    for language, sentences in TEXTS.items():
        for sentence, text in sentences.items():
            path = file_of(language, sentence)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_wav(path, spoken(language, text), sample_rate_hz=RATE_HZ)


if __name__ == "__main__":
    main()
