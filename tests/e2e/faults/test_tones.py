"""Markers: what is spoken is what is read, at its time; a voice is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech import synthesize
from tests.e2e.faults.tones import MARKER_S, MOST_MARKERS, Stretch, lost, read, repeated_s, silences, sound

RATE_HZ = 48000


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE_HZ), dtype=np.int16)


@pytest.mark.parametrize("rate_hz", [16000, 24000, 48000])
def test_what_is_spoken_is_read_at_its_time(rate_hz: int) -> None:
    heard = read(sound(range(MOST_MARKERS), sample_rate_hz=rate_hz), sample_rate_hz=rate_hz)
    assert [stretch.marker for stretch in heard] == list(range(MOST_MARKERS))
    assert all(stretch.start_s == pytest.approx(stretch.marker * MARKER_S, abs=0.03) for stretch in heard if stretch.marker)


def test_noise_and_a_stretched_time_change_nothing() -> None:
    spoken = sound(range(20, 40), sample_rate_hz=RATE_HZ)
    stretched = np.concatenate([spoken[:50_000], spoken[48_000:]])
    noisy = (stretched * 0.3 + np.random.default_rng(1).normal(0, 60, len(stretched))).astype(np.int16)
    assert lost(range(20, 40), read(noisy, sample_rate_hz=RATE_HZ)) == []


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 15), st.integers(1, 4), st.floats(0.07, 1.0))
def test_what_is_missing_and_the_pause_in_its_place_are_found(at: int, count: int, pause_s: float) -> None:
    before, after = range(at), range(at + count, 20)
    parts = [sound(part, sample_rate_hz=RATE_HZ) for part in (before, after) if part]
    spoken = np.concatenate([part for sounded in parts for part in (silence(pause_s), sounded)])
    heard = read(spoken, sample_rate_hz=RATE_HZ)
    assert lost(range(20), heard) == list(range(at, at + count))
    found = silences(heard)
    assert len(found) == len(parts) - 1
    assert all(pause.duration_s == pytest.approx(pause_s, abs=0.03) for pause in found)


def test_what_is_said_twice_is_counted() -> None:
    heard = read(sound([1, 2, 3, 2, 3, 4], sample_rate_hz=RATE_HZ), sample_rate_hz=RATE_HZ)
    assert repeated_s([1, 2, 3, 4], heard) == pytest.approx(2 * MARKER_S, abs=0.05)
    assert repeated_s([1, 4], heard) == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(
    "text", ["One moment, please.", "I cannot answer right now, and I am sorry for it. Please call again."]
)
def test_a_voice_is_no_marker(text: str) -> None:
    voice = synthesize(text, sample_rate_hz=RATE_HZ)
    heard = read(np.concatenate([voice, silence(0.5), sound([7, 8], sample_rate_hz=RATE_HZ)]), sample_rate_hz=RATE_HZ)
    spoken = sum(stretch.duration_s for stretch in heard if stretch.marker is None)
    mistaken = sum(
        stretch.duration_s for stretch in heard if stretch.end_s < len(voice) / RATE_HZ and stretch.marker is not None
    )
    assert spoken > 0.5
    assert mistaken < 0.2 * spoken
    assert lost([7, 8], heard) == []


def test_silence_and_no_sound_at_all_hold_nothing() -> None:
    assert read(silence(1.0), sample_rate_hz=RATE_HZ) == []
    assert read(silence(0.0), sample_rate_hz=RATE_HZ) == []
    assert silences([Stretch(1, 0.0, 0.2)]) == []
