"""The emulator's ear: real speech starts and ends an activity, noise and clicks don't, settings move the times."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.hearing import Ended, Hearing, Started
from emulator.messages import ActivityDetection
from emulator.profiles import GEMINI_3_8_LIVE
from speech import synthesize

RATE_HZ = 16000
SPEECH = synthesize("What time is it in Tokyo?", sample_rate_hz=RATE_HZ)
SPEECH_S = len(SPEECH) / RATE_HZ


def quiet(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE_HZ), dtype=np.int16)


def hearing(**vad: Any) -> Hearing:
    return Hearing(ActivityDetection(**vad), GEMINI_3_8_LIVE)


def hear(sound: np.ndarray, chunk: int = 320, **vad: Any) -> list[Started | Ended]:
    ear, found = hearing(**vad), []
    for offset in range(0, len(sound), chunk):
        found += ear.feed(sound[offset : offset + chunk])
    return found


def test_an_utterance_is_one_activity() -> None:
    started, ended = hear(np.concatenate([quiet(0.5), SPEECH, quiet(1.5)]))
    assert isinstance(started, Started)
    assert isinstance(ended, Ended)
    assert started.offset_s == pytest.approx(0.5, abs=0.1)
    assert ended.offset_s == pytest.approx(0.5 + SPEECH_S, abs=0.1)
    assert ended.speech_s == pytest.approx(SPEECH_S, abs=0.15)


def test_silence_decides_when_a_turn_ends() -> None:
    sound = np.concatenate([SPEECH, quiet(0.6), SPEECH, quiet(2.0)])
    assert len(hear(sound, silence_duration_ms=300)) == 4
    assert len(hear(sound, silence_duration_ms=900)) == 2


def test_without_audio_no_turn_ends() -> None:
    assert [type(change) for change in hear(SPEECH)] == [Started]


def test_the_end_of_the_stream_ends_a_turn_at_once() -> None:
    ear = hearing()
    ear.feed(SPEECH)
    assert [type(change) for change in ear.flush()] == [Ended]
    assert ear.flush() == []


def test_a_click_is_no_speech() -> None:
    click = quiet(1.0)
    click[8000:8400] = 20000
    assert hear(np.concatenate([click, quiet(1.0)])) == []


def test_steady_noise_is_no_speech_and_speech_above_it_is() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 150, 4 * RATE_HZ).astype(np.int16)
    assert hear(noise) == []
    noisy = noise.copy()
    noisy[RATE_HZ : RATE_HZ + len(SPEECH)] += SPEECH
    assert [type(change) for change in hear(noisy)] == [Started, Ended]


def test_low_sensitivity_ignores_a_whisper() -> None:
    whisper = np.concatenate([(SPEECH * 0.08).astype(np.int16), quiet(1.5)])
    assert len(hear(whisper)) >= 1
    assert hear(whisper, start_of_speech_sensitivity="START_SENSITIVITY_LOW") == []


def test_padding_delays_the_start() -> None:
    burst = np.concatenate([SPEECH[: RATE_HZ // 5], quiet(1.5)])
    assert len(hear(burst, prefix_padding_ms=50)) == 2
    assert hear(burst, prefix_padding_ms=400) == []


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=40))
def test_how_the_sound_is_cut_does_not_matter(sizes: list[int]) -> None:
    sound = np.concatenate([quiet(0.2), SPEECH, quiet(1.3)])
    ear, found, offset = hearing(), [], 0
    for size in [*sizes, len(sound)]:
        found += ear.feed(sound[offset : offset + size])
        offset += size
    assert found == hear(sound)


@given(st.binary(max_size=20000))
def test_any_bytes_at_all_are_sound(raw: bytes) -> None:
    found = hear(np.frombuffer(raw[: len(raw) // 2 * 2], dtype=np.int16))
    kinds = [type(change) for change in found]
    assert kinds == ([Started, Ended] * len(kinds))[: len(kinds)]
