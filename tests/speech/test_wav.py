"""WAV files: what was written is read again, other kinds are refused with a sentence."""

import wave
from pathlib import Path

import numpy as np
import pytest

from speech import SoundFileError, read_wav, write_wav


def tone(rate_hz: int, seconds: float = 1.0) -> np.ndarray:
    t = np.arange(int(rate_hz * seconds)) / rate_hz
    return (8000 * np.sin(2 * np.pi * 440 * t)).astype(np.int16)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    written = tone(48000)
    write_wav(tmp_path / "a.wav", written, sample_rate_hz=48000)
    assert np.array_equal(read_wav(tmp_path / "a.wav", sample_rate_hz=48000), written)


def test_another_rate_is_resampled_to_the_same_length(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(44100), sample_rate_hz=44100)
    read = read_wav(tmp_path / "a.wav", sample_rate_hz=16000)
    assert len(read) == pytest.approx(16000, abs=10)
    assert np.max(np.abs(read)) == pytest.approx(8000, rel=0.05)


def test_two_channels_become_one(tmp_path: Path) -> None:
    left = tone(16000)
    with wave.open(str(tmp_path / "stereo.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(np.stack([left, np.zeros_like(left)], axis=1).tobytes())
    assert np.max(np.abs(read_wav(tmp_path / "stereo.wav", sample_rate_hz=16000))) == pytest.approx(4000, rel=0.01)


def test_bad_files_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not sound")
    with wave.open(str(tmp_path / "deep.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(3)
        file.setframerate(16000)
        file.writeframes(b"\0" * 30)
    for name, reason in (("missing.wav", "No such file"), ("text.wav", "16-bit PCM"), ("deep.wav", "24-bit")):
        with pytest.raises(SoundFileError, match=reason) as caught:
            read_wav(tmp_path / name, sample_rate_hz=16000)
        assert name in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SoundFileError, match="nowhere"):
        write_wav(tmp_path / "nowhere" / "a.wav", tone(16000), sample_rate_hz=16000)
