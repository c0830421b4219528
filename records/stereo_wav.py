"""The sound of a call as a WAV file with two channels of 16 bits, which can be played at any time while it is written.

The header's lengths are written again with each stretch of sound. Sound may come in any order, for either channel: what nobody
writes is silence.
"""

import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

LEFT, RIGHT = 0, 1
HEADER_BYTES = 44
_CHANNELS = 2
_FRAME_BYTES = 2 * _CHANNELS
_MOST_BYTES = 0xFFFFFFFF
"""The longest length that a WAV header can say: 12.4 hours at 24 kHz."""


def header(data_bytes: int, rate_hz: int) -> bytes:
    """The header of a WAV file with this much sound."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", min(HEADER_BYTES - 8 + data_bytes, _MOST_BYTES), b"WAVE"),
        *(b"fmt ", 16, 1, _CHANNELS, rate_hz, rate_hz * _FRAME_BYTES, _FRAME_BYTES, 16),
        *(b"data", min(data_bytes, _MOST_BYTES)),
    )


def recorded_s(path: Path, rate_hz: int) -> float | None:
    """The length of the sound that a file has, in seconds; None: there is no file."""
    try:
        size_bytes = path.stat().st_size
    except OSError:
        return None
    return max(size_bytes - HEADER_BYTES, 0) // _FRAME_BYTES / rate_hz


class StereoWav:
    """A WAV file at a path. One that is there already goes on. `with` it."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        self._path = path
        self._rate_hz = rate_hz
        self._file = -1
        self._frames = 0
        """The length, in samples of each channel."""

    def __enter__(self) -> Self:
        """Open the file, or make it.

        Raises:
            OSError
        """
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._frames = max(os.fstat(self._file).st_size - HEADER_BYTES, 0) // _FRAME_BYTES
        self._write_header()
        return self

    def __exit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, exc_tb: TracebackType | None) -> None:
        os.close(self._file)

    @property
    def length_s(self) -> float:
        return self._frames / self._rate_hz

    def write(self, channel: int, at: int, samples: Samples) -> None:
        """Write sound over what a channel has at a place.

        Args:
            channel: LEFT or RIGHT.
            at: The place of the first sample, in samples from the beginning.
            samples: Mono, at the file's rate.

        Raises:
            OSError: the disk is full, for example.
        """
        block = self._read(at, len(samples))
        block[:, channel] = samples
        self._put(at, block)

    def add(self, channel: int, at: int, samples: Samples) -> None:
        """Write sound beside what a channel has at a place, so that both are heard.

        Raises:
            OSError: the disk is full, for example.
        """
        block = self._read(at, len(samples))
        block[:, channel] = np.clip(block[:, channel].astype(np.int32) + samples, -32768, 32767)
        self._put(at, block)

    def silence(self, channel: int, start: int, end: int) -> None:
        """Overwrite what a channel has between two places, in samples."""
        end = min(end, self._frames)
        if start < end:
            block = self._read(start, end - start)
            if block[:, channel].any():  # where nobody has written, a full disk has no space for zeros either
                block[:, channel] = 0
                self._put(start, block)

    def _read(self, at: int, length: int) -> npt.NDArray[np.int16]:
        found = os.pread(self._file, length * _FRAME_BYTES, HEADER_BYTES + at * _FRAME_BYTES)
        whole = found + bytes(length * _FRAME_BYTES - len(found))
        return np.frombuffer(whole, dtype="<i2").reshape(-1, _CHANNELS).copy()

    def _put(self, at: int, block: npt.NDArray[np.int16]) -> None:
        _write_all(self._file, block.astype("<i2").tobytes(), HEADER_BYTES + at * _FRAME_BYTES)
        if at + len(block) > self._frames:
            self._frames = at + len(block)
            self._write_header()

    def _write_header(self) -> None:
        _write_all(self._file, header(self._frames * _FRAME_BYTES, self._rate_hz), 0)


def _write_all(file: int, content: bytes, at: int) -> None:
    """Write all of it: a disk that is nearly full takes a part, and refuses the next one."""
    done = 0
    while done < len(content):
        done += os.pwrite(file, content[done:], at + done)
