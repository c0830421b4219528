"""The ear: onsets to the sample, silences with their last audible moment, recordings without holes, dropouts found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caller.ear import Ear, Onset, Silence, dropouts, mixed, spans
from speech import synthesize
from tests.caller.sounds import RATE_HZ, loud, quiet

FRAME = RATE_HZ // 100


def listen(sound: np.ndarray, start: float = 100.0) -> tuple[Ear, list[Onset | Silence]]:
    ear, heard = Ear(sample_rate_hz=RATE_HZ, start=start), []
    for offset in range(0, len(sound), FRAME):
        heard += ear.hear(sound[offset : offset + FRAME], start + offset / RATE_HZ)
    return ear, heard


def test_onset_and_silence_are_found_where_they_are() -> None:
    _, heard = listen(np.concatenate([quiet(0.505), loud(1.0), quiet(1.0)]))
    assert [type(change) for change in heard] == [Onset, Silence]
    assert heard[0].t == pytest.approx(100.505, abs=0.001)
    assert heard[1].t == pytest.approx(101.505, abs=0.011)


def test_a_short_pause_belongs_to_the_speech() -> None:
    _, heard = listen(np.concatenate([loud(0.5), quiet(0.3), loud(0.5), quiet(1.0)]))
    assert [type(change) for change in heard] == [Onset, Silence]


def test_a_track_that_ends_in_mid_sound_is_silent() -> None:
    ear, heard = listen(loud(0.5))
    assert ear.sounding
    assert [type(change) for change in [*heard, *ear.track_ended()]] == [Onset, Silence]
    assert ear.track_ended() == []


def test_the_recording_begins_at_start_and_fills_holes() -> None:
    ear = Ear(sample_rate_hz=RATE_HZ, start=0.0)
    ear.hear(loud(0.01), 0.5)
    ear.hear(loud(0.01), 2.0)
    assert len(ear.recording) == pytest.approx(2.01 * RATE_HZ, abs=FRAME)
    assert np.flatnonzero(ear.recording)[0] == pytest.approx(0.5 * RATE_HZ, abs=FRAME)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 120)), max_size=20))
def test_onsets_and_silences_alternate_whatever_is_heard(parts: list[tuple[bool, int]]) -> None:
    sound = np.concatenate([quiet(0), *(loud(n / 100) if is_loud else quiet(n / 100) for is_loud, n in parts)])
    ear, heard = listen(sound)
    kinds = [type(change) for change in heard]
    assert kinds == [Onset, Silence] * (len(kinds) // 2) + [Onset] * (len(kinds) % 2)
    assert ear.sounding == (len(kinds) % 2 == 1)
    assert [change.t for change in heard] == sorted(change.t for change in heard)


def test_recordings_of_several_agents_are_mixed() -> None:
    one, two = np.array([1, 2, 3], dtype=np.int16), np.array([10, -32768], dtype=np.int16)
    assert mixed([one]).tolist() == [1, 2, 3]
    assert mixed([one, two], 5).tolist() == [11, -32766, 3, 0, 0]
    assert mixed([two, two]).tolist() == [20, -32768]
    assert mixed([], 2).tolist() == [0, 0]


def test_spans_divide_at_pauses() -> None:
    found = spans(np.concatenate([quiet(0.2), loud(1), quiet(0.6), loud(0.5)]), sample_rate_hz=RATE_HZ)
    assert [(round(span.start_s, 2), round(span.end_s, 2)) for span in found] == [(0.2, 1.2), (1.8, 2.3)]


@pytest.mark.parametrize(("hole_s", "found"), [(0.05, 0), (0.07, 1), (0.1, 1), (0.25, 1)])
def test_a_hole_in_a_loud_vowel_is_found_from_70_ms_on(hole_s: float, found: int) -> None:
    spoken = np.concatenate([quiet(0.1), loud(1.0), quiet(0.1)])
    heard = np.concatenate([quiet(0.7), spoken // 2, quiet(0.5)])
    at = int((0.7 + 0.4) * RATE_HZ)
    heard[at : at + int(hole_s * RATE_HZ)] = 0
    lost = dropouts(heard, spoken, sample_rate_hz=RATE_HZ)
    assert [(round(span.start_s, 1), round(span.duration_s, 2)) for span in lost] == [(0.4, hole_s)] * found


def test_the_end_of_an_utterance_may_be_lost_too() -> None:
    spoken = np.concatenate([loud(0.5), quiet(0.2), loud(0.5)])
    heard = np.concatenate([quiet(0.3), spoken[: int(0.9 * RATE_HZ)], quiet(0.5)])
    [lost] = dropouts(heard, spoken, sample_rate_hz=RATE_HZ)
    assert lost.start_s == pytest.approx(0.9, abs=0.03)


def test_natural_pauses_are_no_dropouts() -> None:
    spoken = synthesize("One moment, please. I am looking it up, for you.", sample_rate_hz=RATE_HZ)
    heard = np.concatenate([quiet(0.7), spoken // 2, quiet(0.5)])
    assert dropouts(heard, spoken, sample_rate_hz=RATE_HZ) == []
