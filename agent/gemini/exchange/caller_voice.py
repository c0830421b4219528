"""Whether the caller is speaking, as far as loudness tells. Pure.

Only the link's own decisions stand on it: what is worth sending again, whether an interruption can be true, whether the service
should have noticed something. Who speaks in the conversation, Gemini decides (docs/facts.md G5).

A stretch of loud sound that is over is taken for a sentence if it is long enough, loud enough, and uneven, as syllables are: a
cough is too short, a voice across the room too soft, and a fan, a vacuum cleaner or a telephone's tone too steady.
"""

import enum
import math
from collections import deque
from dataclasses import dataclass

_LEAST = 120.0
"""Mean of 16 bit samples' sizes, about -47 dBFS: quieter is silence in any room."""
_EVERY = 8
"""One sample in so many is looked at: enough to tell loud from quiet, and four times as cheap as all."""
_OVER_FLOOR = 3.5
_MOST_FLOOR = 500.0
"""Louder than this is no noise to be used to, however long it lasts."""
_ONSET_S = 0.06
_PAUSE_S = 0.4
_LATELY_S = 1.0
REAL_SPEECH_S = 0.6
"""Shorter sounds of the caller's may be noises that the service rightly ignores (docs/facts.md G25)."""
_SENTENCE_S = 0.8
_SENTENCE_LEVEL = 300.0
"""Mean size of the samples of a sentence, about -39 dBFS: a voice across the room, or a television, is quieter."""
_STEADY = 0.25
"""Standard deviation of the loudness as a share of its mean. Noise has 0.13, a tone less, speech 0.4 to 0.7."""
_MOST_STRETCHES = 8


def loudness(pcm: bytes) -> float:
    """The mean size of 16 bit mono samples; 0 for none."""
    samples = memoryview(pcm).cast("h")[::_EVERY]
    return sum(map(abs, samples)) / len(samples) if len(samples) else 0.0


class Microphone(enum.Enum):
    """The state of the caller's microphone."""

    CLOSED = enum.auto()
    """No sound comes at all."""
    SILENT = enum.auto()
    SPEAKING = enum.auto()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the caller's loud sound that is over: speech, or a noise."""

    began_at: float
    ended_at: float
    spoke_s: float
    """Its length without its pauses, in seconds."""
    level: float
    """The mean loudness of its loud chunks."""
    unevenness: float
    """The standard deviation of their loudness as a share of the mean."""

    @property
    def is_sentence(self) -> bool:
        """Whether the stretch is long, loud and uneven enough to be a sentence that somebody says to the microphone."""
        return self.spoke_s >= _SENTENCE_S and self.level >= _SENTENCE_LEVEL and self.unevenness > _STEADY


class CallerVoice:
    """Follows the caller's sound chunk by chunk; the room's own noise is learnt, so that a fan is not a voice."""

    def __init__(self) -> None:
        self.microphone = Microphone.CLOSED
        self._is_marked = False
        """The client marks the speech's end: until then a pause is none."""
        self.last_frame_at = float("-inf")
        self._floor = _LEAST / _OVER_FLOOR
        self._loud_s = 0.0
        self.began_at = float("-inf")
        """The last stretch of speech."""
        self.last_at = float("-inf")
        """The last loud moment."""
        self.spoke_s = 0.0
        """The length of the last stretch of speech without its pauses, in seconds."""
        self._levels_s = self._levels = self._squares = 0.0
        """Sums over the stretch's loud chunks: the length, and the loudness and its square, each times the length."""
        self.stretches: deque[Stretch] = deque(maxlen=_MOST_STRETCHES)
        """The last stretches of `REAL_SPEECH_S` or more that are over; the oldest goes. Not those that the client marks."""

    def hear(self, level: float, duration_s: float, now: float) -> bool:
        """The next chunk. Returns whether it is loud."""
        self.last_frame_at = now
        self.learn(level, duration_s)
        loud = level > max(_LEAST, self._floor * _OVER_FLOOR)
        if loud:
            self._loud_s += duration_s
            if self.microphone is Microphone.SPEAKING:
                self.spoke_s += duration_s
                self.last_at = now
            elif self._loud_s >= _ONSET_S:
                self.microphone, self.began_at, self.spoke_s = Microphone.SPEAKING, now - self._loud_s, self._loud_s
                self.last_at = now
                self._levels_s = self._levels = self._squares = 0.0
            self._levels_s += duration_s
            self._levels += level * duration_s
            self._squares += level * level * duration_s
        elif now - self.last_at > _PAUSE_S and not self._is_marked:
            if self.microphone is Microphone.SPEAKING:
                self._end_stretch()
            self.microphone, self._loud_s = Microphone.SILENT, 0.0
        if self.microphone is Microphone.CLOSED:
            self.microphone = Microphone.SILENT
        return loud

    def learn(self, level: float, duration_s: float) -> None:
        """The room's own noise is learnt from a chunk: soon when it is quiet, slowly when it is loud."""
        if level < self._floor:
            self._floor += (level - self._floor) * min(5 * duration_s, 1.0)
        else:
            self._floor = min(self._floor * (1 + 0.15 * duration_s) + 0.5 * duration_s, _MOST_FLOOR)

    @property
    def speaking(self) -> bool:
        """The caller speaks, or has done so until just now."""
        return self.microphone is Microphone.SPEAKING

    @property
    def may_speak(self) -> bool:
        """Something was loud just now, if only for a moment: it may be the beginning of a word."""
        return self._loud_s > 0

    def began_lately(self, now: float) -> bool:
        """The caller speaks, and has not done so for long."""
        return self.speaking and now - self.began_at < _LATELY_S

    def begin(self, now: float) -> None:
        """The caller speaks until `hush`, as the client says, whether it is loud or not."""
        self.microphone, self._is_marked = Microphone.SPEAKING, True
        self.began_at, self.spoke_s = now, 0.0

    def hush(self) -> None:
        """The microphone is closed."""
        if self.microphone is Microphone.SPEAKING:
            self._end_stretch()
        self.microphone, self._is_marked, self._loud_s = Microphone.CLOSED, False, 0.0

    def _end_stretch(self) -> None:
        if not self._is_marked and self.spoke_s >= REAL_SPEECH_S:
            level = self._levels / self._levels_s
            unevenness = math.sqrt(max(self._squares / self._levels_s - level * level, 0.0)) / level
            self.stretches.append(Stretch(self.began_at, self.last_at, self.spoke_s, level, unevenness))
