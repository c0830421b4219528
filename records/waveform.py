"""The waveform of a call: for each short stretch of its sound, the loudest sample of either channel.

That of a WAV file is read when it is asked for. That of an Opus file takes 13 s of CPU for an hour, and is kept beside it.
"""

import base64
import json
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from records.errors import NoRecordError

BUCKET_S = 0.02
"""Length of a stretch, in seconds, unless the call is so long that there would be more than MOST_BUCKETS."""
MOST_BUCKETS = 200_000
"""Most stretches: 67 minutes at 20 ms. A longer call has longer ones."""
_READ_FRAMES = 1_000_000
"""About as much is in memory at once: 4 MB."""
_LOUDEST = 255

Levels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Waveform:
    """The loudness of both channels over a call."""

    bucket_s: float
    """Length of a stretch, in seconds."""
    left: bytes
    """A byte for each stretch: its loudest sample. 0 is silence, 255 the loudest that 16 bits can say."""
    right: bytes


def levels(samples: npt.NDArray[np.int16], bucket_frames: int) -> Levels:
    """The loudest sample of each stretch and channel, from 0 to 255.

    Args:
        samples: A row for each frame, a column for each channel.
        bucket_frames: Frames in a stretch. The last one may be shorter.
    """
    missing = -len(samples) % bucket_frames
    whole = np.pad(samples, ((0, missing), (0, 0)))
    # a stretch of one channel in a row: numpy is 17 times faster along rows
    stretches = np.ascontiguousarray(whole.reshape(-1, bucket_frames, samples.shape[1]).transpose(0, 2, 1))
    loudest = np.maximum(stretches.max(axis=2).astype(np.int32), -stretches.min(axis=2).astype(np.int32))
    found: Levels = np.minimum((loudest + 127) // 128, _LOUDEST).astype(np.uint8)
    return found


def bucket_frames(frames: int, rate_hz: int) -> int:
    """The frames of a stretch in a sound of that length."""
    return max(round(BUCKET_S * rate_hz), -(-frames // MOST_BUCKETS), 1)


def read_waveform(path: Path) -> Waveform:
    """The waveform of a WAV file with two channels of 16 bits.

    Raises:
        NoRecordError: the file is no such file, or can't be read.
    """
    try:
        with wave.open(str(path)) as sound:
            if (sound.getnchannels(), sound.getsampwidth()) != (2, 2):
                raise NoRecordError(f"{path} is no WAV file with two channels of 16 bits")
            each = bucket_frames(sound.getnframes(), sound.getframerate())
            read_frames = max(_READ_FRAMES // each, 1) * each
            parts = []
            while frames := sound.readframes(read_frames):
                whole = frames[: len(frames) // 4 * 4]
                parts.append(levels(np.frombuffer(whole, dtype="<i2").reshape(-1, 2), each))
            rate_hz = sound.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        raise NoRecordError(f"{path} can't be read: {error}") from error
    found = np.concatenate(parts) if parts else np.zeros((0, 2), np.uint8)
    return Waveform(each / rate_hz, found[:, 0].tobytes(), found[:, 1].tobytes())


def waveform_of(blocks: Iterable[tuple[int, npt.NDArray[np.int16]]]) -> Waveform:
    """The waveform of sound that comes in blocks of whole stretches, each with its rate; the last one may be shorter."""
    parts, bucket_s = [np.zeros((0, 2), np.uint8)], BUCKET_S
    for rate_hz, block in blocks:
        each = bucket_frames(len(block), rate_hz)
        parts.append(levels(block, each))
        bucket_s = each / rate_hz
    found = np.concatenate(parts)
    merged = max(-(-len(found) // MOST_BUCKETS), 1)
    whole = np.pad(found, ((0, -len(found) % merged), (0, 0))).reshape(-1, merged, 2).max(axis=1)
    return Waveform(bucket_s * merged, whole[:, 0].tobytes(), whole[:, 1].tobytes())


def to_json(waveform: Waveform) -> dict[str, object]:
    """The waveform as pages and files have it: the bytes in base64."""
    left, right = (base64.b64encode(channel).decode() for channel in (waveform.left, waveform.right))
    return {"bucket_s": waveform.bucket_s, "caller": left, "agent": right}


def from_json(text: str) -> Waveform:
    """The waveform that was written as JSON.

    Raises:
        NoRecordError: the text is no waveform.
    """
    try:
        found = json.loads(text)
        left, right = (base64.b64decode(found[channel], validate=True) for channel in ("caller", "agent"))
        return Waveform(float(found["bucket_s"]), left, right)
    except (ValueError, KeyError, TypeError) as error:
        raise NoRecordError(f"it is no waveform: {error}") from error
