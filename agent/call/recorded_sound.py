"""The sound of a recorded call: both channels on the call's clock, and the latencies that they show. Pure."""

from collections.abc import Callable, Iterable

from agent.call.heard_latencies import HeardLatencies
from agent.call.sound_placement import ArrivedSound, BackgroundSound, HeardSound, PlacedSound
from agent.gemini import INPUT_RATE_HZ, OUTPUT_RATE_HZ
from records.stereo_wav import LEFT, RIGHT
from records.writer import Sound

_SILENT_SAMPLE = bytes(2)


class RecordedSound:
    """The sound of one call.

    Args:
        since_start: Gives the seconds since the call began, for a time of `time.monotonic()`.
        write: Is given the sound in order, and says whether it is recorded.
    """

    def __init__(self, since_start: Callable[[float], float], write: Callable[[Sound], bool]) -> None:
        self._since_start = since_start
        self._write = write
        self.arrived = ArrivedSound(INPUT_RATE_HZ)
        self.heard = HeardSound(OUTPUT_RATE_HZ)
        self.background = BackgroundSound()
        self.latencies = HeardLatencies()

    def take(self, now: float, *, is_silent: bool) -> None:
        """Write what has been heard until now. `is_silent`: the caller doesn't speak."""
        self._put(LEFT, INPUT_RATE_HZ, self.arrived.take(is_silent=is_silent))
        self.agent_heard(self.heard.take(now))
        self.latencies.passed(self._since_start(now))
        for sound in self.background.take():
            self._put_one(RIGHT, "background", self.background.rate_hz, sound)
        self._put_one(RIGHT, "end", OUTPUT_RATE_HZ, PlacedSound(now, _SILENT_SAMPLE))  # the sound is as long as the call

    def agent_heard(self, sounds: Iterable[PlacedSound]) -> None:
        """Write sound of the agent's."""
        self._put(RIGHT, OUTPUT_RATE_HZ, sounds)

    def _put(self, channel: int, rate_hz: int, sounds: Iterable[PlacedSound]) -> None:
        for sound in sounds:
            if self._put_one(channel, "caller" if channel == LEFT else "agent", rate_hz, sound):
                self.latencies.hear(channel, sound.pcm, rate_hz, self._since_start(sound.start))

    def _put_one(self, channel: int, track: str, rate_hz: int, sound: PlacedSound) -> bool:
        start_s = self._since_start(sound.start)
        skipped = round(max(-start_s, 0.0) * rate_hz)  # from before the call began
        return self._write(Sound(channel, track, max(start_s, 0.0), rate_hz, sound.pcm[2 * skipped :]))
