"""The caller's newest sound in shared memory: another process of the machine reads it after this one has died.

The file lies in a folder that is in memory, such as /dev/shm, and takes 1 MB there. The kernel keeps what was written when the
process dies, at whatever instruction. Nothing is flushed, and no call into the kernel is made for a frame.

    offset   bytes      content
    0        8          MAGIC, with the version of the format
    8        8          the number of bytes of sound written so far (little-endian, as all numbers)
    16       8          the number of those bytes that the model has understood
    24       8          the capacity of the ring in bytes
    32       capacity   the sound; byte n of it stands at n modulo the capacity

The sound is written before the number that counts it. A process that dies between the two has written nothing. The process
keeps an flock on the file, which the kernel releases when it dies.
"""

import fcntl
import mmap
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

from agent.gemini import audio

LONGEST_S = 30
"""The sound that is kept, in seconds: as much as the outbox sends again. Older sound is overwritten."""
_MAGIC = b"ESRING\x00\x01"
_HEAD = struct.Struct("<8sQQQ")
_COUNT = struct.Struct("<Q")
_WRITTEN_AT, _UNDERSTOOD_AT = 8, 16
_CAPACITY = LONGEST_S * audio.INPUT_BYTES_PER_S


class SoundRingError(Exception):
    """The file can't be made, or is no ring. The message says why."""


class SoundRing:
    """The ring of one call, open for writing. `with` it: the file is there, with mode 0600, until the end of the block.

    Args:
        path: of the file, one for each process. A file that is there is replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._memory: mmap.mmap | None = None
        self._file = -1
        self._written = 0

    def __enter__(self) -> Self:
        """Make the file.

        Raises:
            SoundRingError: that is not possible; a full or missing folder, for example.
        """
        try:
            self.path.unlink(missing_ok=True)  # a reader that still has it open keeps what it reads
            file = self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            os.posix_fallocate(file, 0, _HEAD.size + _CAPACITY)  # or a full /dev/shm would kill the process at a write
            self._memory = mmap.mmap(file, _HEAD.size + _CAPACITY)
        except OSError as error:
            self._close()
            self.path.unlink(missing_ok=True)
            raise SoundRingError(f"the caller's sound can't be kept in {self.path}: {error.strerror}") from error
        _HEAD.pack_into(self._memory, 0, _MAGIC, 0, 0, _CAPACITY)
        return self

    def __exit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, exc_tb: TracebackType | None) -> None:
        """Delete the file: the call has ended, or another process has its sound."""
        self.path.unlink(missing_ok=True)
        self._close()

    def _close(self) -> None:
        memory, self._memory = self._memory, None
        if memory is not None:
            memory.close()
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    @property
    def written(self) -> int:
        """The number of bytes of sound that were written so far."""
        return self._written

    def write(self, pcm: bytes) -> None:
        """The caller's next sound, 16 kHz mono 16 bit. Of a closed ring nothing is kept."""
        memory = self._memory
        if memory is None:
            return
        self._written += max(len(pcm) - _CAPACITY, 0)
        pcm = pcm[-_CAPACITY:]
        start = self._written % _CAPACITY
        fits = min(len(pcm), _CAPACITY - start)
        memory[_HEAD.size + start : _HEAD.size + start + fits] = pcm[:fits]
        if fits < len(pcm):
            memory[_HEAD.size : _HEAD.size + len(pcm) - fits] = pcm[fits:]
        self._written += len(pcm)
        _COUNT.pack_into(memory, _WRITTEN_AT, self._written)

    def understood(self, position: int) -> None:
        """The model has understood the sound before that byte, counted from the first that was written."""
        if self._memory is not None:
            _COUNT.pack_into(self._memory, _UNDERSTOOD_AT, min(max(position, 0), self._written))

    @staticmethod
    def is_open(path: Path) -> bool:
        """Whether a process that lives writes into that ring. A file that is gone is not open."""
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

    @staticmethod
    def unheard(path: Path) -> bytes:
        """The sound in a ring that the model may not have heard, the oldest first; at most LONGEST_S of it.

        The file stays. Whoever goes on with a call of a process that has died deletes that one's.

        Raises:
            SoundRingError: there is no such file, or it is no ring.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SoundRingError(f"{path} can't be read: {error.strerror}") from error
        if len(content) < _HEAD.size:
            raise SoundRingError(f"{path} is no ring of sound: it is too short")
        magic, written, understood, capacity = _HEAD.unpack_from(content)
        if magic != _MAGIC or capacity != len(content) - _HEAD.size or not understood <= written:
            raise SoundRingError(f"{path} is no ring of sound, or one of another version")
        sound, start = memoryview(content)[_HEAD.size :], max(understood, written - capacity)
        begin, end = start % capacity, written % capacity
        return (
            b"" if start == written else bytes(sound[begin:end]) if begin < end else bytes(sound[begin:]) + bytes(sound[:end])
        )
