"""The waveform of a recorded call: the loudest sample of each stretch."""

import json
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.errors import NoRecordError
from records.stereo_wav import LEFT, RIGHT, StereoWav
from records.waveform import (
    BUCKET_S,
    MOST_BUCKETS,
    Waveform,
    bucket_frames,
    from_json,
    levels,
    read_waveform,
    to_json,
    waveform_of,
)

RATE_HZ = 24_000


@given(st.lists(st.tuples(st.integers(-32768, 32767), st.integers(-32768, 32767)), min_size=1, max_size=60), st.integers(1, 9))
def test_each_stretch_has_its_loudest_sample(frames: list[tuple[int, int]], each: int) -> None:
    found = levels(np.array(frames, dtype=np.int16), each)
    assert len(found) == -(-len(frames) // each)
    for number, row in enumerate(found):
        stretch = frames[number * each : (number + 1) * each]
        for channel in (0, 1):
            loudest = max(abs(frame[channel]) for frame in stretch)
            assert row[channel] == min((loudest + 127) // 128, 255)
            assert bool(row[channel]) is bool(loudest), "what isn't silent can be seen"


@given(st.integers(0, 10**10), st.sampled_from([8000, 16_000, 24_000, 48_000]))
def test_a_long_call_has_longer_stretches_and_no_more_of_them(frames: int, rate_hz: int) -> None:
    each = bucket_frames(frames, rate_hz)
    assert -(-frames // each) <= MOST_BUCKETS
    assert each == round(BUCKET_S * rate_hz) or frames / each > MOST_BUCKETS / 2


def test_a_wav_file_is_read_in_parts_and_both_channels_are_kept_apart(tmp_path: Path) -> None:
    """100 s: more than is read at once. A second of the caller in the middle of each ten, one of the agent five later."""
    path = tmp_path / "call.wav"
    loud = np.full(RATE_HZ, -32768, dtype=np.int16)
    with StereoWav(path, RATE_HZ) as sound:
        for ten in range(10):
            sound.write(LEFT, ten * 10 * RATE_HZ, loud)
            sound.write(RIGHT, (ten * 10 + 5) * RATE_HZ, loud // 2)
    found = read_waveform(path)
    assert found.bucket_s == BUCKET_S
    assert len(found.left) == len(found.right) == 96 / BUCKET_S
    for second in range(96):
        stretch = slice(second * 50, second * 50 + 50)
        assert set(found.left[stretch]) == {255 if second % 10 == 0 else 0}
        assert set(found.right[stretch]) == {128 if second % 10 == 5 else 0}


def test_a_recording_that_has_just_begun_is_empty(tmp_path: Path) -> None:
    with StereoWav(tmp_path / "call.wav", RATE_HZ):
        assert read_waveform(tmp_path / "call.wav").left == b""


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all, but some text that is longer than a header has to be"])
def test_what_is_no_sound_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "call.wav").write_bytes(content)
    with pytest.raises(NoRecordError, match=r"call\.wav can't be read"):
        read_waveform(tmp_path / "call.wav")


def test_one_channel_is_no_call(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "call.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE_HZ)
        sound.writeframes(bytes(480))
    with pytest.raises(NoRecordError, match="two channels"):
        read_waveform(tmp_path / "call.wav")


@given(st.integers(0, 60), st.integers(1, 480))
def test_sound_in_blocks_has_the_same_waveform(whole: int, more: int) -> None:
    generated = np.random.default_rng(whole).integers(-32768, 32768, (whole * 480 + more, 2)).astype(np.int16)
    blocks = [generated[at : at + 10 * 480] for at in range(0, len(generated), 10 * 480)]
    found = waveform_of((RATE_HZ, block) for block in blocks)
    expected = levels(generated, 480)
    assert found == Waveform(BUCKET_S, expected[:, 0].tobytes(), expected[:, 1].tobytes())
    assert from_json(json.dumps(to_json(found))) == found


def test_a_long_call_in_blocks_has_longer_stretches() -> None:
    """Of 50 samples a second, so that it is long enough: each stretch of 20 ms has one."""
    count = MOST_BUCKETS * 2 + 1
    sound = np.zeros((count, 2), dtype=np.int16)
    sound[1, 0] = sound[-1, 1] = 32767
    found = waveform_of((50, sound[at : at + 500]) for at in range(0, count, 500))
    assert found.bucket_s == pytest.approx(3 * BUCKET_S)
    assert len(found.left) == -(-count // 3)
    assert (found.left[0], found.right[-1], sum(found.left), sum(found.right)) == (255, 255, 255, 255)


def test_no_sound_is_an_empty_waveform() -> None:
    assert waveform_of([]) == Waveform(BUCKET_S, b"", b"")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"bucket_s": 1, "caller": "?", "agent": ""}', '{"bucket_s": null}'])
def test_what_is_no_waveform_is_said(text: str) -> None:
    with pytest.raises(NoRecordError):
        from_json(text)
