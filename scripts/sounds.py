"""Speaks the sentences of agent/local_voice.py into agent/sounds/: `.venv/bin/python -m scripts.sounds`."""  # noqa: INP001

from agent.local_voice import RATE_HZ, TEXTS, file_of
from speech import Voice, synthesize, write_wav
from speech.synthesis import Samples

VOICES = {"en": "en-us"}
"""espeak-ng's names, where a language alone is none."""
WORDS_PER_MINUTE = 190


def spoken(language: str, text: str) -> Samples:
    """A sentence as its file has it."""
    return synthesize(text, sample_rate_hz=RATE_HZ, voice=Voice(VOICES.get(language, language), WORDS_PER_MINUTE))


def main() -> None:
    """Write every file anew."""
    for language, sentences in TEXTS.items():
        for sentence, text in sentences.items():
            path = file_of(language, sentence)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_wav(path, spoken(language, text), sample_rate_hz=RATE_HZ)


if __name__ == "__main__":
    main()
