"""The sound file: two channels in any order, and whole at any time."""

import wave
from pathlib import Path

import numpy as np

from records.stereo_wav import LEFT, RIGHT, StereoWav
from records.writer import RATE_HZ

TONE = np.full(100, 1000, dtype=np.int16)


def channels(path: Path) -> np.ndarray:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE_HZ)
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).reshape(-1, 2).T


def test_a_channel_that_nobody_writes_is_silent_and_the_file_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with StereoWav(path, RATE_HZ) as wav:
        wav.write(RIGHT, 50, TONE)
        left, right = channels(path)
        assert not left.any()
        assert right.tolist() == [0] * 50 + [1000] * 100
        wav.write(LEFT, 200, TONE)
        left, right = channels(path)
        assert left.tolist() == [0] * 200 + [1000] * 100
        assert not right[150:].any()


def test_a_file_that_is_there_goes_on_and_earlier_sound_may_come_later(tmp_path: Path) -> None:
    """After a failover another process writes: what was written stays, but for that over which it writes."""
    path = tmp_path / "call.wav"
    with StereoWav(path, RATE_HZ) as wav:
        wav.write(RIGHT, 100, TONE)
    with StereoWav(path, RATE_HZ) as wav:
        wav.write(LEFT, 0, TONE)
        wav.write(RIGHT, 150, np.full(100, 2000, dtype=np.int16))
    left, right = channels(path)
    assert left[:100].tolist() == [1000] * 100
    assert right[100:].tolist() == [1000] * 50 + [2000] * 100


def test_sound_can_be_silenced(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with StereoWav(path, RATE_HZ) as wav:
        wav.write(LEFT, 0, TONE)
        wav.write(RIGHT, 0, TONE)
        wav.silence(LEFT, 20, 1000)
    left, right = channels(path)
    assert left.tolist() == [1000] * 20 + [0] * 80
    assert right.tolist() == [1000] * 100


def test_silence_where_nobody_has_written_takes_no_space(tmp_path: Path) -> None:
    """A disk that is full would refuse it."""
    path = tmp_path / "call.wav"
    with StereoWav(path, RATE_HZ) as wav:
        wav.write(LEFT, 60 * RATE_HZ, TONE)
        taken = path.stat().st_blocks
        wav.silence(LEFT, RATE_HZ, 59 * RATE_HZ)
        assert path.stat().st_blocks == taken


def test_the_file_is_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with StereoWav(path, RATE_HZ):
        assert path.stat().st_mode & 0o777 == 0o600
