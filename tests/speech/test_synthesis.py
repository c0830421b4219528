"""espeak-ng's voice: audible from the first sample to the last, at one loudness, at any rate."""

import concurrent.futures

import numpy as np
import pytest

from speech import UnknownVoiceError, Voice, synthesize

SENTENCE = "The quick brown fox jumps over the lazy dog."


@pytest.mark.parametrize("rate_hz", [16000, 24000, 48000])
def test_a_sentence_lasts_as_long_at_every_rate(rate_hz: int) -> None:
    spoken = synthesize(SENTENCE, sample_rate_hz=rate_hz)
    assert spoken.dtype == np.int16
    assert 2.0 < len(spoken) / rate_hz < 4.0


def test_loudness_is_minus_20_dbfs_and_nothing_clips() -> None:
    spoken = synthesize(SENTENCE, sample_rate_hz=48000).astype(float)
    assert np.sqrt(np.mean(spoken**2)) == pytest.approx(3300, rel=0.05)
    assert np.max(np.abs(spoken)) < 30000


def test_sound_begins_and_ends_audibly() -> None:
    spoken = np.abs(synthesize(SENTENCE, sample_rate_hz=48000).astype(int))
    assert spoken[:480].max() > 100
    assert spoken[-480:].max() > 100


def test_the_same_text_lasts_the_same_time() -> None:
    """The durations are equal to 10 ms: espeak-ng's own noise is not reset between texts."""
    first, second = (synthesize(SENTENCE, sample_rate_hz=24000) for _ in range(2))
    assert len(first) == pytest.approx(len(second), abs=240)


def test_voices_sound_different() -> None:
    low, high = (synthesize(SENTENCE, sample_rate_hz=24000, voice=Voice(name)) for name in ("en-us+m7", "en-us+f2"))
    assert len(low) != len(high) or not np.array_equal(low, high)


@pytest.mark.parametrize("text", ["", "  ", "\0", "..."])
def test_a_text_without_words_is_silence(text: str) -> None:
    assert synthesize(text, sample_rate_hz=16000).size == 0


def test_an_unknown_voice_is_named() -> None:
    with pytest.raises(UnknownVoiceError, match="'no-such-voice'"):
        synthesize("Hello", sample_rate_hz=16000, voice=Voice("no-such-voice"))


def test_threads_may_speak_at_the_same_time() -> None:
    alone = [len(synthesize(f"Sentence number {n}.", sample_rate_hz=16000)) for n in range(12)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda n: len(synthesize(f"Sentence number {n}.", sample_rate_hz=16000)), range(12)))
    assert together == pytest.approx(alone, abs=160)
