"""Loudness tells a voice from a room."""

import numpy as np
import pytest

from agent.gemini.exchange.caller_voice import CallerVoice, Stretch, loudness
from speech import synthesize

CHUNK_S = 0.02


def follow(voice: CallerVoice, samples: np.ndarray, now: float = 0.0) -> list[bool]:
    loud = []
    for start in range(0, len(samples) - 319, 320):
        now += CHUNK_S
        loud.append(voice.hear(loudness(samples[start : start + 320].astype(np.int16).tobytes()), CHUNK_S, now))
    return loud


def test_speech_is_heard_and_its_end_too() -> None:
    voice, words = CallerVoice(), synthesize("Hello, can you hear me?", sample_rate_hz=16000)
    loud = follow(voice, words)
    assert np.mean(loud) > 0.5
    ended = len(loud) * CHUNK_S
    follow(voice, np.zeros(16000), ended)
    assert not voice.speaking
    assert voice.spoke_s > 0.5
    assert ended - 0.5 < voice.last_at < ended + CHUNK_S


def test_quiet_speech_is_heard() -> None:
    assert any(follow(CallerVoice(), synthesize("Hello?", sample_rate_hz=16000) * 0.05))


def test_a_fan_becomes_part_of_the_room() -> None:
    voice, noise = CallerVoice(), np.random.default_rng(1).normal(0, 400, 16000 * 40)
    assert not any(follow(voice, noise)[-200:])
    words = synthesize("Hello, can you hear me?", sample_rate_hz=16000)
    assert any(follow(voice, words + noise[: len(words)], 40.0))


def test_a_click_is_no_voice() -> None:
    voice, click = CallerVoice(), np.zeros(3200)
    click[1000:1300] = 8000
    follow(voice, click)
    assert not voice.speaking


def test_a_closed_microphone_ends_the_speech() -> None:
    voice = CallerVoice()
    follow(voice, synthesize("Hello, can you", sample_rate_hz=16000)[:4000])
    voice.hush()
    assert not voice.speaking


def test_no_sound_is_silence() -> None:
    assert loudness(b"") == 0.0


def test_a_fan_is_learnt_before_the_button_is_pressed() -> None:
    voice = CallerVoice()
    for _ in range(500):
        voice.learn(300.0, CHUNK_S)
    assert not voice.may_speak
    voice.begin(10.0)
    assert not voice.hear(300.0, CHUNK_S, 10.0)
    assert voice.speaking, "the caller says so"
    assert voice.spoke_s == 0.0


def stretches(samples: np.ndarray) -> list[Stretch]:
    """The stretches of this sound, with a second of silence after it."""
    voice = CallerVoice()
    follow(voice, np.concatenate([samples, np.zeros(16000)]))
    return list(voice.stretches)


@pytest.mark.parametrize("text", ["What time is it in Tokyo?", "Hello, can you hear me?", "Book me a table for two, please."])
@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_a_sentence_is_told_from_noise(text: str, gain: float) -> None:
    [stretch] = stretches(synthesize(text, sample_rate_hz=16000) * gain)
    assert stretch.is_sentence


NOISE = np.random.default_rng(1).normal(0, 3000, 16000 * 5)
TIME_S = np.arange(16000 * 5) / 16000
TONE = 3000 * np.sin(2 * np.pi * 425 * TIME_S)


@pytest.mark.parametrize(
    "samples",
    [
        NOISE[: 16000 * 2],
        NOISE,
        TONE,
        TONE * (TIME_S % 0.5 < 0.25),
        NOISE[:6400] * np.exp(-TIME_S[:6400] / 0.1) * 3,
        synthesize("What time is it in Tokyo?", sample_rate_hz=16000) * 0.03,
    ],
    ids=["two seconds of noise", "a vacuum cleaner", "a tone", "a busy signal", "a cough", "a voice across the room"],
)
def test_a_noise_is_no_sentence(samples: np.ndarray) -> None:
    assert not any(stretch.is_sentence for stretch in stretches(samples))


def test_a_sentence_that_a_closed_microphone_ends_is_one() -> None:
    voice = CallerVoice()
    follow(voice, synthesize("What time is it in Tokyo?", sample_rate_hz=16000))
    voice.hush()
    assert [stretch.is_sentence for stretch in voice.stretches] == [True]


def test_what_the_button_marks_is_no_stretch() -> None:
    voice = CallerVoice()
    voice.begin(0.0)
    follow(voice, synthesize("What time is it in Tokyo?", sample_rate_hz=16000))
    voice.hush()
    assert not voice.stretches
