"""Writes a call's folder in a thread of its own, so that a slow disk holds nothing up."""

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
import soxr

from records.call_folder import SOUND, CallFolder
from records.errors import RecordingError
from records.stereo_wav import LEFT, Samples, StereoWav

RATE_HZ = 24_000
"""The rate of the sound: that of Gemini's voice."""
MOST_WAITING = 300
"""Pieces that wait for the disk: some 30 s of a call. Then the newest is dropped, and counted."""
CLOSES_WITHIN_S = 5.0
_SHOWS_EVERY_S = 60.0


@dataclass(frozen=True)
class Sound:
    """A stretch of sound for one channel."""

    channel: int
    track: str
    """The name of what sounds: a track's stretches that follow each other without a gap are resampled as one."""
    start_s: float
    rate_hz: int
    pcm: bytes
    """Mono, 16 bits."""

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / 2 / self.rate_hz


@dataclass(frozen=True)
class Text:
    """A line for one of the text files."""

    file: str
    line: str


@dataclass(frozen=True)
class Silence:
    """A stretch of a channel whose sound is taken away. What comes later there is kept."""

    channel: int
    start_s: float
    end_s: float


@dataclass
class _Resampling:
    """A track's resampler, and where its next sample belongs."""

    start_s: float
    rate_hz: int
    stream: soxr.ResampleStream
    at: int
    taken: int = field(default=0)
    """Samples of the track that were put in."""

    @property
    def ends_s(self) -> float:
        return self.start_s + self.taken / self.rate_hz


class RecordWriter:
    """The thread that writes one folder. `with` it.

    Args:
        folder: That of the call.
        has_sound: Whether there is sound to be written.
        on_failed: Called in the thread, once, when nothing more can be written; it is given the reason.
        shows_every_s: As long as the call runs, the folder's time shows it, also when nothing more can be written.
    """

    def __init__(
        self,
        folder: CallFolder,
        on_failed: Callable[[str], None],
        *,
        has_sound: bool,
        shows_every_s: float = _SHOWS_EVERY_S,
    ) -> None:
        self._folder = folder
        self._has_sound = has_sound
        self._on_failed = on_failed
        self._shows_every_s = shows_every_s
        self._waiting: queue.Queue[Sound | Text | Silence | None] = queue.Queue(maxsize=MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="writes the record", daemon=True)
        self._tracks: dict[str, _Resampling] = {}
        self._files: dict[str, int] = {}
        self.dropped_s = 0.0
        """Seconds of sound that were dropped, since the disk was too slow."""
        self.is_failed = False

    def __enter__(self) -> Self:
        """Make the folder, and start.

        Raises:
            RecordingError: the folder can't be made.
        """
        self._folder.make()
        self._thread.start()
        return self

    def __exit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, exc_tb: TracebackType | None) -> None:
        """Write what waits; in bounded time."""
        try:
            self._waiting.put(None, timeout=CLOSES_WITHIN_S)
        except queue.Full:
            return
        self._thread.join(CLOSES_WITHIN_S)

    def put(self, piece: Sound | Text | Silence) -> bool:
        """Have that written; at once. False: it is dropped, because the disk is too slow or has failed."""
        if self.is_failed:
            return False
        try:
            self._waiting.put_nowait(piece)
        except queue.Full:
            if isinstance(piece, Sound):
                self.dropped_s += piece.duration_s
            return False
        return True

    def _run(self) -> None:
        reason: str | None = "an error of the program"
        pieces = self._pieces()
        try:
            with ExitStack() as opened:
                wav = opened.enter_context(StereoWav(self._folder.path / SOUND, RATE_HZ)) if self._has_sound else None
                for piece in pieces:
                    if isinstance(piece, Text):
                        self._write_text(piece, opened)
                    elif isinstance(piece, Silence):
                        _silence(wav, piece)
                    elif wav is not None:
                        self._write_sound(piece, wav)
            reason = None
        except (OSError, RecordingError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        finally:  # also after an error that nobody has foreseen, which Python's hook for threads shows
            if reason is not None:
                self.is_failed = True
                self._on_failed(reason)
            for _ in pieces:
                pass  # the call runs, and nothing more of it is written

    def _pieces(self) -> Iterator[Sound | Text | Silence]:
        """What is to be written, until the call is over."""
        shown_at = time.monotonic()
        while True:
            try:
                piece = self._waiting.get(timeout=self._shows_every_s)
            except queue.Empty:
                pass
            else:
                if piece is None:
                    return
                yield piece
            if time.monotonic() - shown_at >= self._shows_every_s:
                self._folder.show_running()
                shown_at = time.monotonic()

    def _write_text(self, piece: Text, opened: ExitStack) -> None:
        file = self._files.get(piece.file)
        if file is None:
            path = self._folder.path / piece.file
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            opened.callback(os.close, file)
            self._files[piece.file] = file
        os.write(file, f"{piece.line}\n".encode(errors="replace"))

    def _write_sound(self, piece: Sound, wav: StereoWav) -> None:
        samples = np.frombuffer(piece.pcm, dtype=np.int16)
        if piece.rate_hz == RATE_HZ:
            _lay(wav, piece.channel, round(piece.start_s * RATE_HZ), samples)
            return
        track = self._tracks.get(piece.track)
        if track is None or track.rate_hz != piece.rate_hz or abs(piece.start_s - track.ends_s) > 1 / piece.rate_hz:
            if track is not None:
                self._put(piece.channel, track, track.stream.resample_chunk(samples[:0], last=True), wav)
            stream = soxr.ResampleStream(piece.rate_hz, RATE_HZ, 1, dtype="int16", quality="LQ")
            track = self._tracks[piece.track] = _Resampling(
                piece.start_s, piece.rate_hz, stream, round(piece.start_s * RATE_HZ)
            )
        track.taken += len(samples)
        self._put(piece.channel, track, track.stream.resample_chunk(samples), wav)

    def _put(self, channel: int, track: _Resampling, samples: Samples, wav: StereoWav) -> None:
        _lay(wav, channel, track.at, samples)
        track.at += len(samples)


def _lay(wav: StereoWav, channel: int, at: int, samples: Samples) -> None:
    """Write it: the caller has one voice, which another process may have written before. What they hear are several sounds."""
    if channel == LEFT:
        wav.write(channel, at, samples)
    else:
        wav.add(channel, at, samples)


def silence_sound(folder: CallFolder, silences: Sequence[Silence]) -> None:
    """Take sound away in a folder that nobody writes any more.

    Raises:
        RecordingError: the file can't be written.
    """
    path = folder.path / SOUND
    if not silences or not path.exists():
        return
    try:
        with StereoWav(path, RATE_HZ) as wav:
            for silence in silences:
                _silence(wav, silence)
    except OSError as error:
        raise RecordingError(f"{path} can't be written: {error.strerror}") from error


def _silence(wav: StereoWav | None, silence: Silence) -> None:
    if wav is not None:
        wav.silence(silence.channel, round(silence.start_s * RATE_HZ), round(silence.end_s * RATE_HZ))
