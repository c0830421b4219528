"""WAV files: read any PCM16 file as mono at the rate that is wanted, write mono PCM16."""

import wave
from pathlib import Path

import numpy as np
import soxr

from speech.errors import SoundFileError
from speech.synthesis import Samples

_RATES_HZ = (1000, 768_000)


def read_wav(path: str | Path, *, sample_rate_hz: int) -> Samples:
    """Read a 16-bit PCM WAV file.

    Returns:
        Mono int16 samples at `sample_rate_hz`; several channels are averaged, other rates are resampled.

    Raises:
        SoundFileError: the file is missing, is no WAV file or is not 16-bit PCM.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate_hz = file.getnchannels(), file.getsampwidth(), file.getframerate()
            raw = file.readframes(file.getnframes())
    except OSError as error:
        raise SoundFileError("read", str(path), error.strerror or str(error)) from error
    except (wave.Error, EOFError, ValueError, RuntimeError) as error:  # what `wave` raises for broken sizes, and NULs in names
        raise SoundFileError(
            "read", str(path), f"{str(error) or 'it ends too early'}; a 16-bit PCM WAV file is needed"
        ) from error
    if width != 2:
        raise SoundFileError("read", str(path), f"it has {8 * width}-bit samples; a 16-bit PCM WAV file is needed")
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise SoundFileError("read", str(path), f"it has {rate_hz} samples a second, which no sound has")
    samples = np.frombuffer(raw[: len(raw) // (2 * channels) * 2 * channels], dtype="<i2").reshape(-1, channels)
    mono = np.mean(samples, axis=1, dtype=np.float32)
    if rate_hz != sample_rate_hz:
        mono = soxr.resample(mono, rate_hz, sample_rate_hz)
    return np.clip(np.round(mono), -32768, 32767).astype(np.int16)


def write_wav(path: str | Path, samples: Samples, *, sample_rate_hz: int) -> None:
    """Write mono int16 samples.

    Raises:
        SoundFileError: the file can't be written.
    """
    try:
        with Path(path).open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(sample_rate_hz)
            file.writeframes(samples.astype("<i2").tobytes())
    except OSError as error:
        raise SoundFileError("write", str(path), error.strerror or str(error)) from error
