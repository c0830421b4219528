"""Reads the sound of a recorded call, from its WAV file or from its Opus file."""

import itertools
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from records.call_folder import OPUS, SOUND, CallFolder
from records.errors import NoRecordError
from records.writer import RATE_HZ

BLOCK_S = 10

Block = npt.NDArray[np.int16]


def blocks(folder: CallFolder) -> Iterator[tuple[int, Block]]:
    """The sound in stretches of `BLOCK_S`, the last one shorter: the rate, and the samples of both channels in columns.

    Raises:
        NoRecordError: there is none that can be read.
    """
    wav, opus = folder.path / SOUND, folder.path / OPUS
    if wav.exists():
        yield from _of_wav(wav)
    elif opus.exists():
        yield from _of_opus(opus)
    else:
        raise NoRecordError(f"{folder.name} has no sound")


def _of_wav(path: Path) -> Iterator[tuple[int, Block]]:
    try:
        with wave.open(str(path)) as file:
            rate_hz = file.getframerate()
            while found := file.readframes(BLOCK_S * rate_hz):
                yield rate_hz, np.frombuffer(found[: len(found) // 4 * 4], dtype="<i2").reshape(-1, 2)
    except (OSError, EOFError, wave.Error) as error:
        raise NoRecordError(f"{path} can't be read: {error}") from error


def _of_opus(path: Path) -> Iterator[tuple[int, Block]]:
    waiting = np.zeros((0, 2), dtype=np.int16)
    try:
        with av.open(str(path)) as file:
            resampler = av.AudioResampler(format="s16", layout="stereo", rate=RATE_HZ)
            for frame in itertools.chain(file.decode(audio=0), [None]):
                for each in resampler.resample(frame):
                    waiting = np.concatenate([waiting, each.to_ndarray().reshape(-1, 2)])
                while len(waiting) >= BLOCK_S * RATE_HZ:
                    yield RATE_HZ, waiting[: BLOCK_S * RATE_HZ]
                    waiting = waiting[BLOCK_S * RATE_HZ :]
    except (OSError, av.error.FFmpegError) as error:
        raise NoRecordError(f"{path} can't be read: {error}") from error
    if len(waiting):
        yield RATE_HZ, waiting
