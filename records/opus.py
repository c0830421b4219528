"""Makes an Opus file of a call's WAV file, some fifteen times smaller."""

from pathlib import Path

import av
from av.audio.frame import AudioFrame

from records.errors import NoRecordError, RecordingError

BITS_PER_S = 48_000
"""For both channels: speech without an audible loss."""


def encode(source: Path, target: Path) -> None:
    """Write the sound of a WAV file as Opus in Ogg.

    Raises:
        NoRecordError: there is no such WAV file, or it has no sound.
        RecordingError: the target can't be written.
    """
    try:
        with av.open(str(source)) as wav:
            _copy(wav, target)
    except FileNotFoundError:
        raise NoRecordError(f"{source.parent.name} has no sound") from None
    except (av.error.FFmpegError, OSError) as error:
        raise RecordingError(f"{target} can't be written: {error.strerror}") from error


def _copy(wav: av.container.InputContainer, target: Path) -> None:
    with av.open(str(target), "w", format="ogg") as ogg:
        stream = ogg.add_stream("libopus", rate=48_000, layout="stereo")
        stream.bit_rate = BITS_PER_S
        resampler = av.AudioResampler(format="s16", layout="stereo", rate=48_000)
        for frame in wav.decode(audio=0):
            for each in resampler.resample(frame):
                ogg.mux(stream.encode(each))
        flushed: list[AudioFrame | None] = [*resampler.resample(None), None]
        for last in flushed:
            ogg.mux(stream.encode(last))
