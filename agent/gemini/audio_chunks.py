"""The caller's sound of any rate and length, in chunks as the model takes them."""

import logging
from collections.abc import Iterator

from livekit import rtc
from livekit.agents.utils.audio import AudioByteStream

from agent.gemini.audio import INPUT_RATE_HZ

logger = logging.getLogger("earshot.link")


class AudioChunks:
    """Cuts 16 kHz mono chunks of `chunk_ms` from frames. What fills no chunk waits for the next frame."""

    def __init__(self, chunk_ms: int) -> None:
        self._samples = INPUT_RATE_HZ * chunk_ms // 1000
        self._stream = AudioByteStream(INPUT_RATE_HZ, 1, samples_per_channel=self._samples)
        self._resampler: rtc.AudioResampler | None = None
        self._rate_hz = INPUT_RATE_HZ
        self._told_dropped = False

    def is_one(self, frame: rtc.AudioFrame) -> bool:
        """The frame is such a chunk already, as a call's frames are."""
        fits = frame.sample_rate == INPUT_RATE_HZ and frame.num_channels == 1
        return fits and frame.samples_per_channel == self._samples

    def cut(self, frame: rtc.AudioFrame) -> list[bytes]:
        """The chunks that are full now. A frame that can't be resampled is dropped, and the log says so once."""
        try:
            return list(self._cut(frame))
        except Exception:  # of the resampler's, which raises nothing narrower
            if not self._told_dropped:
                self._told_dropped = True
                logger.exception("a frame of the caller's sound is dropped, others like it too")
            return []

    def _cut(self, frame: rtc.AudioFrame) -> Iterator[bytes]:
        """Of several channels the first is taken."""
        if frame.num_channels > 1:
            first = bytes(frame.data[:: frame.num_channels])
            frame = rtc.AudioFrame(first, frame.sample_rate, 1, frame.samples_per_channel)
        for resampled in self._resampled(frame):
            for chunk in self._stream.write(bytes(resampled.data)):
                yield bytes(chunk.data)

    def _resampled(self, frame: rtc.AudioFrame) -> list[rtc.AudioFrame]:
        if frame.sample_rate != self._rate_hz:
            differs = frame.sample_rate != INPUT_RATE_HZ
            self._resampler = rtc.AudioResampler(frame.sample_rate, INPUT_RATE_HZ) if differs else None
            self._rate_hz = frame.sample_rate
        return [frame] if self._resampler is None else self._resampler.push(frame)
